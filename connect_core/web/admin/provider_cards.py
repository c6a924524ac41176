"""What the page of providers and the management API say of each configured provider at a glance."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from connect_core.doctor.last_run import DoctorRun, find_last_run
from connect_core.errors import ConnectError
from connect_core.findings import Finding, Level
from connect_core.identity import ClientType
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.plugin_choice import PluginChoice
from connect_core.web.admin.setting_form import Lock
from connect_core.web.admin.setting_tables import SettingTables, list_client_types


@dataclass(frozen=True, slots=True)
class ClientSwitch:
    """Whether a login is shown in one client type, and why that cannot be changed, if so."""

    client: ClientType
    is_on: bool
    lock: Lock


@dataclass(frozen=True, slots=True)
class ProviderFinding:
    """What the doctor has found in these client types. `text` and `remedy` are English sentences."""

    id: str
    level: Level
    text: str
    remedy: str
    clients: Sequence[str]


@dataclass(frozen=True, slots=True)
class ProviderCard:
    """A configured provider. `icon` is empty, and `switches` are, where its plugin cannot be used.

    `seconds_held` is how long no login with it is begun in this process, because its vendor does not answer;
    `stand_in` is what a public shop has in place of the vendor, see `providers.stand_ins`. `examined_at` is when the
    doctor looked last, in epoch seconds, 0 for never; `findings` are what wants something done.
    """

    name: str
    plugin: str
    icon: str
    title: str
    switches: Sequence[ClientSwitch]
    examined_at: int
    findings: Sequence[ProviderFinding]
    seconds_held: int = 0
    stand_in: str = ""

    @property
    def is_shown(self) -> bool:
        """Whether some client type shows it."""
        return any(switch.is_on for switch in self.switches)

    @property
    def is_broken(self) -> bool:
        """Whether the doctor found that logins with it fail."""
        return any(finding.level is Level.BROKEN for finding in self.findings)


class ProviderCards:
    """Makes the cards."""

    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._plugins = admin, PluginChoice(admin)

    async def make_all(self, request: Request, tables: SettingTables) -> list[ProviderCard]:
        """Return a card for each configured provider, those first that some client type shows."""
        run = await self._admin.manager.database.read(find_last_run)
        cards = [await self._make(request, tables, name, run) for name in tables.settings.providers]
        return sorted(cards, key=lambda card: not card.is_shown)

    async def _make(self, request: Request, tables: SettingTables, name: str, run: DoctorRun | None) -> ProviderCard:
        plugin_name = tables.settings.plugin_of(name)
        findings = run.find_of(name) if run else None
        examined = run.time if run and findings is not None else 0, _merge(findings or ())
        try:
            plugin = await self._plugins.load(plugin_name)
        except ConnectError:
            return ProviderCard(name, plugin_name, "", name, (), *examined)
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
            *examined,
            max((each.circuit.seconds_held for each in built), default=0),
            next((each.stand_in for each in built if each.stand_in), ""),
        )


def _merge(findings: Iterable[Finding]) -> list[ProviderFinding]:
    """Return the findings, the worst first; one that several client types have comes once."""
    clients: dict[tuple[str, Level, str, str], list[str]] = {}
    for each in findings:
        clients.setdefault((each.id, each.level, each.text, each.remedy), []).append(each.subject.partition("/")[2])
    return [ProviderFinding(*what, clients=where) for what, where in clients.items()]
