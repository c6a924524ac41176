# ruff: noqa: INP001  (a script of the documentation, in no package)
"""Writes the reference pages whose content is in the code: settings, routes, tables, errors, commands, findings, ...

`python docs/reference/generate.py` writes them, `tests/docs/test_reference_pages.py` compares them. What the code does
not say, such as what a column is for, is in `words/*.toml`; every route, column and command must have its words there.
"""

import inspect
import json
import tomllib
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeGuard, get_args, get_origin

import typer
from annotated_types import Ge
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from sqlalchemy import Column, Table, UniqueConstraint
from sqlalchemy.dialects import sqlite

from connect_core.administrators.api_tokens import Scope
from connect_core.cli import app as command_line
from connect_core.cli.plugin.reference import read_reference
from connect_core.doctor.catalogue import find_all_kinds
from connect_core.doctor.kinds import Kind
from connect_core.errors import RequestRefused, every_error
from connect_core.harness import make_settings
from connect_core.observability.advice import ADVICE
from connect_core.observability.metrics.catalogue import METRICS
from connect_core.providers.oauth2 import OAuth2Settings
from connect_core.providers.oidc import OidcSettings
from connect_core.providers.registry import Plugins
from connect_core.settings import ProviderSettings, Settings
from connect_core.settings.renamed_keys import RENAMED_KEYS
from connect_core.settings.values import is_duration, write_duration
from connect_core.store.models import Declared
from connect_core.web import create_app
from connect_core.web.admin.api.document import describe
from connect_core.web.admin.api.routes import list_routes
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.routes import SCREENS
from connect_core.web.legacy.javashop import CODES, FAILED
from connect_core.web.openapi.document import build_document
from connect_core.web.openapi.operations import OPERATIONS, UNDESCRIBED
from connect_core.web.pages.catalogues import load_catalogues
from connect_core.web.pages.messages import refusal_keys
from connect_core.web.pages.times import describe_wait

HERE = Path(__file__).parent
PLUGIN_FOLDERS = HERE.parents[1] / "plugins"
DOCUMENT = HERE.parents[1] / "connect_core/web/openapi/openapi.json"
"""The OpenAPI document: the service has it in its package, and the page leads to it there."""
MARK = "<!-- Written by docs/reference/generate.py from the code and from words/{}.toml: edit those. -->"

BASE_SETTINGS: dict[type[ProviderSettings], str] = {
    OAuth2Settings: "OAuth 2.0 provider",
    OidcSettings: "OpenID provider",
    ProviderSettings: "",
}

Words = dict[str, Any]
Lines = Iterator[str]


def make_pages() -> dict[str, str]:
    """Return the text of each page by its file name. Raises `ValueError` where words and code do not fit."""
    makers = {
        "settings": write_settings,
        "routes": write_routes,
        "tables": write_tables,
        "errors": write_errors,
        "commands": write_commands,
        "plugin": write_plugin,
        "metrics": write_metrics,
        "findings": write_findings,
        "openapi": write_openapi,
        "management-api": write_management_api,
    }
    pages = {}
    for name, write in makers.items():
        words = tomllib.loads((HERE / "words" / f"{name}.toml").read_text("utf-8"))
        parts = [f"# {words['title']}", MARK.format(name), words["text"].strip(), *write(words)]
        pages[f"{name}.md"] = "\n\n".join(parts) + "\n"
    return pages


def make_document() -> str:
    """Return the OpenAPI document. Raises `ValueError` where routes, models and words do not fit."""
    routes = {f"{method} {route.path}" for route in shop_routes() for method in route.methods}
    compare({route for route in routes if not route.partition(" ")[2].startswith(UNDESCRIBED)}, OPERATIONS)
    words = tomllib.loads((HERE / "words/routes.toml").read_text("utf-8"))
    return json.dumps(build_document(words), ensure_ascii=False, indent=1) + "\n"


def write_settings(words: Words) -> Lines:
    """Every section of `connect.toml`, then the keys that each plugin's providers take."""
    compare(set(Settings.model_fields), words["section"])
    for name, field in Settings.model_fields.items():
        yield f"## `[{name}]`"
        yield words["section"][name].strip()
        if is_model(field.annotation):
            yield setting_table(field.annotation)
        elif models := [kind for kind in get_args(field.annotation) if is_model(kind)]:
            yield setting_table(models[0])
    yield "## Keys of every provider"
    yield words["provider"].strip()
    yield setting_table(ProviderSettings)
    yield "## Keys of every OAuth 2.0 provider"
    yield words["oauth2"].strip()
    yield setting_table(OAuth2Settings, without=ProviderSettings.model_fields)
    yield "## Keys of every OpenID provider"
    yield words["oidc"].strip()
    yield setting_table(OidcSettings, without=ProviderSettings.model_fields)
    for name, provider in our_plugins():
        yield f"## Plugin `{name}`"
        yield f"{provider.titles['en']}, for {listed(provider.entrances)}. {sentence(provider.Settings.__doc__)}"
        shared = next(base for base in BASE_SETTINGS if issubclass(provider.Settings, base))
        if kind := BASE_SETTINGS[shared]:
            yield f"Takes the keys of every {kind}."
        if provider.Settings is not shared:
            yield setting_table(provider.Settings, without=get_inherited(provider.Settings, shared))
        yield from write_inner_tables(provider.Settings, get_inherited(provider.Settings, shared))
    yield "## Renamed keys"
    yield words["renamed"].strip()
    yield table(("old", "new"), ((f"`[{part}] {old}`", f"`{new}`") for (part, old), new in RENAMED_KEYS.items()))


