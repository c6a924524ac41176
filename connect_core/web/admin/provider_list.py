"""The screen *providers*: a card for each configured provider, with a switch for each client type, and new ones."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role
from connect_core.errors import BadRequest, ConnectError, SettingsError
from connect_core.identity import ClientType
from connect_core.runtime_settings import RequestedChange
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.messages.providers import TEXTS
from connect_core.web.admin.plugin_choice import PluginChoice
from connect_core.web.admin.provider_form import provider_form_routes
from connect_core.web.admin.screens import AdminRoute, Screen
from connect_core.web.admin.setting_drafts import Beginning, SettingDrafts
from connect_core.web.admin.setting_form import Lock
from connect_core.web.admin.setting_tables import SettingTables, list_client_types

_NAME = re.compile("[a-z0-9][a-z0-9_-]{0,63}")


def make_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the routes of the screen and of its forms."""
    providers, telling = _ProviderList(admin), SettingDrafts(admin).telling_conflicts
    return [
        AdminRoute("GET", "/providers", Role.VIEWER, telling(providers.show)),
        AdminRoute("GET", "/providers/new", Role.OPERATOR, providers.choose),
        AdminRoute("GET", "/accounts/new", Role.OPERATOR, providers.choose_for_account),
        AdminRoute(
            "POST", "/providers/{name}/clients", Role.OPERATOR, telling(providers.switch), form_page="/providers"
        ),
        *provider_form_routes(admin),
    ]


SCREEN = Screen("providers", "/providers", Role.VIEWER, TEXTS, make_routes)


@dataclass(frozen=True, slots=True)
class ClientSwitch:
    """Whether a login is shown in one client type, and why that cannot be changed, if so."""

    client: ClientType
    is_on: bool
    lock: Lock


@dataclass(frozen=True, slots=True)
class ProviderCard:
    """A configured provider. `plugin` has its icon, None where its plugin cannot be used.

    `seconds_held` is how long no login with it is begun in this process, because its vendor does not answer;
    `stand_in` is what a public shop has in place of the vendor, see `providers.stand_ins`.
    """

    name: str
    plugin: str
    icon: str
    title: str
    switches: Sequence[ClientSwitch]
    seconds_held: int = 0
    stand_in: str = ""

    @property
    def is_shown(self) -> bool:
        """Whether some client type shows it."""
        return any(switch.is_on for switch in self.switches)


class _ProviderList:
    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._drafts, self._plugins = admin, SettingDrafts(admin), PluginChoice(admin)

    async def show(self, request: Request) -> Response:
        """Show the cards."""
        return await self._show(request, await self._drafts.begin(request))

    async def choose(self, request: Request) -> Response:
        """Show the plugins that a new provider can come from; `?plugin=&name=` leads to its form."""
        beginning = await self._drafts.begin(request)
        return self._choose(request, "providers", beginning.tables.settings.providers)

    async def choose_for_account(self, request: Request) -> Response:
        """Show the plugins whose settings a new account can have; `?plugin=&name=` leads to its form."""
        beginning = await self._drafts.begin(request)
        return self._choose(request, "accounts", beginning.tables.settings.accounts)

    def _choose(self, request: Request, kind: str, taken: Container[str]) -> Response:
        plugin, name = request.query_params.get("plugin", ""), request.query_params.get("name", "").strip()
        mistake = ""
        if plugin:
            name = name or plugin
            mistake = "name_taken" if name in taken else "" if _NAME.fullmatch(name) else "name_form"
            if not mistake:
                return self._admin.done(f"/{kind}/{name}/edit?plugin={quote(plugin)}")
        return self._admin.page(
            request,
            "provider_new.html",
            400 if mistake else 200,
            kind=kind,
            plugins=self._plugins.list_names(),
            plugin=plugin,
            name=name,
            mistake=mistake,
            is_changeable=self._drafts.is_changeable,
        )

    async def switch(self, request: Request) -> Response:
        """Show a login in a client type, or hide it there, at once."""
        beginning, form = await self._drafts.begin(request), self._admin.get_form(request)
        name, client, is_on = request.path_params["name"], form.get("client"), form.get("to") == "on"
        if client not in list(ClientType):
            raise BadRequest("there is no such client type")
        names = beginning.tables.settings.clients.get(ClientType(client), [])
        if is_on == (name in names):
            return self._admin.done("/providers")
        changed = [*names, name] if is_on else [each for each in names if each != name]
        try:
            await self._drafts.apply(request, [RequestedChange("clients", client, changed)], beginning.base)
        except SettingsError as error:
            return await self._show(request, beginning, error.mistakes)
        return self._admin.done("/providers", "login_shown" if is_on else "login_hidden")

    async def _show(self, request: Request, beginning: Beginning, mistakes: Sequence[str] = ()) -> Response:
        tables = beginning.tables
        cards = [await self._make_card(request, tables, name) for name in tables.settings.providers]
        return self._admin.page(
            request,
            "provider_list.html",
            400 if mistakes else 200,
            cards=sorted(cards, key=lambda card: not card.is_shown),
            accounts=sorted(tables.settings.accounts),
            beginning=beginning,
            mistakes=mistakes,
            is_changeable=self._drafts.is_changeable,
        )

    async def _make_card(self, request: Request, tables: SettingTables, name: str) -> ProviderCard:
        plugin_name = tables.settings.plugin_of(name)
        try:
            plugin = await self._plugins.load(plugin_name)
        except ConnectError:
            return ProviderCard(name, plugin_name, "", name, ())
        built = [each for each in self._admin.manager.registry if each.name == name]
        switches = [
            ClientSwitch(
                client,
                name in tables.settings.clients.get(client, []),
                tables.find_lock("clients", client.value),
            )
            for client in list_client_types(plugin.provider)
        ]
        return ProviderCard(
            name,
            plugin_name,
            plugin.icon_name,
            self._plugins.get_title(request, plugin),
            switches,
            max((each.circuit.seconds_held for each in built), default=0),
            next((each.stand_in for each in built if each.stand_in), ""),
        )
