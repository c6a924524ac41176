"""Which plugins there are, and the providers built from the shop's configuration.

Plugins are found by entry point and asked once for their classes; from then on these are called directly. An installed
plugin that fails is quarantined with its reason and the others still work. No provider's name stands here.
"""

import importlib
import logging
import os
import re
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

import pluggy
from pluggy import PluginValidationError

from connect_core.errors import PluginError, SettingsError, Unsupported
from connect_core.http import Http, HttpPool
from connect_core.identity import ClientType
from connect_core.providers.hookspecs import NAME, Hooks, MemberDirectory
from connect_core.providers.provider import Entrance, Provider
from connect_core.settings import ProviderSettings, Settings, check_provider_settings

BLOCK_VARIABLE = "CONNECT_BLOCK_PLUGINS"
"""Environment variable: names of plugins not to load, separated by commas."""
PATIENCE = 30.0
"""Seconds that a plugin may take for one thing at start-up: its import and registration, its making."""
_DIRECTORY = ("find", "register", "is_disabled", "update_profile")
log = logging.getLogger("connect_login")


@dataclass(frozen=True, slots=True)
class ProviderType:
    """A provider class on offer; `sandbox` is `package.module:Class` of its loopback double, or empty."""

    name: str
    provider: type[Provider]
    sandbox: str

    def load_sandbox(self) -> Any:
        """Import the sandbox class. Raises `PluginError` when there is none."""
        module, _, name = self.sandbox.partition(":")
        if not name:
            raise PluginError(f"plugin {self.name} has no sandbox")
        return getattr(importlib.import_module(module), name)


class Plugins:
    """The plugins found on this machine, and the hooks of them all."""

    def __init__(
        self, extra: Iterable[tuple[str, object]] = (), *, discover: bool = True, patience: float = PATIENCE
    ) -> None:
        """`extra` are plugin objects of the shop's own, by name; `patience`: seconds for the loading of each.

        Raises `PluginError` for a misspelt hook, a name taken twice, or one of `extra` that cannot be used.
        """
        self._manager = pluggy.PluginManager(NAME)
        self._manager.add_hookspecs(Hooks)
        self.available: dict[str, ProviderType] = {}
        self.quarantined: dict[str, str] = {}
        self._origins: dict[str, str] = {}
        self.patience = patience
        for name, load in _discovered() if discover else ():
            self._take(name, load)
        for name, load in ((name, lambda own=plugin: own) for name, plugin in extra):
            if self._manager.has_plugin(name):
                raise PluginError(f"two plugins are called {name}")
            self._take(name, load)
            if name in self.quarantined:
                raise PluginError(f"plugin {name} cannot be used: {self.quarantined[name]}")
        try:
            self._manager.check_pending()
        except PluginValidationError as error:
            raise PluginError(f"a hook is misspelt: {error}") from None

    @property
    def hooks(self) -> pluggy.HookRelay:
        """Every plugin's hooks, to call."""
        return self._manager.hook

    def find_fault(self, name: str) -> str:
        """Return why the plugin of this entry point is not there; empty when it is."""
        if name in self.quarantined:
            return f"{name} cannot be used: {self.quarantined[name]}"
        return "" if self._manager.has_plugin(name) else f"{name} is not installed, or blocked by {BLOCK_VARIABLE}"

    def origin_of(self, provider_name: str) -> str:
        """Return the entry point, or the shop's own plugin object, that offers this plugin."""
        return self._origins[provider_name]

    def find_directory(self, settings: Settings) -> MemberDirectory | None:
        """Return where the shop's members live, None for the built-in table. Raises `PluginError` for what is none."""
        try:
            with _limited(self.patience):
                found: object = self.hooks.connect_member_directory(settings=settings)
        except (Exception, TookTooLong) as error:  # noqa: BLE001 - a stranger's hook; its text may quote a secret
            asked = ", ".join(hook.plugin_name for hook in self.hooks.connect_member_directory.get_hookimpls())
            raise PluginError(f"connect_member_directory raised {type(error).__name__}; asked: {asked}") from None
        if missing := [name for name in _DIRECTORY if found is not None and not callable(getattr(found, name, None))]:
            raise PluginError(f"connect_member_directory: {type(found).__name__} has no {', '.join(missing)}")
        return cast("MemberDirectory | None", found)

    def _take(self, name: str, load: Callable[[], object]) -> None:
        offered: dict[str, ProviderType] = {}

        def register(provider_name: str, provider: type[Provider], *, sandbox: str = "") -> None:
            _check_class(provider_name, provider, sandbox)
            if provider_name in offered:
                raise PluginError(f"{provider_name} is offered twice")
            offered[provider_name] = ProviderType(provider_name, provider, sandbox)

        try:
            with _limited(self.patience):
                self._load(name, load, register)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a stranger's import may raise anything; it is shown
            self.quarantined[name] = " ".join(f"{type(error).__name__}: {error}".split())
            log.error("plugin_quarantined", extra={"plugin": name, "reason": self.quarantined[name]})
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            return
        for provider_name in offered.keys() & self.available.keys():
            raise PluginError(f"plugins {self._origins[provider_name]} and {name} both offer {provider_name}")
        self.available |= offered
        self._origins |= dict.fromkeys(offered, name)

    def _load(self, name: str, load: Callable[[], object], register: Callable[..., None]) -> None:
        plugin = load()
        self._manager.register(plugin, name)
        for hook in self.hooks.connect_register_providers.get_hookimpls():
            if hook.plugin is plugin:
                hook.function(register)


