"""What operators do with settings that needs no form: show a login or hide it, order the buttons, remove a provider.

The admin page and the management API call the same functions; each says on which revision it was decided. Reads no
request and writes no page.
"""

from collections.abc import Sequence

from connect_core.acts import OperatorAct
from connect_core.errors import BadRequest, ConnectError, NotThere
from connect_core.identity import ClientType
from connect_core.runtime_settings import RequestedChange, SettingVersions
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.setting_tables import SettingTables


class SettingActs:
    """Loads the tables of a revision, and changes settings."""

    def __init__(self, admin: AdminContext) -> None:
        self._admin = admin

    @property
    def is_changeable(self) -> bool:
        """Whether settings can be changed at run time at all."""
        return self._admin.manager.setting_versions is not None

    @property
    def versions(self) -> SettingVersions:
        """The revisions. Raises `NotThere` where settings come from `connect.toml` alone."""
        versions = self._admin.manager.setting_versions
        if versions is None:
            raise NotThere('settings change at run time with [service] settings = "database" alone')
        return versions

    async def find_current(self) -> int:
        """Return the active revision; 0 where the file alone holds."""
        return await self.versions.find_current() if self.is_changeable else 0

    async def load_tables(self, revision: int | None = None, use_help: str = "") -> SettingTables:
        """Return the tables of a revision, by default of the active one. `use_help` says what an account is for."""
        languages = self._admin.web.pages.catalogues.languages
        if not self.is_changeable:
            return SettingTables(self._admin.manager.settings, is_changeable=False, languages=languages)
        settings, views = await self.versions.load(revision), await self.versions.describe(revision)
        return SettingTables(settings, views, languages=languages, use_help=use_help)

    async def switch(self, name: str, client: ClientType, base: int, act: OperatorAct, *, is_shown: bool) -> bool:
        """Show a login in a client type, as the last one there, or hide it, at once; False when it is so already.

        Raises `NotThere` for a provider that is not configured, and as `apply`.
        """
        settings = await self.versions.load()
        if name not in settings.providers:
            raise NotThere("there is no such provider")
        names = settings.clients.get(client, [])
        if is_shown == (name in names):
            return False
        changed = [*names, name] if is_shown else [each for each in names if each != name]
        await self.apply([RequestedChange("clients", client.value, changed)], base, act)
        return True

    async def reorder(self, client: ClientType, order: Sequence[str], base: int, act: OperatorAct) -> bool:
        """Put the logins of a client type into this order, at once; False when they are in it already.

        Raises `BadRequest` for an order of other logins, and as `apply`.
        """
        names = (await self.versions.load()).clients.get(client, [])
        if list(order) == names:
            return False
        if sorted(order) != sorted(names):
            raise BadRequest(f"order: name each login that {client} shows, and no other: {', '.join(names) or 'none'}")
        await self.apply([RequestedChange("clients", client.value, list(order))], base, act)
        return True

    async def apply(self, changes: Sequence[RequestedChange], base: int, act: OperatorAct) -> None:
        """Make `changes` of the revision `base` active at once. A draft that cannot become active is discarded.

        Raises `ChangedMeanwhile`, and `SettingsError` with what is wrong.
        """
        revision = await self.versions.draft(changes, base=base, act=act)
        try:
            await self.versions.activate(revision, act)
        except ConnectError:
            await self.versions.discard(revision, act)
            raise


def plan_removal(tables: SettingTables, name: str) -> list[RequestedChange]:
    """Return the changes that take a provider away. Raises `BadRequest` for one of which `connect.toml` has a part."""
    if not is_removable(tables, name):
        raise BadRequest("the provider is in connect.toml")
    section = f"providers.{name}"
    changes = [
        RequestedChange(view.section, view.name, None)
        for view in tables.views
        if view.source == "database" and f"{view.section}.".startswith(f"{section}.")
    ]
    for client, names in tables.settings.clients.items():
        if name in names:
            changes.append(RequestedChange("clients", client.value, [each for each in names if each != name]))
    return changes


def is_removable(tables: SettingTables, name: str) -> bool:
    """Tell whether operators have added the provider, so that they can remove it."""
    sections = (f"providers.{name}", *(f"providers.{name}.{client}" for client in ClientType))
    return (
        tables.is_changeable
        and name in tables.settings.providers
        and not any(tables.is_in_file(section) for section in sections)
    )
