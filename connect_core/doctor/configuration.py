"""Whether `connect.toml` can be used, with the plugins and the packages that it needs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connect_core.doctor.kinds import Kind
from connect_core.doctor.machine import Machine
from connect_core.errors import PluginError, SettingsError
from connect_core.findings import Finding, Level
from connect_core.http import HttpPool
from connect_core.login.return_targets import check_pages
from connect_core.providers.locked_settings import check_locks
from connect_core.providers.registry import ConfiguredProvider, Plugins, Registry
from connect_core.settings import Settings, load_settings
from connect_core.settings.secret_files import FileOfSettings, find_files

CONFIGURATION, PLUGINS = "configuration", "plugins"
LOADS = Kind("configuration", Level.OK, CONFIGURATION, "`connect.toml` can be read, and every key is known.")
INVALID = Kind(
    "configuration_invalid",
    Level.BROKEN,
    CONFIGURATION,
    "`connect.toml` cannot be used: `serve` does not start with it. There is a finding for each mistake.",
    'Correct the file; the reference page "Settings" explains every key.',
)
RENAMED = Kind(
    "setting_renamed",
    Level.WARNING,
    CONFIGURATION,
    "A key stands under a name that works for one more release.",
    "Write the new name.",
)
EXTRA_MISSING = Kind(
    "extra_missing",
    Level.BROKEN,
    CONFIGURATION,
    "The configuration needs a package that is not installed.",
    "Install the extra.",
)
PAGES_UNUSABLE = Kind(
    "pages_unusable",
    Level.BROKEN,
    CONFIGURATION,
    "The templates, catalogues or pictures of `[pages]` cannot be used: `serve` does not start with them.",
    "Correct the file, or remove the key.",
)
PLUGINS_WORK = Kind("plugins", Level.OK, PLUGINS, "The plugins that the configuration needs are loaded.")
NO_PROVIDERS = Kind(
    "no_providers",
    Level.WARNING,
    PLUGINS,
    "No client type shows a provider, so the login page has no button.",
    'Name providers in [clients], such as pc = ["alipay"], and give each a table [providers.NAME].',
)
QUARANTINED = Kind(
    "plugin_quarantined",
    Level.WARNING,
    PLUGINS,
    "An installed plugin that no provider needs cannot be loaded: it raises, hangs or lacks something.",
    "Correct or uninstall the plugin; its author finds the mistake with connect-login plugin check.",
)
PLUGIN_UNUSABLE = Kind(
    "plugin_unusable",
    Level.BROKEN,
    PLUGINS,
    "A plugin that a provider or `required_plugins` needs is missing, or cannot be loaded: `serve` does not start.",
    "Install the plugin into the same environment, or correct it; connect-login plugin list shows what there is.",
)
PLUGINS_CLASH = Kind(
    "plugins_clash",
    Level.BROKEN,
    PLUGINS,
    "Plugins cannot be used together, or a hook is misspelt: `serve` does not start.",
    "Uninstall one of the plugins, or correct the hook's name.",
)
PROVIDER_SETTINGS = Kind(
    "provider_settings_invalid",
    Level.BROKEN,
    PLUGINS,
    "The settings of a provider cannot be used, or its plugin raises with them: `serve` does not start.",
    "Correct this key; the page of the provider's plugin explains it.",
)
DIRECTORY_FAILS = Kind(
    "member_directory_unusable",
    Level.BROKEN,
    PLUGINS,
    "The plugin that says where members live raises, hangs, or lacks a method: `serve` does not start.",
    "Correct the plugin's connect_member_directory.",
)
_EXTRAS = (("redis", "redis", "redis"), ("postgresql", "psycopg", "postgres"), ("mysql", "pymysql", "mariadb"))
"""What a URL begins with, the module that it needs, and the extra that brings it."""


@dataclass(slots=True)
class Loaded:
    """What could be loaded, and what was noticed meanwhile. `folder` is that of `connect.toml`."""

    folder: Path
    findings: list[Finding] = field(default_factory=list)
    settings: Settings | None = None
    readable: dict[str, Sequence[str]] = field(default_factory=dict)
    """Files that every user may read, seen from `folder`, each with the keys of the secrets in it."""
    files: list[FileOfSettings] = field(default_factory=list)


def load_configuration(config: Path) -> Loaded:
    """Read `connect.toml`."""
    loaded = Loaded(config.parent)

    def report_renamed(old: str, new: str) -> None:
        loaded.findings.append(RENAMED.report(f"{old} is called {new} now", f"Write {new}."))

    try:
        loaded.settings = load_settings(
            config,
            report_renamed=report_renamed,
            report_readable=lambda keys, file: loaded.readable.update({file: keys}),
        )
        loaded.files = find_files(config)
        check_pages(loaded.settings.service)
    except SettingsError as error:
        loaded.findings += [INVALID.report(mistake) for mistake in error.mistakes]
    else:
        loaded.findings.append(LOADS.report(f"{config} can be read"))
    return loaded


def check_extras(settings: Settings, machine: Machine) -> Iterator[Finding]:
    """Yield a finding for each package that the configuration needs and that is missing."""
    service = settings.service
    redis_url = service.redis_url.get_secret_value() if service.redis_url else ""
    urls = (redis_url, service.database_url.replace("mariadb", "mysql"))
    needed = [(module, extra) for start, module, extra in _EXTRAS if any(url.startswith(start) for url in urls)]
    if settings.pages.geoip_database:
        needed.append(("maxminddb", "geoip"))
    if settings.admin.enabled:
        needed.append(("pyotp", "admin"))
    for module, extra in needed:
        if not machine.has_module(module):
            remedy = f"Run: pip install 'connect-login[{extra}]'"
            yield EXTRA_MISSING.report(f"the package {module} of the extra {extra} is not installed", remedy)


def load_plugins(patience: float) -> tuple[Plugins | None, list[Finding]]:
    """Load the installed plugins, each within `patience` seconds; those that we bring wait until one is needed."""
    try:
        return Plugins(loads_ours=False, patience=patience), []
    except PluginError as error:
        return None, [PLUGINS_CLASH.report(line) for line in str(error).splitlines()]


def build_providers(
    settings: Settings, plugins: Plugins, pool: HttpPool
) -> tuple[list[ConfiguredProvider], list[Finding]]:
    """Return the providers that the configuration shows, and what is wrong with them and with the plugins."""
    findings: list[Finding] = []
    providers: list[ConfiguredProvider] = []
    with _collecting(findings, settings, plugins):
        check_locks(settings, plugins)
    with _collecting(findings, settings, plugins):
        providers = list(Registry(settings, plugins, pool))
    needed = settings.needed_plugins
    for name, reason in plugins.quarantined.items():
        if name not in needed:
            findings.append(QUARANTINED.report(f"{name} cannot be loaded: {reason}"))
    try:
        plugins.find_directory(settings)
    except PluginError as error:
        findings.append(DIRECTORY_FAILS.report(str(error)))
    names = sorted({provider.name for provider in providers})
    if not any(settings.clients.values()):
        findings.append(NO_PROVIDERS.report("no client type shows a provider, so the login page has no button"))
    elif not any(finding.level is Level.BROKEN for finding in findings):
        findings.append(PLUGINS_WORK.report(f"{len(names)} providers can be used: {', '.join(names)}"))
    return providers, findings


@contextmanager
def _collecting(findings: list[Finding], settings: Settings, plugins: Plugins) -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        findings += [_judge_mistake(mistake, settings, plugins) for mistake in error.mistakes]
    except PluginError as error:
        findings += [PLUGINS_CLASH.report(str(error))]


def _judge_mistake(mistake: str, settings: Settings, plugins: Plugins) -> Finding:
    if mistake.startswith("service.required_plugins:"):
        return PLUGIN_UNUSABLE.report(mistake)
    if " uses the union type " in mistake:
        return PLUGINS_CLASH.report(mistake, "Uninstall one of the plugins, or add the type to shared_union_types.")
    key, _, text = mistake.partition(": ")
    parts = key.split(".")
    if parts[-1] == "plugin" and text.startswith(("there is no plugin", settings.plugin_of(parts[1]))):
        return PLUGIN_UNUSABLE.report(mistake)
    return PROVIDER_SETTINGS.report(mistake)
