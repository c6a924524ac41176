"""What the contract stands on: one stage for a whole suite, and the steps that its rules are made of.

A stage is shared, so a rule uses people of its own and compares before with after. Rules stand elsewhere.
"""

import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any, ClassVar

import httpx
import pytest
from pydantic import SecretStr

from connect_core.harness import RunningShop, Visitor, run_shop
from connect_core.http import TOTAL_DEADLINE, HttpPool
from connect_core.identity import ClientType
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider, Plugins, ProviderType
from connect_core.sandbox import Sandbox
from connect_core.testing.other_plugin import OTHER_PLUGIN, OtherPlugin
from connect_core.testing.recorder import Recorder

WRITTEN = ("es_member", "es_connect", "es_connect_alias", "es_member_session", "es_connect_event")
UNBELIEVED = ("provider_bad_response", "provider_unsigned")
_numbers = count(1)


@cache
def installed() -> Plugins:
    """The plugins of this machine, and the contract's own beside them."""
    return Plugins([(OTHER_PLUGIN, OtherPlugin())])


def somebody() -> str:
    """Return the key of a person whom no rule has met."""
    return f"person{next(_numbers)}"


@dataclass(frozen=True, slots=True)
class Operations:
    """A sandbox's names of a login's calls, empty where there is none: for the code, for the id, for the profile."""

    token: str = ""
    id: str = ""
    profile: str = ""


@dataclass
class Clock:
    """The shop's clock, which a rule moves forward."""

    ahead: float = 0

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self.ahead


@dataclass(frozen=True, slots=True)
class ContractRun:
    """A stage with its clock, what passes between shop and vendor, and the calls of each client type's login."""

    shop: RunningShop
    clock: Clock
    recorder: Recorder
    operations: dict[str, Operations] = field(default_factory=dict)


