"""Checks of what a plugin registers and of the providers made from it, and what went wrong in it in one line.

Loads no plugin, and reads no configuration.
"""

import logging
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from connect_core.errors import PluginError, SettingsError
from connect_core.http import Http
from connect_core.identity import ClientType
from connect_core.providers.abilities import DeepLinks, WorksInSomeBrowsers
from connect_core.providers.provider import Entrance, Provider
from connect_core.settings import ProviderSettings
from connect_core.settings.loading import explain

_RENAMED_METHODS = {
    "get_wake_up_url": ("get_deep_link", DeepLinks),
    "find_better_place": ("find_required_browser", WorksInSomeBrowsers),
}
"""Old names of optional methods, which work for one release, with the new name and the ability that has it."""
log = logging.getLogger("connect_login")


def describe_failure(error: BaseException) -> str:
    """Return in one line what a plugin raised; a mistake in `Quirks` or `Claims` with the class that has it."""
    if not isinstance(error, ValidationError):
        return " ".join(f"{type(error).__name__}: {error}".split())
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    made = (frame.f_locals.get("self") for frame in frames if frame.f_code.co_name == "__init__")
    models: list[type[BaseModel]] = [type(instance) for instance in made if isinstance(instance, BaseModel)]
    model = models[0] if models else BaseModel
    owners = [frame.f_locals["__qualname__"] for frame in frames if "__qualname__" in frame.f_locals]
    lines = explain(error, model, ".".join([*owners[-1:], error.title.lower()]))
    return "; ".join(line.replace("`", "") for line in lines)


def check_class(name: str, provider: type[Provider], sandbox: str) -> None:
    """Raise `PluginError` for a provider class that cannot be used; `sandbox` is as in `ProviderType`."""
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


def adapt_renamed_methods(provider: type[Provider]) -> None:
    """Give `provider` the new names of methods that it defines under an old name, with a warning for each."""
    for old, (new, ability) in _RENAMED_METHODS.items():
        # a class that derives from the ability inherits the protocol's empty method under the new name
        lacks_new = getattr(provider, new, None) in (None, getattr(ability, new))
        if lacks_new and (method := getattr(provider, old, None)) is not None:
            setattr(provider, new, method)
            name = f"{provider.__module__}.{provider.__qualname__}"
            log.warning("provider_method_renamed", extra={"provider_class": name, "old": old, "new": new})


def construct(kind: type[Provider], settings: ProviderSettings, http: Http, path: str) -> Provider:
    """Make a provider, and check it. Raises `SettingsError`, keys below `path`, and whatever the plugin raises."""
    try:
        provider = kind(settings, http)
    except SettingsError as error:
        raise SettingsError([f"{path}.{mistake}" for mistake in error.mistakes]) from None
    if mistakes := list(find_mistakes(provider)):
        raise SettingsError([f"{path}: the plugin's {mistakes[0]}"])
    return provider


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
