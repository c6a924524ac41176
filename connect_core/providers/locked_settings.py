"""Whether `locked` of providers and accounts names what there is: a misspelt lock would lock nothing, unnoticed.

The other sections are checked where the file is read; here the plugins say which keys there are.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from connect_core.errors import SettingsError
from connect_core.identity import ClientType
from connect_core.providers.registry import Plugins
from connect_core.settings import Settings
from connect_core.settings.locks import LOCK


def check_locks(settings: Settings, plugins: Plugins) -> None:
    """Check the locks of `settings`, which are those of the file; loads the plugins that its providers come from.

    Raises `SettingsError` with a line for each lock whose provider, account or key does not exist.
    """
    if not any(section.startswith(("providers.", "accounts.")) for section in settings.locks):
        return
    plugins.load(settings.needed_plugins)
    if mistakes := list(_find_mistakes(settings, plugins)):
        raise SettingsError(mistakes)


def _find_mistakes(settings: Settings, plugins: Plugins) -> Iterator[str]:
    checks = {"providers": _check_provider, "accounts": _check_account}
    for section, names in settings.locks.items():
        kind, _, rest = section.partition(".")
        if check := checks.get(kind):
            yield from check(settings, plugins, section, rest.partition(".")[0], names or ())


def _check_provider(
    settings: Settings, plugins: Plugins, section: str, provider: str, names: Iterable[str]
) -> Iterator[str]:
    plugin = settings.plugin_of(provider)
    if plugin in plugins.available:
        yield from _find_unknown(section, names, _list_keys(settings, plugins, section, provider))
    elif not any(plugin in listing for listing in (plugins.quarantined, plugins.installed)):
        others = [*plugins.installed, *(other for other in settings.providers if other != provider)]
        yield f"{section}.{LOCK}: there is no plugin {plugin}{_suggest(plugin, others)}"


def _check_account(
    settings: Settings, plugins: Plugins, section: str, account: str, names: Iterable[str]
) -> Iterator[str]:
    users = [user for user, table in settings.providers.items() if table.get("use") == account]
    if not settings.accounts[account] and not users:
        others = [other for other in settings.accounts if other != account]
        yield f"{section}.{LOCK}: there is nothing in this account{_suggest(account, others)}"
    elif all(settings.plugin_of(user) in plugins.available for user in users):
        keys = {key for user in users for key in _list_keys(settings, plugins, section, user)}
        yield from _find_unknown(section, names, [*keys, *settings.accounts[account]])


def _list_keys(settings: Settings, plugins: Plugins, section: str, provider: str) -> list[str]:
    """Return the keys that a table of `provider`, or of its account, can have."""
    plugin = plugins.available.get(settings.plugin_of(provider))
    known = [*plugin.provider.Settings.model_fields] if plugin else []
    return [*known, "plugin", "use"] if section == f"providers.{provider}" else known


def _find_unknown(section: str, names: Iterable[str], keys: Iterable[str]) -> Iterator[str]:
    known = sorted(keys)
    for name in sorted(names):
        if name in [*ClientType] and section.startswith("providers."):
            yield f"{section}.{LOCK}: {name} is a table: write `{LOCK} = true` into [{section}.{name}]"
        elif name not in known:
            yield f"{section}.{LOCK}: there is no key {name}{_suggest(name, known)}"


def _suggest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 1)
    return f"; did you mean `{near[0]}`?" if near else ""
