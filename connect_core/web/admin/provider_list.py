"""The screen *providers*: a card for each configured provider, with a switch for each client type, and new ones."""

import re
from collections.abc import Container, Sequence
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role
from connect_core.errors import BadRequest, SettingsError
from connect_core.identity import ClientType
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.messages.providers import TEXTS
from connect_core.web.admin.plugin_choice import PluginChoice
from connect_core.web.admin.provider_cards import ProviderCards
from connect_core.web.admin.provider_form import provider_form_routes
from connect_core.web.admin.screens import AdminRoute, Screen
from connect_core.web.admin.setting_drafts import Beginning, SettingDrafts

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


class _ProviderList:
    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._drafts, self._plugins = admin, SettingDrafts(admin), PluginChoice(admin)
        self._cards = ProviderCards(admin)

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
        name, client, is_shown = request.path_params["name"], form.get("client"), form.get("to") == "on"
        if client not in list(ClientType):
            raise BadRequest("there is no such client type")
        act = self._admin.act(request)
        try:
            await self._drafts.acts.switch(name, ClientType(client), beginning.base, act, is_shown=is_shown)
        except SettingsError as error:
            return await self._show(request, beginning, error.mistakes)
        return self._admin.done("/providers", "login_shown" if is_shown else "login_hidden")

    async def _show(self, request: Request, beginning: Beginning, mistakes: Sequence[str] = ()) -> Response:
        tables = beginning.tables
        return self._admin.page(
            request,
            "provider_list.html",
            400 if mistakes else 200,
            cards=await self._cards.make_all(request, tables),
            accounts=sorted(tables.settings.accounts),
            beginning=beginning,
            mistakes=mistakes,
            is_changeable=self._drafts.is_changeable,
        )
