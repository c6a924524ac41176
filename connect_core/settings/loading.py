"""Reads `connect.toml`: renames old keys, fills in `env:NAME` and `file:PATH`, and reports all mistakes together.

Each mistake is one line that begins with the path of its key and never repeats a value. Blanks around a value are
dropped where it comes from a file or the environment, and are a mistake in `connect.toml`. The settings of a provider
are checked later, by `check_provider_settings` with the model of its plugin.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from connect_core.errors import SettingsError
from connect_core.identity import ClientType
from connect_core.settings.locks import Locks, take_locks
from connect_core.settings.model import Limits, PageSettings, ProviderSettings, Settings
from connect_core.settings.operations import WebhookSettings
from connect_core.settings.renamed_keys import Report, log_renamed, rename_keys
from connect_core.settings.secret_files import ReportReadable, is_readable_by_others, is_secret, log_readable
from connect_core.settings.sqlite_paths import find_left_behind, locate_sqlite
from connect_core.settings.values import is_duration, parse_secret_key, write_duration

T = TypeVar("T")
WRONG_FORM = "is not in the form that it must have"
"""What a mistake says of a text that does not match its pattern; an example follows where there is one."""
_PATHS = frozenset(
    f"pages.{name}" for name in ("geoip_database", "locale_folder", "logo", "stylesheet", "template_folder")
)
_BLANKS = "\ufeff\u200b"
"""What `str.strip` leaves: the byte order mark that editors put before a text, and the zero-width space."""
_KEEPS_BLANKS = re.compile(r"(?:^|\.)scope_separator$")


@dataclass(slots=True)
class _Source:
    """Where `file:` paths begin, with what was found: `mistakes`, and keys of secrets in files that all may read.

    `readable_name` is the name of the configuration file when all may read it, else empty.
    """

    folder: Path
    readable_name: str = ""
    mistakes: list[str] = field(default_factory=list)
    readable: list[tuple[str, str]] = field(default_factory=list)


def load_settings(
    path: Path, *, report_renamed: Report = log_renamed, report_readable: ReportReadable = log_readable
) -> Settings:
    """Read `connect.toml`, the file at `path`. Raises `SettingsError` with all mistakes.

    `report_renamed` is called once for each key that stands under an old name, `report_readable` for each file
    with secrets, `path` or one behind `file:`, that every user of the machine may read; by default they log a warning.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        mistake = "there is no such file; give its path with --config, or let `connect-login init` write one"
    except OSError as error:
        mistake = f"it cannot be read: {error.strerror}"
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        mistake = str(error)
    except RecursionError:
        mistake = "its tables and lists are nested too deeply"
    else:
        source = _Source(path.parent, path.name if is_readable_by_others(path) else "")
        settings = _parse(raw, source, report_renamed)
        for file in dict.fromkeys(file for _, file in source.readable):
            report_readable([key for key, name in source.readable if name == file], file)
        return settings
    # raised outside the handler: as a cause, a decoding error would bring the whole file along in its repr
    raise SettingsError([f"{path}: {mistake}"])


def parse_settings(raw: Mapping[str, Any], folder: Path = Path(), *, report_renamed: Report = log_renamed) -> Settings:
    """Check a configuration given as plain data, `raw`, as `tomllib` returns it. Raises `SettingsError`.

    Paths in it, also that of a SQLite database, are relative to `folder`; `report_renamed` as in `load_settings`.
    """
    return _parse(raw, _Source(folder), report_renamed)


def _parse(raw: Mapping[str, Any], source: _Source, report_renamed: Report) -> Settings:
    renamed, mistakes = rename_keys(raw, report_renamed)
    source.mistakes = mistakes
    resolved = _resolve(renamed, source, "")
    locks = take_locks(resolved, mistakes)
    absent = {mistake.partition(":")[0] for mistake in mistakes}
    settings, wrong = None, [*cross_check(resolved), *_find_unknown_locks(locks)]
    try:
        settings = Settings.model_validate(resolved)
    except ValidationError as error:
        wrong = [*explain(error, Settings), *wrong]
    mistakes += [mistake for mistake in wrong if mistake.partition(":")[0] not in absent]
    if mistakes or settings is None:
        raise SettingsError(mistakes)
    return _locate_database(settings.with_locks(locks), source.folder)


