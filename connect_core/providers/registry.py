"""Loading plugins, and making the shop's providers from plugins and configuration: at start-up, and for new settings.

Plugins are found by entry point, and their provider classes are called directly from then on. An installed plugin that
fails is quarantined with its reason, and the others still work. Never calls a vendor and knows no provider's name.
"""

import importlib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from typing import Any, cast

import pluggy
from pluggy import PluginValidationError

from connect_core.errors import PluginError, SettingsError, Unsupported
from connect_core.http import HttpPool
from connect_core.identity import ClientType
from connect_core.providers.circuits import Circuit, Circuits
from connect_core.providers.entry_points import BLOCK_VARIABLE, get_union_type, is_ours, offers_one_of
from connect_core.providers.entry_points import discover as discover_plugins
from connect_core.providers.hookspecs import NAME, Hooks, MemberDirectory
from connect_core.providers.icons import load_icon
from connect_core.providers.plugin_checks import adapt_renamed_methods, check_class, construct, describe_failure
from connect_core.providers.provider import Entrance, Provider
from connect_core.providers.stand_ins import THIS_MACHINE, find_stand_in
from connect_core.providers.time_limit import TookTooLong, limited
from connect_core.providers.union_types import Claim, find_conflicts
from connect_core.settings import Settings, check_provider_settings

PATIENCE = 30.0
"""Seconds that a plugin may take for its import and registration, and again for each provider's constructor."""
_DIRECTORY_METHODS = ("find", "register", "is_disabled", "update_profile")
ProviderKey = tuple[str, type[Provider], str]
"""What a provider is made of: its name, its class, and its raw settings as text."""
log = logging.getLogger("connect_login")