def is_model(kind: object) -> TypeGuard[type[BaseModel]]:
    """Whether an annotation is a table of settings itself."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def get_inherited(model: type[ProviderSettings], shared: type[ProviderSettings]) -> set[str]:
    """The keys that a plugin takes over from `shared` as they are, without those that it declares again."""
    declared = {
        key for kind in model.__mro__ if kind not in shared.__mro__ for key in vars(kind).get("__annotations__", ())
    }
    return set(shared.model_fields) - declared


def write_inner_tables(model: type[BaseModel], without: Container[str] = ()) -> Lines:
    """The tables inside a provider's table: each type once, under the keys that take it."""
    within: dict[type[BaseModel], list[str]] = {}
    for key, field in model.model_fields.items():
        is_table = isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        if is_table and key not in without:
            within.setdefault(field.annotation, []).append(key)
    for kind, keys in within.items():
        yield f"### {' and '.join(f'`[providers.NAME.{key}]`' for key in keys)}"
        yield inspect.cleandoc(kind.__doc__ or "")
        yield setting_table(kind)


def write_routes(words: Words) -> Lines:
    """Every route of the application, in the groups and with the examples of the words."""
    real = {f"{method} {route.path}" for route in shop_routes() for method in sorted(route.methods)}
    compare(real, words["route"])
    for group in words["group"]:
        yield f"## {group['title']}"
        yield group["text"].strip()
        for route in group["routes"]:
            route_words = words["route"].pop(route)
            yield f"### `{route}`"
            yield route_words["text"].strip()
            if takes := route_words.get("takes"):
                yield table(("parameter", "meaning"), ((f"`{name}`", meaning) for name, meaning in takes.items()))
            yield from (example.strip() for example in route_words.get("examples", []))
            if codes := route_words.get("errors"):
                compare(every_code() | set(codes), every_code())
                yield f"Refusals of its own: {listed(codes)}."
    compare(set(), words["route"])  # every route was in a group


