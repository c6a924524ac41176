"""The form of a provider, made from its plugin's settings model, and that of an account which providers share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role
from connect_core.errors import PageNotFound
from connect_core.providers.registry import ProviderType
from connect_core.runtime_settings import RequestedChange
from connect_core.web.admin.callback_addresses import list_addresses
from connect_core.web.admin.connection_test import ConnectionTestPage
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.field_values import Submission
from connect_core.web.admin.plugin_choice import PluginChoice
from connect_core.web.admin.screens import AdminRoute
from connect_core.web.admin.setting_acts import is_removable, plan_removal
from connect_core.web.admin.setting_drafts import Beginning, FormRefused, SettingDrafts
from connect_core.web.admin.setting_form import SettingTable, read_table, show_table
from connect_core.web.admin.setting_tables import SettingTables, find_users, list_client_types

SHOWN_IN = "shown_in"
"""The boxes that say in which client types a login is shown."""


def provider_form_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the routes of both forms, and of the test of a connection."""
    providers, accounts, telling = _ProviderForm(admin), _AccountForm(admin), SettingDrafts(admin).telling_conflicts
    provider, account = "/providers/{name}", "/accounts/{name}/edit"
    page = f"{provider}/edit"
    return [
        AdminRoute("GET", page, Role.VIEWER, telling(providers.show)),
        AdminRoute("POST", page, Role.OPERATOR, telling(providers.save), form_page=page),
        AdminRoute("POST", f"{provider}/remove", Role.OPERATOR, telling(providers.remove), form_page=page),
        # a draft may name another address for the same secret: whoever tests it has to prove who they are
        AdminRoute(
            "POST", f"{provider}/test", Role.OPERATOR, ConnectionTestPage(admin).show, is_dangerous=True, form_page=page
        ),
        AdminRoute("GET", account, Role.VIEWER, telling(accounts.show)),
        AdminRoute("POST", account, Role.OPERATOR, telling(accounts.save), form_page=account),
    ]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What was posted and refused; nothing at a first look."""

    form: Submission | None = None
    refused: FormRefused = field(default_factory=lambda: FormRefused({}))

    @property
    def status(self) -> int:
        """The status of the page that shows the form."""
        return 400 if self.form else 200

    @property
    def comment(self) -> str:
        """What was typed as the reason."""
        return self.form.get("comment") if self.form else ""


class _ProviderForm:
    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._drafts, self._plugins = admin, SettingDrafts(admin), PluginChoice(admin)

    async def show(self, request: Request) -> Response:
        """Show the form of a provider, also of one that is about to be added: `?plugin=` is then its plugin."""
        beginning = await self._drafts.begin(request)
        plugin = await self._find_plugin(request, beginning, request.query_params.get("plugin", ""))
        return self._show(request, beginning, plugin, _Attempt())

    async def save(self, request: Request) -> Response:
        """Make a draft of what was posted, and lead to its page."""
        name, beginning, form = (
            request.path_params["name"],
            await self._drafts.begin(request),
            self._drafts.read_form(request),
        )
        plugin = await self._find_plugin(request, beginning, form.get("plugin"))
        read = [read_table(table, form) for table in beginning.tables.make_provider(name, plugin.provider)]
        more = [*_change_clients(beginning.tables, name, plugin, form)]
        if name not in beginning.tables.settings.providers:
            more.append(RequestedChange(f"providers.{name}", "plugin", plugin.name))
        try:
            revision = await self._drafts.save(request, beginning, read, more)
        except FormRefused as refused:
            return self._show(request, beginning, plugin, _Attempt(form, refused))
        return self._admin.done(f"/settings/revisions/{revision}", "settings_drafted")

    async def remove(self, request: Request) -> Response:
        """Make a draft without the provider, and lead to its page. One of `connect.toml` cannot be removed here."""
        beginning = await self._drafts.begin(request)
        changes = plan_removal(beginning.tables, request.path_params["name"])
        revision = await self._drafts.save(request, beginning, [], changes)
        return self._admin.done(f"/settings/revisions/{revision}", "settings_drafted")

    async def _find_plugin(self, request: Request, beginning: Beginning, plugin: str) -> ProviderType:
        """Return the plugin of the provider, or the one that was chosen for a new one. Raises `PageNotFound`."""
        name, settings = request.path_params["name"], beginning.tables.settings
        if name in settings.providers:
            return await self._plugins.load(settings.plugin_of(name))
        if not plugin or not self._drafts.is_changeable:
            raise PageNotFound("there is no such provider")
        return await self._plugins.load(plugin)

    def _show(self, request: Request, beginning: Beginning, plugin: ProviderType, attempt: _Attempt) -> Response:
        name, tables = request.path_params["name"], beginning.tables
        shown = tables.make_provider(name, plugin.provider)
        mistakes = attempt.refused.mistakes
        raw = tables.settings.providers.get(name, {})
        return self._admin.page(
            request,
            "provider_form.html",
            attempt.status,
            name=name,
            plugin=plugin,
            title=self._plugins.get_title(request, plugin),
            is_new=name not in tables.settings.providers,
            account=raw.get("use", ""),
            views=[show_table(table, attempt.form, mistakes) for table in shown],
            clients=list(_list_clients(tables, name, plugin, attempt.form)),
            addresses=list_addresses(tables.settings, name, plugin.provider),
            beginning=beginning,
            comment=attempt.comment,
            others=attempt.refused.others,
            is_refused=attempt.form is not None,
            is_changeable=self._drafts.is_changeable,
            is_removable=is_removable(tables, name),
        )


class _AccountForm:
    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._drafts, self._plugins = admin, SettingDrafts(admin), PluginChoice(admin)

    async def show(self, request: Request) -> Response:
        """Show the form of an account, also of one that is about to be added: `?plugin=` is a plugin that takes it."""
        beginning = await self._drafts.begin(request)
        plugin = request.query_params.get("plugin", "")
        return self._show(request, beginning, plugin, await self._make_table(request, beginning, plugin), _Attempt())

    async def save(self, request: Request) -> Response:
        """Make a draft of what was posted, and lead to its page."""
        beginning, form = await self._drafts.begin(request), self._drafts.read_form(request)
        plugin = form.get("plugin")
        table = await self._make_table(request, beginning, plugin)
        try:
            revision = await self._drafts.save(request, beginning, [read_table(table, form)])
        except FormRefused as refused:
            return self._show(request, beginning, plugin, table, _Attempt(form, refused))
        return self._admin.done(f"/settings/revisions/{revision}", "settings_drafted")

    async def _make_table(self, request: Request, beginning: Beginning, plugin: str) -> SettingTable:
        name, settings = request.path_params["name"], beginning.tables.settings
        if name not in settings.accounts and not (plugin and self._drafts.is_changeable):
            raise PageNotFound("there is no such account")
        return await self._plugins.make_account(beginning.tables, name, plugin)

    def _show(
        self, request: Request, beginning: Beginning, plugin: str, table: SettingTable, attempt: _Attempt
    ) -> Response:
        name = request.path_params["name"]
        return self._admin.page(
            request,
            "account_form.html",
            attempt.status,
            name=name,
            plugin=plugin,
            users=find_users(beginning.tables.settings, name),
            view=show_table(table, attempt.form, attempt.refused.mistakes),
            beginning=beginning,
            comment=attempt.comment,
            others=attempt.refused.others,
            is_refused=attempt.form is not None,
            is_changeable=self._drafts.is_changeable,
        )


def _list_clients(
    tables: SettingTables, name: str, plugin: ProviderType, form: Submission | None
) -> Iterator[tuple[str, bool, str]]:
    """Yield the client types of the plugin, each with whether its box is ticked, and why it is locked."""
    ticked = form.get_all(SHOWN_IN) if form else None
    for client in list_client_types(plugin.provider):
        is_on = name in tables.settings.clients.get(client, []) if ticked is None else client.value in ticked
        yield client.value, is_on, tables.find_lock("clients", client.value)


def _change_clients(
    tables: SettingTables, name: str, plugin: ProviderType, form: Submission
) -> Iterator[RequestedChange]:
    ticked: Sequence[str] = form.get_all(SHOWN_IN)
    for client in list_client_types(plugin.provider):
        names = tables.settings.clients.get(client, [])
        if (client.value in ticked) == (name in names) or tables.find_lock("clients", client.value):
            continue
        changed = [*names, name] if client.value in ticked else [each for each in names if each != name]
        yield RequestedChange("clients", client.value, changed)