def _discovered() -> Iterator[tuple[str, Callable[[], object]]]:
    blocked = {name.strip() for name in os.environ.get(BLOCK_VARIABLE, "").split(",")}
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=NAME):
        if point.name in found and found[point.name].value != point.value:
            both = f"{found[point.name].value} and {point.value}"
            raise PluginError(f"two installed packages register the entry point {point.name}: {both}")
        found[point.name] = point
    return ((name, point.load) for name, point in sorted(found.items()) if name not in blocked)


class TookTooLong(BaseException):
    """A plugin did not come to an end; its own `except Exception` does not keep it going."""


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` wherever the block still waits or computes after `seconds`.

    Only a signal ends a stranger's import without leaving it half done in a thread, with its locks. Signals reach the
    main thread alone: in another one, or on Windows, nothing is limited.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise TookTooLong(f"it did not come to an end within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)


def _check_class(name: str, provider: type[Provider], sandbox: str) -> None:
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
    if mistakes := list(_find_mistakes(provider)):
        raise PluginError(f"{name}: {mistakes[0]}")


def _find_mistakes(provider: Any) -> Iterator[str]:
    """Tell what a provider says of itself in another form than it is read in; it may be a class, or one made of it."""
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


@dataclass(frozen=True, slots=True)
class ConfiguredProvider:
    """A provider that one client type shows, ready to be called."""

    name: str
    client_type: ClientType
    entrance: Entrance
    provider: Provider
    profile_max_age: int


class Registry:
    """The offers, made from plugins and configuration once, at start-up."""

    def __init__(self, settings: Settings, plugins: Plugins, pool: HttpPool) -> None:
        """Raises `SettingsError` with every mistake of every provider."""
        self._shown_for: dict[tuple[str, str], ConfiguredProvider] = {}
        self._pool = pool
        built: dict[tuple[str, str], Provider] = {}
        faults = map(plugins.find_fault, settings.service.required_plugins)
        mistakes: dict[str, None] = dict.fromkeys(f"service.required_plugins: {fault}" for fault in faults if fault)
        for client_type, names in settings.clients.items():
            for name in names:
                try:
                    self._shown_for[name, client_type] = _build(settings, plugins, pool, name, client_type, built)
                except SettingsError as error:
                    mistakes |= dict.fromkeys(error.mistakes)
        if mistakes:
            raise SettingsError(list(mistakes))

    def find(self, provider: str, client_type: str) -> ConfiguredProvider:
        """Return the offer. Raises `Unsupported` when the shop does not show it."""
        try:
            return self._shown_for[provider, client_type]
        except KeyError:
            raise Unsupported("this provider is not offered for this client type") from None

    def shown_for(self, client_type: str) -> list[ConfiguredProvider]:
        """What a client type shows, in configured order."""
        return [configured for (_, client), configured in self._shown_for.items() if client == client_type]

    def __iter__(self) -> Iterator[ConfiguredProvider]:
        return iter(self._shown_for.values())


def _build(
    settings: Settings,
    plugins: Plugins,
    pool: HttpPool,
    name: str,
    client_type: ClientType,
    built: dict[tuple[str, str], Provider],
) -> ConfiguredProvider:
    plugin = _find_plugin(settings, plugins, name)
    if client_type not in plugin.provider.entrances:
        raise SettingsError([f"clients.{client_type}: {name} has no login for {client_type}"])
    raw = settings.merged(name, client_type)
    if "union_type" in plugin.provider.Settings.model_fields:  # a vendor known by configuration alone
        raw.setdefault("union_type", name.upper())
    path = f"providers.{name}" + (f".{client_type}" if client_type in settings.providers[name] else "")
    key = (name, repr(sorted((k, repr(v)) for k, v in raw.items())))
    try:
        with _limited(plugins.patience):
            own = check_provider_settings(plugin.provider.Settings, raw, path, _shared_keys(settings, name))
            built[key] = built.get(key) or _make(plugin.provider, own, pool.for_provider(name), path)
    except SettingsError:
        raise
    except (Exception, TookTooLong) as error:  # noqa: BLE001 - a stranger's code; its text may quote a secret
        raise SettingsError([f"{path}: the plugin raised {type(error).__name__}"]) from None
    # plain http is let pass for loopback alone
    if not settings.service.is_plain_loopback and any(str(value).startswith("http:") for _, value in own):
        log.warning("vendor_on_this_machine", extra={"provider": name, "client_type": client_type})
    return ConfiguredProvider(
        name, client_type, plugin.provider.entrances[client_type], built[key], own.profile_max_age
    )


def _make(kind: type[Provider], own: ProviderSettings, http: Http, path: str) -> Provider:
    try:
        made = kind(own, http)
    except SettingsError as error:
        raise SettingsError([f"{path}.{mistake}" for mistake in error.mistakes]) from None
    if mistakes := list(_find_mistakes(made)):
        raise SettingsError([f"{path}: the plugin's {mistakes[0]}"])
    return made


def _find_plugin(settings: Settings, plugins: Plugins, name: str) -> ProviderType:
    wanted = settings.plugin_of(name)
    if wanted in plugins.available:
        return plugins.available[wanted]
    if wanted in plugins.quarantined:
        raise SettingsError([f"providers.{name}.plugin: {wanted} cannot be used: {plugins.quarantined[wanted]}"])
    raise SettingsError(
        [f"providers.{name}.plugin: there is no plugin {wanted}; installed: {', '.join(plugins.available)}"]
    )


def _shared_keys(settings: Settings, name: str) -> frozenset[str]:
    account: Mapping[str, Any] = settings.accounts.get(str(settings.providers[name].get("use", "")), {})
    return frozenset(account)
