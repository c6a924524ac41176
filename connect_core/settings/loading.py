"""Reading `connect.toml`: indirections resolved, every mistake told at once with the path of its key.

`env:NAME` and `file:PATH` stand for a value kept elsewhere. A provider's settings for a client type are its account's,
then its own, then the client type's; later wins. What a provider's settings must look like is the plugin's to say.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from connect_core.errors import SettingsError
from connect_core.identity import ClientType
from connect_core.settings.model import ProviderSettings, Settings
from connect_core.settings.values import parse_secret_key

T = TypeVar("T")
_PATHS = frozenset({"pages.stylesheet", "pages.template_folder"})


def load_settings(path: Path) -> Settings:
    """Read `connect.toml`. Raises `SettingsError` with every mistake found."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        mistake = "there is no such file; `connect-login init` writes one"
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        mistake = str(error)
    else:
        return parse_settings(raw, path.parent)
    # raised out here: a decoding error shows the whole file in its repr
    raise SettingsError([f"{path}: {mistake}"])


def parse_settings(raw: Mapping[str, Any], folder: Path = Path()) -> Settings:
    """Check a configuration given as plain data; `file:` paths are relative to `folder`. Raises `SettingsError`."""
    mistakes: list[str] = []
    resolved = _resolve(dict(raw), folder, "", mistakes)
    absent = {mistake.partition(":")[0] for mistake in mistakes}
    settings, found = None, list(_cross_checks(resolved))
    try:
        settings = Settings.model_validate(resolved)
    except ValidationError as error:
        found = [*explain(error, Settings), *found]
    mistakes += [mistake for mistake in found if mistake.partition(":")[0] not in absent]
    if mistakes or settings is None:
        raise SettingsError(mistakes)
    return settings


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
    """Turn pydantic's report into one line a mistake: the key's path, what is wrong, and the nearest known key."""
    lines = []
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        where = ".".join(filter(None, [path, *(str(part) for part in item["loc"] if part != "[key]")]))
        match item["type"]:
            case "extra_forbidden":
                near = difflib.get_close_matches(str(item["loc"][-1]), _known_keys(model, item["loc"][:-1]), 1)
                text = "unknown key" + (f"; did you mean `{near[0]}`?" if near else "")
            case "missing":
                text = "is missing"
            case "path_not_file" | "path_not_directory" as kind:
                text = f"there is no such {kind.removeprefix('path_not_')}, seen from connect.toml"
            case _:
                text = item["msg"].removeprefix("Value error, ")
        lines.append(f"{where}: {text}")
    return lines


def _known_keys(model: type[BaseModel], parents: tuple[int | str, ...]) -> list[str]:
    fields = model.model_fields
    if not parents and issubclass(model, ProviderSettings):
        return [*fields, *Settings.core_keys]
    for parent in parents:
        inner = fields[str(parent)].annotation if str(parent) in fields else None
        fields = inner.model_fields if isinstance(inner, type) and issubclass(inner, BaseModel) else {}
    return list(fields)


def _resolve(value: Any, folder: Path, path: str, mistakes: list[str]) -> Any:
    match value:
        case dict():
            return {key: _resolve(item, folder, f"{path}.{key}".lstrip("."), mistakes) for key, item in value.items()}
        case list():
            return [_resolve(item, folder, f"{path}.{place}", mistakes) for place, item in enumerate(value)]
        case str() if value.startswith("env:"):
            name = value.removeprefix("env:")
            if name not in os.environ:
                mistakes.append(f"{path}: the environment variable {name} is not set")
            found = os.environ.get(name, "")
            return folder / found if path in _PATHS else found
        case str() if path in _PATHS:
            return folder / value.removeprefix("file:")
        case str() if value.startswith("file:"):
            try:
                return (folder / value.removeprefix("file:")).read_text("utf-8").strip()
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
                mistakes.append(f"{path}: the file {value.removeprefix('file:')} cannot be read: {reason}")
                return ""
        case _:
            return value


def _cross_checks(raw: Mapping[str, Any]) -> Iterator[str]:
    # on the raw tables, so that these mistakes are told together with pydantic's
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
    """Return `value` if it is of that kind, else an empty one: pydantic tells what is of another."""
    return value if isinstance(value, kind) else kind()
