"""Whether a class that a plugin offers has the form of a provider. Looks at attributes, and makes no instance."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connect_core.errors import PluginError
from connect_core.identity import ClientType
from connect_core.providers.provider import Entrance, Provider
from connect_core.settings import ProviderSettings


def check_class(name: str, provider: type[Provider], sandbox: str) -> None:
    """Raise `PluginError` unless a plugin may offer this class, with this sandbox, as the provider `name`."""
    if not re.fullmatch("[a-z0-9][a-z0-9_-]*", name):
        raise PluginError(f"{name}: names are lower-case letters, digits, - and _")
    if not issubclass(provider, Provider):
        raise PluginError(f"{name} is not a Provider class")
    if lacking := sorted(getattr(provider, "__abstractmethods__", ())):
        raise PluginError(f"{name} does not implement {', '.join(lacking)}")
    missing = [key for key in ("union_type", "entrances", "Settings", "titles") if not hasattr(provider, key)]
    if missing:
        raise PluginError(f"{name} does not say its {', '.join(missing)}")
    if not issubclass(provider.Settings, ProviderSettings):
        raise PluginError(f"{name}: Settings is no ProviderSettings")
    if not isinstance(sandbox, str):
        raise PluginError(f"{name}: sandbox is `package.module:Class`")
    if mistakes := list(find_mistakes(provider)):
        raise PluginError(f"{name}: {mistakes[0]}")


def find_mistakes(provider: Any) -> Iterator[str]:
    """Yield the attributes of `provider`, a class or an instance, whose form is wrong."""
    if not isinstance(provider.union_type, str) or not re.fullmatch("[A-Z0-9_.-]{1,32}", provider.union_type):
        yield "union_type is upper case: at most 32 letters, digits, _, . and -"
    entrances = provider.entrances
    if not (isinstance(entrances, Mapping) and _are(ClientType, entrances) and _are(Entrance, entrances.values())):
        yield "entrances maps client types to Entrance"
    titles = provider.titles
    if not (isinstance(titles, Mapping) and _are(str, titles) and _are(str, titles.values())):
        yield "titles maps languages to texts"
    if not (isinstance(provider.code_names, tuple) and _are(str, provider.code_names)):
        yield "code_names is a tuple of texts"


def _are(kind: type, values: Iterable[object]) -> bool:
    return all(isinstance(value, kind) for value in values)