@dataclass(frozen=True, slots=True)
class ProviderType:
    """A provider class that a plugin registered as `name`.

    `sandbox` is `package.module:Class` of the loopback copy of its vendor, or empty. `icon` is the content of its SVG,
    checked, or empty.
    """

    name: str
    provider: type[Provider]
    sandbox: str
    icon: bytes = field(default=b"", repr=False)

    @property
    def icon_name(self) -> str:
        """The name of its icon; empty when it has none.

        No union type and no file of ours is called so: the icon cannot take the place of another one.
        """
        return f"plugin~{self.name}" if self.icon else ""

    def load_sandbox(self) -> Any:
        """Import and return the sandbox class.

        Raises `PluginError` when the plugin has none or it does not exist, and whatever its import raises.
        """
        path, _, name = self.sandbox.partition(":")
        if not name:
            raise PluginError(f'plugin {self.name} has no sandbox: name it in provider_hook, sandbox="module:Class"')
        try:
            module = importlib.import_module(path)
        except ModuleNotFoundError as error:
            if not error.name or not f"{path}.".startswith(f"{error.name}."):
                raise
            raise PluginError(f'{self.name}: sandbox="{self.sandbox}": there is no module {error.name}') from None
        if hasattr(module, name):
            return getattr(module, name)
        near = get_close_matches(name, vars(module), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise PluginError(f'{self.name}: sandbox="{self.sandbox}" does not exist{hint}')


class Plugins:
    """The plugins that are installed, and their hooks.

    `available` has the provider classes by name, `quarantined` the reason for each entry point that cannot be used.
    `unloaded` are the names of those of our own plugins that wait to be loaded. `at_work` is the path of the provider
    whose constructor runs now, such as `providers.alipay`, for whoever gives it up; else empty.
    """

    def __init__(
        self,
        extra: Iterable[tuple[str, object]] = (),
        *,
        discover: bool = True,
        loads_ours: bool = True,
        patience: float = PATIENCE,
    ) -> None:
        """Load the installed plugins, unless `discover` is False, and then `extra`.

        `extra` are pairs of a name and a plugin object, for hooks of the shop itself. `patience` is how many seconds
        each plugin may take. Unless `loads_ours`, the plugins that connect-login itself brings wait for `load`.

        Raises `PluginError` for a misspelt hook, a name that is used twice, or one of `extra` that cannot be used.
        """
        self._manager = pluggy.PluginManager(NAME)
        self._manager.add_hookspecs(Hooks)
        self.available: dict[str, ProviderType] = {}
        self.quarantined: dict[str, str] = {}
        self._origins: dict[str, str] = {}
        self._points = discover_plugins() if discover else {}
        self.patience, self.at_work = patience, ""
        self.unloaded = set() if loads_ours else {name for name, point in self._points.items() if is_ours(point)}
        for name, point in self._points.items():
            if name not in self.unloaded:
                self._add(name, point.load)
        for name, plugin in extra:
            if self._manager.has_plugin(name):
                raise PluginError(f"two plugins are called {name}")
            if installed_as := self._manager.get_name(plugin):
                raise PluginError(f"{name} is installed already, as plugin {installed_as}: leave --plugin out")
            self._add(name, partial(_return, plugin))
            if name in self.quarantined:
                raise PluginError(f"plugin {name} cannot be used: {self.quarantined[name]}")
        try:
            self._manager.check_pending()
        except PluginValidationError as error:
            raise PluginError(f"a hook is misspelt: {error}") from None

    def load(self, providers: Collection[str]) -> None:
        """Load those of our own plugins that wait and offer one of `providers`. Raises as the constructor."""
        for name in sorted(name for name in self.unloaded if offers_one_of(name, providers)):
            self.unloaded.remove(name)
            self._add(name, self._points[name].load)

    @property
    def installed(self) -> list[str]:
        """The names of all providers, also of those that wait to be loaded, in alphabetical order."""
        return sorted(self.available.keys() | self.unloaded)

    @property
    def loaded(self) -> list[str]:
        """The names of the entry points, and of the shop's own plugins, that were loaded and work."""
        return [name for name, plugin in self._manager.list_name_plugin() if plugin is not None]

    @property
    def are_ours(self) -> bool:
        """Whether connect-login itself brings every plugin that was loaded."""
        return all((point := self._points.get(name)) is not None and is_ours(point) for name in self.loaded)

    @property
    def icons(self) -> dict[str, bytes]:
        """The icons of the loaded providers, by their names."""
        return {plugin.icon_name: plugin.icon for plugin in self.available.values() if plugin.icon}

    @property
    def hooks(self) -> pluggy.HookRelay:
        """The hooks of all plugins: calling one calls it in every plugin that has it."""
        return self._manager.hook

    def find_fault(self, name: str) -> str:
        """Return why the plugin of the entry point `name` cannot be used; the empty text when it can."""
        if name in self.quarantined:
            return f"{name} cannot be used: {self.quarantined[name]}"
        if name in self.unloaded:
            return ""
        return "" if self._manager.has_plugin(name) else f"{name} is not installed, or blocked by {BLOCK_VARIABLE}"

    def explain_missing(self, name: str) -> str:
        """Return why there is no plugin of this name to use, for whoever wrote it."""
        if name in self.quarantined:
            return f"plugin {name} cannot be used: {self.quarantined[name]}"
        near = get_close_matches(name, self.installed, 3, 0.6)
        hint = f" The nearest names: {', '.join(near)}" if near else ""
        return f"there is no plugin {name}: did you `pip install -e` your package?{hint}"

    def is_ours(self, provider_name: str) -> bool:
        """Tell whether a plugin that connect-login itself brings registered this provider."""
        point = self._points.get(self._origins[provider_name])
        return point is not None and is_ours(point)

    def origin_of(self, provider_name: str) -> str:
        """Return the name of the entry point, or of the `extra` object, that registered this provider."""
        return self._origins[provider_name]

    def distribution_of(self, origin: str) -> str:
        """Return the installed distribution of an entry point; the shop's own plugin objects are told by name."""
        point = self._points.get(origin)
        if point is None:
            return f"the shop's own plugin {origin}"
        return point.dist.name if point.dist is not None else point.value.partition(":")[0]

    def find_directory(self, settings: Settings) -> MemberDirectory | None:
        """Return the member directory of the plugin that has one, or None for the built-in table.

        Raises `PluginError` when the hook raises, takes too long, or returns an object that lacks a method.
        """
        hook = self.hooks.connect_member_directory
        try:
            with limited(self.patience):
                directory: object = hook(settings=settings)
        except (Exception, TookTooLong) as error:  # noqa: BLE001 - a stranger's hook; its text may quote a secret
            plugins = ", ".join(implementation.plugin_name for implementation in hook.get_hookimpls())
            raise PluginError(f"connect_member_directory raised {type(error).__name__}; asked: {plugins}") from None
        missing = [name for name in _DIRECTORY_METHODS if not callable(getattr(directory, name, None))]
        if directory is not None and missing:
            raise PluginError(f"connect_member_directory: {type(directory).__name__} has no {', '.join(missing)}")
        return cast("MemberDirectory | None", directory)

    def _add(self, name: str, load: Callable[[], object]) -> None:
        registered: dict[str, ProviderType] = {}

        def register(provider_name: str, provider: type[Provider], *, sandbox: str = "", icon: str = "") -> None:
            check_class(provider_name, provider, sandbox)
            if provider_name in registered:
                raise PluginError(f"{provider_name} is offered twice")
            adapt_renamed_methods(provider)
            content = load_icon(provider_name, icon)
            registered[provider_name] = ProviderType(provider_name, provider, sandbox, content)

        try:
            with limited(self.patience):
                self._load(name, load, register)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a stranger's import may raise anything; it is shown
            self.quarantined[name] = describe_failure(error)
            if name in self._points:  # one of `extra` is reported by the error that follows
                log.error("plugin_quarantined", extra={"plugin": name, "reason": self.quarantined[name]})
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            return
        for provider_name in registered.keys() & (self.available.keys() | self.unloaded):
            origin = self._origins.get(provider_name, provider_name)
            hint = "uninstall one of them, or rename what it offers"
            raise PluginError(f"plugins {origin} and {name} both offer {provider_name}: {hint}")
        # a new dictionary: another thread may be iterating over the old one
        self.available = {**self.available, **registered}
        self._origins |= dict.fromkeys(registered, name)

    def _load(self, name: str, load: Callable[[], object], register: Callable[..., None]) -> None:
        plugin = load()
        self._manager.register(plugin, name)
        for hook in self.hooks.connect_register_providers.get_hookimpls():
            if hook.plugin is plugin:
                hook.function(register)


def _return(plugin: object) -> object:
    return plugin


@dataclass(frozen=True, slots=True)
class ConfiguredProvider:
    """A provider as one client type has it, made from its settings and ready to be called.

    `name` is NAME of `[providers.NAME]`; `profile_max_age` is in seconds. `icon` is the name of the plugin's icon,
    empty where it has none. `circuit` holds logins back while the vendor is down; all client types share it.
    `stand_in` is what a public shop has in place of the vendor, see `stand_ins`.
    """

    name: str
    client_type: ClientType
    entrance: Entrance
    provider: Provider
    profile_max_age: int
    icon: str = ""
    circuit: Circuit = field(default_factory=lambda: Circuits().for_provider(""), compare=False, repr=False)
    stand_in: str = ""


class Registry:
    """The configured providers of every client type. Iterating over it yields each `ConfiguredProvider`."""

    def __init__(
        self,
        settings: Settings,
        plugins: Plugins,
        pool: HttpPool,
        circuits: Circuits | None = None,
        former: "Registry | None" = None,
    ) -> None:
        """Make every provider that a client type lists. `pool` gives each its `Http`, `circuits` its circuit.

        Without `circuits` no login is ever held back. Providers of `former` whose settings are the same are taken over.

        Raises `SettingsError` with every mistake of every provider.
        """
        self._configured: dict[tuple[str, str], ConfiguredProvider] = {}
        self._pool = pool
        self._built: dict[ProviderKey, Provider] = {**former._built} if former else {}
        plugins.load(settings.needed_plugins)
        faults = map(plugins.find_fault, settings.service.required_plugins)
        mistakes = [f"service.required_plugins: {fault}" for fault in faults if fault]
        for client_type, names in settings.clients.items():
            for name in names:
                try:
                    configured = _build(settings, plugins, pool, name, client_type, self._built)
                    circuit = (circuits or Circuits()).for_provider(name)
                    self._configured[name, client_type] = replace(configured, circuit=circuit)
                except SettingsError as error:
                    mistakes += [mistake for mistake in error.mistakes if mistake not in mistakes]
        used = {id(configured.provider) for configured in self}
        self._built = {key: provider for key, provider in self._built.items() if id(provider) in used}
        shared = settings.service.shared_union_types
        conflicts = find_conflicts(self._find_claims(settings, plugins), plugins.distribution_of, shared)
        if mistakes := [*mistakes, *conflicts]:
            raise SettingsError(mistakes)

    def adopt(self, successor: "Registry") -> None:
        """Offer the providers of `successor` from now on. Logins under way finish with what they hold."""
        self._configured, self._built = successor._configured, successor._built

    def _find_claims(self, settings: Settings, plugins: Plugins) -> Iterator[Claim]:
        for name, plugin in plugins.available.items():
            yield Claim(plugin.provider.union_type, name, plugins.origin_of(name))
        for name in plugins.unloaded:
            yield Claim(get_union_type(name), name, name)
        for name, provider in {configured.name: configured.provider for configured in self}.items():
            plugin_name = settings.plugin_of(name)
            yield Claim(provider.union_type, plugin_name, plugins.origin_of(plugin_name), f"providers.{name}")

    def find(self, provider: str, client_type: str) -> ConfiguredProvider:
        """Return the provider as `client_type` has it. Raises `Unsupported` when that client type does not list it."""
        try:
            return self._configured[provider, client_type]
        except KeyError:
            raise Unsupported("this provider is not offered for this client type") from None

    def find_all(self, provider: str) -> list[ConfiguredProvider]:
        """Return the provider as each client type that lists it has it. Raises `Unsupported` when none does."""
        configured = [configured for (name, _), configured in self._configured.items() if name == provider]
        if not configured:
            raise Unsupported("there is no such provider")
        return configured

    def shown_for(self, client_type: str) -> list[ConfiguredProvider]:
        """Return the providers of a client type, in configured order."""
        return [configured for (_, client), configured in self._configured.items() if client == client_type]

    def find_icon(self, union_type: str) -> str:
        """Return the name of the icon for a login of `union_type`, that of its first provider; empty for none."""
        icons = (configured.icon for configured in self if configured.provider.union_type == union_type)
        return next(icons, "")

    def __iter__(self) -> Iterator[ConfiguredProvider]:
        return iter(self._configured.values())


def _build(
    settings: Settings,
    plugins: Plugins,
    pool: HttpPool,
    name: str,
    client_type: ClientType,
    built: dict[ProviderKey, Provider],
) -> ConfiguredProvider:
    plugin = _find_plugin(settings, plugins, name)
    if client_type not in plugin.provider.entrances:
        raise SettingsError([f"clients.{client_type}: {name} has no login for {client_type}"])
    raw = settings.merged(name, client_type)
    if "union_type" in plugin.provider.Settings.model_fields:  # a vendor known by configuration alone
        raw.setdefault("union_type", name.upper())
    path = f"providers.{name}" + (f".{client_type}" if client_type in settings.providers[name] else "")
    key = (name, plugin.provider, repr(sorted((k, repr(v)) for k, v in raw.items())))
    plugins.at_work = path
    try:
        with limited(plugins.patience):
            checked = check_provider_settings(plugin.provider.Settings, raw, path, frozenset(settings.account_of(name)))
            built[key] = built.get(key) or construct(plugin.provider, checked, pool.for_provider(name), path)
    except SettingsError:
        raise
    except (Exception, TookTooLong) as error:  # noqa: BLE001 - a stranger's code; its text may quote a secret
        what = str(error) if isinstance(error, TookTooLong) else f"raised {type(error).__name__}"
        raise SettingsError([f"{path}: the plugin {what}"]) from None
    finally:
        plugins.at_work = ""
    stand_in = "" if settings.service.is_plain_loopback else find_stand_in(checked)
    if stand_in == THIS_MACHINE:
        log.warning("vendor_on_this_machine", extra={"provider": name, "client_type": client_type})
    return ConfiguredProvider(
        name,
        client_type,
        plugin.provider.entrances[client_type],
        built[key],
        checked.profile_max_age,
        plugin.icon_name,
        stand_in=stand_in,
    )


def _find_plugin(settings: Settings, plugins: Plugins, name: str) -> ProviderType:
    plugin = settings.plugin_of(name)
    if plugin in plugins.available:
        return plugins.available[plugin]
    if plugin in plugins.quarantined:
        raise SettingsError([f"providers.{name}.plugin: {plugin} cannot be used: {plugins.quarantined[plugin]}"])
    raise SettingsError(
        [f"providers.{name}.plugin: there is no plugin {plugin}; installed: {', '.join(plugins.installed)}"]
    )
