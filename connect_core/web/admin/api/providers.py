"""Providers and the order of their buttons in the management API: what the cards and the form show, and what they do.

What is shown is there with settings from the file, too; changes need `[service] settings = "database"`. No secret is
ever answered.
"""

from pydantic import Field

from connect_core.administrators.api_tokens import Scope
from connect_core.errors import NotThere
from connect_core.identity import ClientType
from connect_core.web.admin.api import answers
from connect_core.web.admin.api.requests import LARGEST_ID, ApiCall, ApiRoute, Based, Body
from connect_core.web.admin.callback_addresses import list_addresses
from connect_core.web.admin.connection_test import ConnectionTests
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.field_values import normalise
from connect_core.web.admin.plugin_choice import PluginChoice
from connect_core.web.admin.provider_cards import ProviderCards
from connect_core.web.admin.setting_acts import SettingActs, is_removable, plan_removal
from connect_core.web.admin.setting_form import SettingTable

_PROVIDER = "/providers/{name}"


class Switch(Based):
    """Whether a client type shows the login: decided on the revision `base`, which `If-Match` may name instead."""

    client: ClientType
    shown: bool


class Removal(Based):
    """A draft without the provider, on the revision `base`, which `If-Match` may name instead."""

    comment: str = Field(default="", max_length=160)


class Order(Based):
    """The names of all logins of the client type in their new order, on the revision `base` or that of `If-Match`."""

    order: list[str]


class TestedRevision(Body):
    """The revision whose settings are tested, such as a draft; without it the active one."""

    revision: int | None = Field(default=None, ge=0, le=LARGEST_ID)


def provider_routes(admin: AdminContext) -> list[ApiRoute]:
    """Return the routes of this module."""
    api = _Providers(admin)
    read, write = Scope.READ_SETTINGS, Scope.WRITE_SETTINGS
    return [
        ApiRoute("GET", "/plugins", read, api.list_plugins, "List plugins"),
        ApiRoute("GET", "/providers", read, api.list_providers, "List providers", is_tagged=True),
        ApiRoute(
            "GET",
            _PROVIDER,
            read,
            api.show_provider,
            "Show a provider's settings",
            query=("revision",),
            is_tagged=True,
        ),
        ApiRoute("POST", f"{_PROVIDER}/clients", write, api.switch_login, "Show or hide a login", Switch),
        ApiRoute(
            "POST",
            f"{_PROVIDER}/remove",
            write,
            api.remove_provider,
            "Store a draft without a provider",
            Removal,
            status=201,
        ),
        ApiRoute(
            "POST", f"{_PROVIDER}/test", write, api.test_connection, "Test a provider's connection", TestedRevision
        ),
        ApiRoute("GET", "/buttons", read, api.show_buttons, "Show the order of buttons", is_tagged=True),
        ApiRoute("POST", "/buttons/{client}", write, api.order_buttons, "Change the order of buttons", Order),
    ]


class _Providers:
    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._acts, self._cards = admin, SettingActs(admin), ProviderCards(admin)
        self._plugins, self._tests = PluginChoice(admin), ConnectionTests(admin)

    async def list_plugins(self, call: ApiCall) -> answers.PluginList:
        return {"plugins": self._plugins.list_names()}

    async def list_providers(self, call: ApiCall) -> answers.ProviderList:
        revision = await self._acts.find_current()
        tables = await self._acts.load_tables()
        cards = await self._cards.make_all(call.request, tables)
        return {"revision": revision, "providers": cards, "accounts": sorted(tables.settings.accounts)}

    async def show_provider(self, call: ApiCall) -> answers.ProviderDetails:
        current, name = await self._acts.find_current(), call.path["name"]
        revision = call.get_number("revision") if call.get("revision") else current
        tables = await self._acts.load_tables(revision)
        plugin, shown = await self._plugins.make_provider(tables, name)
        return {
            "revision": revision,
            "active_revision": current,
            "name": name,
            "plugin": plugin.name,
            "is_removable": is_removable(tables, name),
            "addresses": list_addresses(tables.settings, name, plugin.provider),
            "tables": [_describe(table) for table in shown],
        }

    async def switch_login(self, call: ApiCall) -> answers.Changed:
        body, name = await call.read(Switch), call.path["name"]
        base, act = call.get_base(body.base), call.act()
        return {"changed": await self._acts.switch(name, body.client, base, act, is_shown=body.shown)}

    async def remove_provider(self, call: ApiCall) -> answers.DraftedRevision:
        body, versions = await call.read(Removal), self._acts.versions
        base, act = call.get_base(body.base), call.act(body.comment)
        changes = plan_removal(await self._acts.load_tables(), call.path["name"])
        return {"revision": await versions.draft(changes, base=base, act=act, comment=body.comment)}

    async def test_connection(self, call: ApiCall) -> answers.ConnectionTested:
        body = await call.read(TestedRevision)
        test = await self._tests.prepare(call.path["name"], body.revision)
        listed = [finding async for _, findings in self._tests.run(test) for finding in findings]
        return {"findings": listed, "mistakes": list(test.mistakes)}

    async def show_buttons(self, call: ApiCall) -> answers.ButtonOrders:
        revision = await self._acts.find_current()
        tables = await self._acts.load_tables()
        clients: list[answers.ButtonOrder] = [
            {
                "client": client,
                "order": tables.settings.clients.get(client, []),
                "lock": tables.find_lock("clients", client.value),
            }
            for client in ClientType
        ]
        return {"revision": revision, "clients": clients}

    async def order_buttons(self, call: ApiCall) -> answers.Changed:
        body = await call.read(Order)
        client = _read_client(call.path["client"])
        return {"changed": await self._acts.reorder(client, body.order, call.get_base(body.base), call.act())}


def _read_client(text: str) -> ClientType:
    if text not in list(ClientType):
        raise NotThere("there is no such client type")
    return ClientType(text)


def _describe(table: SettingTable) -> answers.SettingTableShown:
    """Return a table as JSON: of each setting what it takes, and what is set; of a secret only whether it is."""
    settings: list[answers.SettingShown] = [
        {
            "name": field.key,
            "kind": field.kind,
            "help": field.help,
            "is_required": field.is_required,
            "choices": field.choices,
            "takes_file": field.takes_file,
            "is_set": table.values.get(field.key) is not None,
            "value": None if field.is_secret else normalise(field, table.values.get(field.key)),
            "source": table.sources.get(field.key, "default"),
            "lock": table.locks.get(field.key, ""),
        }
        for field in table.fields
    ]
    return {"section": table.section, "client_type": table.client_type, "settings": settings}