def _locate_database(settings: Settings, folder: Path) -> Settings:
    """Return the settings with the path of a SQLite file seen from `folder`.

    Raises `SettingsError` rather than let an empty database be made beside the one that older releases would have used.
    """
    url = settings.service.database_url
    if left_behind := find_left_behind(url, folder):
        missing, existing = left_behind
        mistake = (
            f"a relative path begins at the folder of connect.toml: {missing} does not exist, but {existing} does; "
            "stop the service and move it there with its -wal file, or give an absolute path"
        )
        raise SettingsError([f"service.database_url: {mistake}"])
    service = settings.service.model_copy(update={"database_url": locate_sqlite(url, folder)})
    return settings.model_copy(update={"service": service})


def check_provider_settings(
    model: type[ProviderSettings], raw: Mapping[str, Any], path: str, shared: frozenset[str] = frozenset()
) -> ProviderSettings:
    """Check a provider's merged settings against its plugin's model. Raises `SettingsError`, keys below `path`.

    `shared` are keys that came from an account, which other software may use too: unknown ones among them are ignored.
    """
    known = {key: value for key, value in raw.items() if key in model.model_fields or key not in shared}
    try:
        return model.model_validate(known)
    except ValidationError as error:
        raise SettingsError(explain(error, model, path)) from None


def explain(error: ValidationError, model: type[BaseModel], path: str = "") -> list[str]:
    """Return a line for each mistake that pydantic reports: the key's path, what is wrong, and the nearest known key.

    `path` is where `model` stands in the configuration; no line repeats a value, which may be a secret.
    """
    lines = []
    for item in error.errors(include_input=False, include_url=False):
        where = ".".join(filter(None, [path, *(str(part) for part in item["loc"] if part != "[key]")]))
        match item["type"]:
            case "extra_forbidden":
                near = difflib.get_close_matches(str(item["loc"][-1]), _find_known_keys(model, item["loc"][:-1]), 1)
                text = "unknown key" + (f"; did you mean `{near[0]}`?" if near else "")
            case "missing":
                text = "is missing"
            case "path_not_file" | "path_not_directory" as kind:
                text = f"there is no such {kind.removeprefix('path_not_')}, seen from connect.toml"
            case "string_pattern_mismatch" | "greater_than_equal" | "less_than_equal" as kind:
                setting = _find_fields(model, item["loc"][:-1]).get(str(item["loc"][-1]))
                text = _explain_limit(kind, next(iter(item["ctx"].values())), setting)
            case _:
                text = item["msg"].removeprefix("Value error, ")
        lines.append(f"{where}: {text}")
    return lines


def _explain_limit(kind: str, limit: Any, setting: FieldInfo | None) -> str:
    """Return what to give instead: `limit` is the pattern or the bound that a value breaks."""
    if kind == "string_pattern_mismatch":
        example = setting.default if setting is not None else None
        return f'{WRONG_FORM}, such as "{example}"' if isinstance(example, str) and example else WRONG_FORM
    bound = write_duration(limit) if setting is not None and is_duration(setting) else limit
    return f"give {bound} or {'more' if kind == 'greater_than_equal' else 'less'}"


def _find_known_keys(model: type[BaseModel], parents: Sequence[int | str]) -> list[str]:
    more = Settings.core_keys if not parents and issubclass(model, ProviderSettings) else ()
    return [*_find_fields(model, parents), *more]


def _find_fields(model: type[BaseModel], parents: Sequence[int | str]) -> dict[str, FieldInfo]:
    """Return the fields of the table at `parents`, as pydantic names places, seen from `model`."""
    fields = model.model_fields
    names = iter(parents)
    for name in names:
        inner = fields[str(name)].annotation if str(name) in fields else None
        if get_origin(inner) is dict and next(names, None):  # tables that the operator names, such as [webhooks.crm]
            inner = get_args(inner)[1]
        fields = inner.model_fields if isinstance(inner, type) and issubclass(inner, BaseModel) else {}
    return fields


def _resolve(value: Any, source: _Source, path: str) -> Any:
    match value:
        case dict():
            return {key: _resolve(item, source, f"{path}.{key}".lstrip(".")) for key, item in value.items()}
        case list():
            return [_resolve(item, source, f"{path}.{place}") for place, item in enumerate(value)]
        case str() if not _KEEPS_BLANKS.search(path):
            return _resolve_text(value, source, path)
        case _:
            return value