class ContractRules:
    """One provider on one stage. Every rule of the contract is a method of a subclass."""

    plugin: ClassVar[str]
    clients: ClassVar[Collection[str]] = frozenset(ClientType)
    token_operation: ClassVar[str | None] = None
    id_operation: ClassVar[str | None] = None
    profile_operation: ClassVar[str | None] = None
    untrusted: ClassVar[Collection[str] | None] = None
    refusals: ClassVar[Mapping[str, str] | None] = None

    @classmethod
    def make_sandbox(cls) -> Sandbox:
        """Return a fresh sandbox; override it to run the contract against another of its modes."""
        sandbox: Sandbox = cls.find_plugin().load_sandbox()()
        return sandbox

    @classmethod
    def find_plugin(cls) -> ProviderType:
        """Return the installed plugin under test."""
        return installed().available[cls.plugin]

    @classmethod
    def get_clients(cls, *unlike: Entrance) -> list[str]:
        """The client types under test whose entrance is none of `unlike`."""
        entrances = cls.find_plugin().provider.entrances.items()
        return [client.value for client, entrance in entrances if client in cls.clients and entrance not in unlike]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a test for each `client`, each `calling` one (the vendor is called) or each `redirecting` one."""
        assert metafunc.cls is not None
        unlike = {
            "client": (),
            "calling": (Entrance.CREDENTIAL,),
            "redirecting": set(Entrance) - {Entrance.REDIRECT},
        }
        for name in unlike.keys() & metafunc.fixturenames:
            metafunc.parametrize(name, metafunc.cls.get_clients(*unlike[name]))

    @pytest.fixture(scope="class")
    @classmethod
    def shared_contract_run(cls) -> Iterator[ContractRun]:
        """A shop with this one provider, and the contract's own beside it."""
        clock, recorder = Clock(), Recorder()

        def change(raw: dict[str, Any]) -> None:
            raw["providers"][OTHER_PLUGIN] = {}
            raw["clients"]["mini"].append(OTHER_PLUGIN)

        with run_shop(
            {cls.plugin: cls.make_sandbox()},
            plugins=installed(),
            pool=HttpPool(transport=recorder),
            change=change,
            now=clock,
        ) as shop:
            yield ContractRun(shop, clock, recorder)

    @pytest.fixture
    def contract_run(self, shared_contract_run: ContractRun) -> Iterator[ContractRun]:
        """The shared scene, with nothing left over from another rule."""
        sandbox = shared_contract_run.shop.sandboxes[self.plugin]
        sandbox.faults.clear()
        sandbox.calls.clear()
        shared_contract_run.shop.manager.pool.deadline = TOTAL_DEADLINE
        yield shared_contract_run
        assert not sandbox.faults.unused, "a fault met no request"

    @pytest.fixture
    def shop(self, contract_run: ContractRun) -> RunningShop:
        """The stage of the scene."""
        return contract_run.shop

    def sandbox(self, shop: RunningShop) -> Sandbox:
        """The vendor's double on the stage."""
        return shop.sandboxes[self.plugin]

    def configured(self, shop: RunningShop, client: str) -> ConfiguredProvider:
        """The provider under test as this client type has it."""
        return shop.manager.registry.find(self.plugin, client)

    def secret_settings(self, shop: RunningShop, client: str) -> set[str]:
        """The values of the provider's secret settings."""
        settings = self.configured(shop, client).provider.settings
        return {value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)}

    def prepare(self, visitor: Visitor, client: str, person: str) -> str | dict[str, str]:
        """Go up to the last step of a login: the callback's address, or what is posted to `token`."""
        if self.configured(visitor.shop, client).entrance is Entrance.REDIRECT:
            return visitor.consent(visitor.begin(self.plugin, client), person)
        return visitor.client_parameters(self.plugin, client, person)

    def finish(self, visitor: Visitor, client: str, prepared: str | dict[str, str]) -> httpx.Response:
        """Take that step."""
        if isinstance(prepared, str):
            return visitor.http.get(prepared)
        return visitor.http.post(f"/connect/{self.plugin}/{client}/token", json=prepared)

    def log_in(self, shop: RunningShop, client: str, person: str = "") -> dict[str, Any]:
        """Log in, which must work, and return what `/connect/me` says."""
        with Visitor(shop) as visitor:
            login = visitor.log_in(self.plugin, client, person or somebody())
            who = visitor.who(login)
        assert who is not None, login.text
        return who

    def ids_of(self, shop: RunningShop, who: Mapping[str, Any]) -> set[str]:
        """Every id that is stored for a member."""
        connections = {row["id"] for row in shop.rows("es_connect") if str(row["member_id"]) == str(who["uid"])}
        return {row["value"] for row in shop.rows("es_connect_alias") if row["connect_id"] in connections}

    def operations(self, contract_run: ContractRun, client: str) -> Operations:
        """Which calls a login makes: what a second login of a person asks names them, the rest is for the profile."""
        if client not in contract_run.operations:
            self.log_in(
                contract_run.shop, client
            )  # whatever is asked once for all, such as keys, is known from here on
            person = somebody()
            first, again = (self._calls(contract_run.shop, client, person) for _ in range(2))
            further = [call for call in first if call not in again]
            contract_run.operations[client] = Operations(*[*again, "", ""][:2], *[*further, ""][:1])
        return contract_run.operations[client]

    def _calls(self, shop: RunningShop, client: str, person: str) -> list[str]:
        calls = self.sandbox(shop).calls
        with Visitor(shop) as visitor:
            prepared = self.prepare(visitor, client, person)
            calls.clear()
            login = self.finish(visitor, client, prepared)
        assert login.status_code < 400, login.text
        made = [call.operation for call in calls]
        calls.clear()
        return made

    def spoil_id(self, shop: RunningShop, ids: Collection[str], new: str, on: str) -> Iterator[None]:
        """Let the JSON `new` stand for an id of the next answer, one after the other of `ids`."""
        faults = self.sandbox(shop).faults
        if "id" in self.sandbox(shop).own_faults:
            faults.add("id", new, on=on)
            yield
            return
        for old in sorted(ids):
            faults.add("replace", json.dumps([old, new]), on=on)
            yield

    def rows(self, shop: RunningShop) -> list[dict[str, Any]]:
        """Whatever a login writes."""
        return [row for table in WRITTEN for row in shop.rows(table)]

    @contextmanager
    def nothing_written(self, shop: RunningShop, what: str = "") -> Iterator[None]:
        """Whatever happens in the block, no row is new or changed; sessions whose time is over may go meanwhile."""
        before = self.rows(shop)
        yield
        assert all(row in before for row in self.rows(shop)), f"{what}: something was written"

    def expect(self, answer: httpx.Response, status: int | None, codes: Collection[str], what: str = "") -> None:
        """Check that a login was refused so."""
        told = answer.headers.get("content-type", "")
        assert told == "application/problem+json", f"{what}: HTTP {answer.status_code} {answer.text[:200]}"
        assert answer.json()["code"] in codes, f"{what}: {answer.json()['code']}"
        assert status in (None, answer.status_code), f"{what}: HTTP {answer.status_code}"

    def expect_fault(
        self, shop: RunningShop, client: str, status: int | None, codes: Collection[str], what: str
    ) -> None:
        """Log in under the fault that waits; it must be met, and end the login so, with nothing written."""
        with Visitor(shop) as visitor, self.nothing_written(shop, what):
            self.expect(visitor.log_in(self.plugin, client, somebody()), status, codes, what)
        assert not self.sandbox(shop).faults.unused, f"{what}: the fault met no request"
        assert not self.sandbox(shop).faults.misfired, f"{what}: the fault found nothing to spoil"