def write_openapi(words: Words) -> Lines:
    """Every operation of the document, with the method of the clients that calls it."""
    document = json.loads(make_document())
    tags: dict[str, list[tuple[str, ...]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            row = (f"`{operation['operationId']}`", f"`{method.upper()} {path}`", operation["summary"])
            tags[operation["tags"][0]].append(row)
    for tag, rows in tags.items():
        yield f"## {tag}"
        yield table(("operation", "route", "what it does"), rows)


def write_management_api(words: Words) -> Lines:
    """Every operation of the management API, by the scope that it needs."""
    service = {"database_url": "sqlite://"}
    settings = make_settings("http://127.0.0.1:8000", Path("unused.db"), service=service, admin={"enabled": True})
    app = create_app(settings)
    app.state.manager.database.close()
    paths = describe(list_routes(AdminContext(app.state.context, SCREENS)))["paths"]
    scopes: dict[str, list[tuple[str, ...]]] = {}
    for path, operations in paths.items():
        for method, operation in operations.items():
            [scope] = operation["security"][0]["token"]
            row = (f"`{method.upper()} {path}`", operation["summary"], listed(list_taken(operation)))
            scopes.setdefault(scope, []).append(row)
    compare(set(scopes), set(Scope))
    for scope in Scope:
        yield f"## `{scope}`"
        yield table(("operation", "what it does", "takes"), scopes[scope])


def list_taken(operation: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parameters of the query, `?before`, and the members of the body; `base?` is one that may be missing."""
    yield from (f"?{each['name']}" for each in operation["parameters"] if each["in"] == "query")
    for body in operation.get("requestBody", {}).get("content", {}).values():
        required = body["schema"].get("required", ())
        yield from (name if name in required else f"{name}?" for name in body["schema"]["properties"])


def write_tables(words: Words) -> Lines:
    """Every table: its columns with their types, what they are for, and what is unique."""
    compare(set(Declared.metadata.tables), words["table"])
    for name, table_words in words["table"].items():
        columns = Declared.metadata.tables[name].columns
        meanings = table_words["columns"]
        compare({column.name for column in columns}, meanings)
        yield f"## `{name}`"
        yield table_words["text"].strip()
        rows = ((f"`{c.name}`", get_sql_type(c), get_sql_default(c), meanings[c.name]) for c in columns)
        yield table(("column", "type", "default", "meaning"), rows)
        yield "\n".join(f"- {line}" for line in get_constraints(Declared.metadata.tables[name]))


def write_errors(words: Words) -> Lines:
    """Every code: its status and meaning, what a member reads, and what the operator does."""
    compare(every_code(), ADVICE)
    errors = [(f"`{error.code}`", error) for error in every_error()]
    rows = ((code, e.status, sentence(e.__doc__), f"`{CODES.get(e.code, FAILED)}`") for code, e in errors)
    yield table(("code", "status", "what happened", "code on `/buyer` and `/login`"), rows)
    yield "## What the operator does"
    yield words["advice"].strip()
    loud = {e.code for e in every_error() if not issubclass(e, RequestRefused)}
    advice = ((code, "warning" if e.code in loud else "info", ADVICE[e.code]) for code, e in errors)
    yield table(("code", "log level", "what to do"), advice)
    yield "## What a member reads"
    yield words["pages"].strip()
    languages = [(language, load_catalogues().texts[language]) for language in ("zh-CN", "en")]
    keys = ((code, *refusal_keys(e.code)) for code, e in errors)
    titled = (
        (
            code,
            *(f"**{texts[title]}** {texts[advice].replace('%s', describe_wait(60, tag))}" for tag, texts in languages),
        )
        for code, title, advice in keys
    )
    yield table(("code", "中文", "English"), titled)


def write_metrics(words: Words) -> Lines:
    """Every metric: its type, labels and meaning, and when to worry; then the buckets of the histograms."""
    compare(set(METRICS), words["worry"])
    yield table(
        ("metric", "type", "labels", "what it tells", "when to worry"),
        (
            (f"`{metric.full_name}`", metric.kind, listed(metric.labels), metric.meaning, words["worry"][name])
            for name, metric in METRICS.items()
        ),
    )
    yield "## Buckets"
    rows = (
        (f"`{metric.full_name}`", ", ".join(f"{bound:g}" for bound in metric.bounds)) for metric in METRICS.values()
    )
    yield table(("histogram", "upper bounds in seconds"), (row for row in rows if row[1]))


def write_commands(words: Words) -> Lines:
    """Every command: what it does, its arguments and options, an example."""
    walked = walk_commands(typer.main.get_command(command_line), "")
    commands = {name: command for name, command in walked if not command.hidden}
    compare(set(commands), words["command"])
    for name, command in commands.items():
        yield f"## `connect-login {name}`"
        yield inspect.cleandoc(command.help or "")
        rows = [get_parameter_row(p) for p in command.params if p.name != "help" and not getattr(p, "hidden", False)]
        if rows:
            yield table(("argument or option", "default", "meaning"), rows)
        yield words["command"][name].strip()


def write_plugin(words: Words) -> Lines:
    """Every name that a plugin imports, in the groups of the words."""
    entries = read_reference()
    grouped = [name for group in words["group"] for name in group["names"]]
    compare(set(entries), grouped)
    if repeated := sorted(name for name in entries if grouped.count(name) > 1):
        raise ValueError(f"in two groups: {repeated}")
    links = ((group["title"], ", ".join(f"[`{n}`](#{n.lower()})" for n in group["names"])) for group in words["group"])
    yield table(("to", "names"), links)
    for group in words["group"]:
        yield f"## {group['title']}"
        yield group["text"].strip()
        yield from (entries[name].to_markdown() for name in group["names"])


def write_findings(words: Words) -> Lines:
    """Every finding of the doctor, by subject: its level, what it means, and what to do."""
    every = find_all_kinds()
    compare({kind.subject for kind in every}, words["subject"])
    for subject, text in words["subject"].items():
        yield f"## {subject.capitalize()}"
        yield text.strip()
        kinds = [kind for kind in every if kind.subject == subject]
        yield table(("id", "level", "meaning", "what to do"), map(get_finding_row, kinds))


def get_finding_row(kind: Kind) -> tuple[str, str, str, str]:
    """Return the row of a kind of finding."""
    is_hint = kind.level == "ok" and kind.remedy
    return f"`{kind.id}`", "hint" if is_hint else kind.level, kind.means, kind.remedy


def our_plugins() -> Iterator[tuple[str, Any]]:
    """The provider classes of `plugins/`, by plugin; other plugins that happen to be installed are left out."""
    for name, plugin in Plugins().available.items():
        if (PLUGIN_FOLDERS / plugin.provider.__module__.partition(".")[0]).is_dir():
            yield name, plugin.provider


def shop_routes() -> list[Any]:
    """Return the routes of an application without providers, with the default prefix."""
    app = create_app(make_settings("http://127.0.0.1:8000", Path("unused.db"), service={"database_url": "sqlite://"}))
    app.state.manager.database.close()
    return app.routes


def every_code() -> set[str]:
    """Return the codes of the closed list."""
    return {error.code for error in every_error()}


def setting_table(model: type[BaseModel], without: Container[str] = ()) -> str:
    """Return a table of the settings of `model`."""
    fields = {key: field for key, field in model.model_fields.items() if key not in without}
    rows = ((f"`{key}`", get_kind(field), get_default(field), field.description) for key, field in fields.items())
    return table(("key", "value", "default", "meaning"), rows)


def get_kind(field: FieldInfo) -> str:
    """Return in words what a setting takes."""
    least: Any = next((mark.ge for mark in field.metadata if isinstance(mark, Ge)), None)
    if is_duration(field):
        return f'duration, at least `"{write_duration(least)}"`' if least else "duration"
    kind = name_kind(field.annotation)
    return f"{kind}, at least {least}" if least is not None else kind


def name_kind(annotation: Any) -> str:
    """Name a type in words."""
    origin, inner = get_origin(annotation), [part for part in get_args(annotation) if part is not type(None)]
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin is list:
        kind = name_kind(inner[0])
        return f"list of {kind}" if get_origin(inner[0]) is Literal else f"list of {kind}s"
    if origin is Mapping or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return "table"
    if origin is tuple:
        return "list"
    if inner:
        return name_kind(inner[0])
    kinds = {int: "whole number", bool: "`true` or `false`", SecretStr: "secret text", Path: "path"}
    return kinds.get(annotation, "text")


def get_default(field: FieldInfo) -> str:
    """Return what applies when the setting is left out."""
    if field.is_required():
        return "required"
    if is_duration(field) and field.default is not None:
        return f'`"{write_duration(field.default)}"`' if field.default else "`0`"
    is_silent = field.default in (None, "", {}, ()) or isinstance(field.default, BaseModel)
    return "" if is_silent else f"`{json.dumps(field.default)}`"


def get_sql_type(column: Column[Any]) -> str:
    """Return a column's type; `exact`: compared byte for byte on every engine."""
    is_exact = "COLLATE" in column.type.compile(dialect=sqlite.dialect())
    return f"{column.type}{', exact' if is_exact else ''}{', may be NULL' if column.nullable else ''}"


def get_sql_default(column: Column[Any]) -> str:
    """Return the default that the database itself fills in."""
    if column.computed is not None or column.autoincrement is True:
        return "computed" if column.computed is not None else "numbered"
    filled = getattr(column.server_default, "arg", None)
    return "" if filled is None else f"`{filled}`" if filled else "empty text"


def get_constraints(declared: Table) -> list[str]:
    """Return a line for each unique constraint and each index of a table."""
    unique = [c for c in declared.constraints if isinstance(c, UniqueConstraint)]
    lines = ["unique: " + listed(column.name for column in constraint.columns) for constraint in unique]
    lines += ["index: " + listed(column.name for column in index.columns) for index in declared.indexes]
    return sorted(lines) or ["primary key alone"]


def walk_commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every command that does something, by its words after `connect-login`."""
    for name, child in getattr(command, "commands", {}).items():
        yield from walk_commands(child, f"{path}{name} ") if hasattr(child, "commands") else [(f"{path}{name}", child)]


def get_parameter_row(parameter: Any) -> tuple[str, str, str]:
    """Return the row of an argument or option."""
    names = listed([parameter.name.upper()] if parameter.param_type_name == "argument" else parameter.opts)
    variable = f" Or `{parameter.envvar}` in the environment." if parameter.envvar else ""
    is_silent = parameter.default in (None, "") or parameter.default is False
    return names, "" if is_silent else f"`{parameter.default}`", f"{parameter.help}{variable}"


def compare(real: set[str], words: Iterable[str]) -> None:
    """Raise `ValueError` unless every name of the code has words, and all words belong to a name of the code."""
    if difference := real ^ set(words):
        raise ValueError(f"without words, or words without it: {sorted(difference)}")


def sentence(docstring: str | None) -> str:
    """Return a docstring on one line."""
    return " ".join(str(docstring).split())


def listed(names: Iterable[str]) -> str:
    """Join names as code."""
    return ", ".join(f"`{name}`" for name in names)


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """Return a Markdown table; a cell is one line, and what would end it or begin a tag is escaped."""
    cells = [[" ".join(str(cell).split()).replace("|", "\\|").replace("<", "&lt;") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ("---",) * len(head), *cells])


if __name__ == "__main__":
    for file_name, text in make_pages().items():
        (HERE / file_name).write_text(text, "utf-8")
    DOCUMENT.write_text(make_document(), "utf-8")