def _resolve_text(literal: str, source: _Source, path: str) -> str | Path:
    text = _trim(literal)
    if text != literal and "\n" not in text:  # a text of several lines ends with a line break
        source.mistakes.append(f"{path}: remove the blanks around the value")
    kind, colon, name = text.partition(":")
    kind, name = kind if colon else "", _trim(name)  # `settings = "file"` names no file
    if kind == "env":
        if name not in os.environ:
            source.mistakes.append(f"{path}: the environment variable {name} is not set")
        text = _trim(os.environ.get(name, ""))
        return source.folder / text if path in _PATHS else text
    if path in _PATHS:
        return source.folder / (name if kind == "file" else text)
    if kind == "file":
        return _read_file(name, source, path)
    if source.readable_name and is_secret(path, text):
        source.readable.append((path, source.readable_name))
    return text


def _read_file(name: str, source: _Source, path: str) -> str:
    file = source.folder / name
    try:
        text = _trim(file.read_text("utf-8"))
        if is_secret(path, text) and is_readable_by_others(file):
            source.readable.append((path, name))
        return text
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        source.mistakes.append(f"{path}: the file {name} cannot be read: {reason}")
        return ""


def _trim(text: str) -> str:
    return text.strip().strip(_BLANKS).strip()


def cross_check(raw: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each mistake that lies between two tables of a configuration, given as plain data."""
    # on the raw tables, so that these mistakes are reported together with pydantic's
    service, accounts, providers, clients = (
        _of(dict, raw.get(key)) for key in ("service", "accounts", "providers", "clients")
    )
    for place, key in enumerate(_of(list, service.get("secret_keys"))):
        try:
            parse_secret_key(_of(str, key))
        except ValueError as error:
            yield f"service.secret_keys.{place}: {error}"
    for name, provider in providers.items():
        yield from _provider_mistakes(name, _of(dict, provider), accounts)
    for client, listed in clients.items():
        names = [name for name in _of(list, listed) if isinstance(name, str)]
        for name in names:
            if name not in providers:
                yield f"clients.{client}: {name} is not configured; add [providers.{name}]"
        if len(set(names)) != len(names):
            yield f"clients.{client}: a provider is listed twice"
    if _of(dict, raw.get("events")).get("redis_stream") and not service.get("redis_url"):
        yield "events.redis_stream: set service.redis_url, the Redis that has the stream"


def _find_unknown_locks(locks: Locks) -> Iterator[str]:
    """Yield a line for each locked key that its table cannot have: it would lock nothing, and nobody would notice.

    The keys of providers and accounts are their plugins' to know.
    """
    known: dict[str, Iterable[str]] = {
        "limits": Limits.model_fields,
        "pages": PageSettings.model_fields,
        "clients": [client.value for client in ClientType],
        "webhooks": WebhookSettings.model_fields,
    }
    for section, names in locks.items():
        keys = list(known.get(section.partition(".")[0], names or ()))
        for name in sorted(names or ()):
            if name not in keys:
                near = difflib.get_close_matches(name, keys, 1)
                hint = f"; did you mean `{near[0]}`?" if near else ""
                yield f"{section}.locked: there is no key {name}{hint}"


def _provider_mistakes(name: str, provider: Mapping[str, Any], accounts: Mapping[str, Any]) -> Iterator[str]:
    if not re.fullmatch("[a-z0-9][a-z0-9_-]*", name):
        yield f"providers.{name}: names are lower-case letters, digits, - and _"
    for key in ("plugin", "use"):
        if not isinstance(provider.get(key, ""), str):
            yield f"providers.{name}.{key}: give a name"
    account = provider.get("use")
    if isinstance(account, str) and account not in accounts:
        yield f"providers.{name}.use: there is no [accounts.{account}]"
    for client in ClientType:
        if not isinstance(provider.get(client, {}), dict):
            yield f"providers.{name}.{client}: give a table [providers.{name}.{client}]"


def _of(kind: type[T], value: object) -> T:
    """Return `value` if it is of `kind`, else an empty one: pydantic reports a value of the wrong kind."""
    return value if isinstance(value, kind) else kind()
