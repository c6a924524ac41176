"""The plugins that a provider can come from; one of ours is loaded when somebody looks at it."""

from starlette.requests import Request

from connect_core.errors import PageNotFound
from connect_core.languages import find_text
from connect_core.providers.registry import ProviderType
from connect_core.settings import ProviderSettings
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.setting_form import SettingTable
from connect_core.web.admin.setting_tables import SettingTables, find_users


class PluginChoice:
    """Finds and loads plugins."""

    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._plugins = admin, admin.manager.plugins

    def list_names(self) -> list[str]:
        """Return the names of all that are installed, in alphabetical order."""
        return self._plugins.installed

    async def load(self, name: str) -> ProviderType:
        """Return the plugin called `name`. Raises `PageNotFound` where none can be used, `Unavailable` in time."""
        versions = self._admin.manager.setting_versions
        if name not in self._plugins.available and versions is not None:
            # an import blocks: the thread that builds revisions does it, so that no other thread loads the same one
            alone = {"clients": {}, "providers": {name: {"plugin": name}}}
            await versions.build(self._admin.manager.settings.model_copy(update=alone))
        if name not in self._plugins.available:
            raise PageNotFound("there is no such plugin, or it cannot be used")
        return self._plugins.available[name]

    async def make_provider(self, tables: SettingTables, name: str) -> tuple[ProviderType, list[SettingTable]]:
        """Return the plugin of a configured provider, and its tables. Raises `PageNotFound`, and as `load`."""
        if name not in tables.settings.providers:
            raise PageNotFound("there is no such provider")
        plugin = await self.load(tables.settings.plugin_of(name))
        return plugin, tables.make_provider(name, plugin.provider)

    async def make_account(self, tables: SettingTables, name: str, plugin: str = "") -> SettingTable:
        """Return the table of an account, with the keys of all who use it, or of `plugin` where nobody does.

        Raises as `load`.
        """
        settings = tables.settings
        names = [settings.plugin_of(each) for each in find_users(settings, name)] or ([plugin] if plugin else [])
        models: list[type[ProviderSettings]] = [(await self.load(each)).provider.Settings for each in names]
        return tables.make_account(name, models)

    def get_title(self, request: Request, plugin: ProviderType) -> str:
        """Return what a plugin's vendor is called; the plugin's name for one that is known by configuration alone."""
        titles = getattr(plugin.provider, "titles", None)
        title = find_text(titles, self._admin.get_language(request)) if isinstance(titles, dict) else ""
        return title or plugin.name
