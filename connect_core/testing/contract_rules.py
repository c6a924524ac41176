"""`ContractRules`, the base class of the contract's rules: the fixtures `shop` and `contract_run`, and shared steps.

All rules of one provider use one running shop, so a rule logs in people of its own and compares rows before and after.
Has no rule itself: those are in `logins`, `failures` and `redaction`.
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

from connect_core.errors import PluginError
from connect_core.harness import RunningShop, Visitor, run_shop
from connect_core.http import TOTAL_DEADLINE, HttpPool
from connect_core.identity import ClientType
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider, Plugins, ProviderType
from connect_core.sandbox import Sandbox
from connect_core.testing.other_plugin import OTHER_PLUGIN, OtherPlugin
from connect_core.testing.recorder import Recorder

LOGIN_TABLES = ("es_member", "es_connect", "es_connect_alias", "es_member_session", "es_connect_event")
"""The tables in which a login writes."""
UNTRUSTED_CODES = ("provider_bad_response", "provider_unsigned")
"""The error codes of an answer that cannot be trusted."""
_numbers = count(1)


@cache
def installed() -> Plugins:
    """Return the installed plugins and, beside them, `OTHER_PLUGIN`."""
    return Plugins([(OTHER_PLUGIN, OtherPlugin())])


def somebody() -> str:
    """Return the key of a person who has not logged in yet."""
    return f"person{next(_numbers)}"


@dataclass(frozen=True, slots=True)
class Operations:
    """The calls of one login, by their names in the sandbox; empty where there is no such call.

    `token` redeems the code, `id` asks who the person is, and `profile` is made only when the profile is wanted.
    """

    token: str = ""
    id: str = ""
    profile: str = ""


@dataclass
class Clock:
    """The shop's clock: the real time and `offset` seconds, which a rule may increase."""

    offset: float = 0

    def __call__(self) -> float:
        """Return seconds since the epoch."""
        return time.time() + self.offset


@dataclass(frozen=True, slots=True)
class ContractRun:
    """What all rules of one provider share: the shop, its clock, and the recorder between it and the sandbox.

    `operations` caches the calls of a login by client type; see `ContractRules.operations`.
    """

    shop: RunningShop
    clock: Clock
    recorder: Recorder
    operations: dict[str, Operations] = field(default_factory=dict)


class ContractRules:
    """The base class of the contract's rules, for one provider. Each `test_…` method of a subclass is a rule.

    `ProviderContract` says what a plugin author may set here.
    """

    plugin: ClassVar[str]
    clients: ClassVar[Collection[str]] = frozenset(ClientType)
    token_operation: ClassVar[str | None] = None
    id_operation: ClassVar[str | None] = None
    profile_operation: ClassVar[str | None] = None
    untrusted: ClassVar[Collection[str] | None] = None
    refusals: ClassVar[Mapping[str, str] | None] = None

    @classmethod
    def make_sandbox(cls) -> Sandbox:
        """Return a new sandbox of the plugin. Override it to run the contract on another mode of the sandbox."""
        sandbox: Sandbox = cls.find_plugin().load_sandbox()()
        return sandbox

    @classmethod
    def find_plugin(cls) -> ProviderType:
        """Return the plugin under test. Raises `PluginError` with the reason when it cannot be used."""
        plugins = installed()
        if cls.plugin in plugins.available:
            return plugins.available[cls.plugin]
        reason = plugins.find_fault(cls.plugin) or f"no installed plugin registers {cls.plugin}"
        raise PluginError(f"{reason}; installed: {', '.join(plugins.available)}")

    @classmethod
    def get_clients(cls, *excluded: Entrance) -> list[str]:
        """Return the client types under test, without those whose entrance is in `excluded`."""
        entrances = cls.find_plugin().provider.entrances.items()
        return [client.value for client, entrance in entrances if client in cls.clients and entrance not in excluded]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a rule once for each client type, according to the name of its argument.

        `client`: every client type. `calling_client`: those whose login calls the vendor, so no ID tokens.
        `redirect_client`: those that come back through a redirect.
        """
        assert metafunc.cls is not None
        excluded = {
            "client": (),
            "calling_client": (Entrance.CREDENTIAL,),
            "redirect_client": set(Entrance) - {Entrance.REDIRECT},
        }
        for name in excluded.keys() & metafunc.fixturenames:
            metafunc.parametrize(name, metafunc.cls.get_clients(*excluded[name]))

    @pytest.fixture(scope="class")
    @classmethod
    def shared_contract_run(cls) -> Iterator[ContractRun]:
        """Run a shop with the provider under test and `OTHER_PLUGIN`, for all rules of the class."""
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
        """The shared run, without faults and calls of another rule. Fails a rule that leaves a fault unused."""
        sandbox = shared_contract_run.shop.sandboxes[self.plugin]
        sandbox.faults.clear()
        sandbox.calls.clear()
        shared_contract_run.shop.manager.pool.deadline = TOTAL_DEADLINE
        yield shared_contract_run
        assert not sandbox.faults.unused, "a fault met no request"

    @pytest.fixture
    def shop(self, contract_run: ContractRun) -> RunningShop:
        """The running shop of `contract_run`."""
        return contract_run.shop

    def sandbox(self, shop: RunningShop) -> Sandbox:
        """Return the sandbox of the provider under test."""
        return shop.sandboxes[self.plugin]

    def configured(self, shop: RunningShop, client: str) -> ConfiguredProvider:
        """Return the provider under test as this client type has it."""
        return shop.manager.registry.find(self.plugin, client)

    def secret_settings(self, shop: RunningShop, client: str) -> set[str]:
        """Return the values of the provider's secret settings."""
        settings = self.configured(shop, client).provider.settings
        return {value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)}

    def prepare(self, visitor: Visitor, client: str, person: str) -> str | dict[str, str]:
        """Do a login except for its last request; return the callback URL, or the body to post to `/token`."""
        if self.configured(visitor.shop, client).entrance is Entrance.REDIRECT:
            return visitor.consent(visitor.begin(self.plugin, client), person)
        return visitor.client_parameters(self.plugin, client, person)

    def finish(self, visitor: Visitor, client: str, prepared: str | dict[str, str]) -> httpx.Response:
        """Send the last request of a login, with the result of `prepare`, and return the response."""
        if isinstance(prepared, str):
            return visitor.http.get(prepared)
        return visitor.http.post(f"/connect/{self.plugin}/{client}/token", json=prepared)

    def log_in(self, shop: RunningShop, client: str, person: str = "") -> dict[str, Any]:
        """Log in and return the body of `/connect/me`. Fails the rule when the login fails."""
        with Visitor(shop) as visitor:
            login = visitor.log_in(self.plugin, client, person or somebody())
            who = visitor.who(login)
        assert who is not None, login.text
        return who

    def ids_of(self, shop: RunningShop, who: Mapping[str, Any]) -> set[str]:
        """Return every id that is stored for the member `who`, a body of `/connect/me`."""
        connections = {row["id"] for row in shop.rows("es_connect") if str(row["member_id"]) == str(who["uid"])}
        return {row["value"] for row in shop.rows("es_connect_alias") if row["connect_id"] in connections}

    def operations(self, contract_run: ContractRun, client: str) -> Operations:
        """Return the calls of a login, found by logging one person in twice.

        The second login calls the vendor only to learn who the person is. What only the first one calls is for the
        profile.
        """
        if client not in contract_run.operations:
            self.log_in(contract_run.shop, client)  # fetches and caches what no later login fetches, such as keys
            person = somebody()
            first, second = (self._calls(contract_run.shop, client, person) for _ in range(2))
            for_profile = [call for call in first if call not in second]
            contract_run.operations[client] = Operations(*[*second, "", ""][:2], *[*for_profile, ""][:1])
        return contract_run.operations[client]

    def _calls(self, shop: RunningShop, client: str, person: str) -> list[str]:
        calls = self.sandbox(shop).calls
        with Visitor(shop) as visitor:
            prepared = self.prepare(visitor, client, person)
            calls.clear()
            login = self.finish(visitor, client, prepared)
        assert login.status_code < 400, login.text
        operations = [call.operation for call in calls]
        calls.clear()
        return operations

    def spoil_id(self, shop: RunningShop, ids: Collection[str], new: str, on: str) -> Iterator[None]:
        """Yield once for each of `ids`, each time with a fault that replaces it by the JSON `new` in an answer of `on`.

        A sandbox with a fault `id` plays that instead, once.
        """
        faults = self.sandbox(shop).faults
        if "id" in self.sandbox(shop).own_faults:
            faults.add("id", new, on=on)
            yield
            return
        for old in sorted(ids):
            faults.add("replace", json.dumps([old, new]), on=on)
            yield

    def rows(self, shop: RunningShop) -> list[dict[str, Any]]:
        """Return the rows of every table in which a login writes."""
        return [row for table in LOGIN_TABLES for row in shop.rows(table)]

    @contextmanager
    def nothing_written(self, shop: RunningShop, what: str = "") -> Iterator[None]:
        """Fail the rule when the block adds or changes a row. Expired sessions may be deleted meanwhile."""
        rows = self.rows(shop)
        yield
        assert all(row in rows for row in self.rows(shop)), f"{what}: something was written"

    def expect(self, answer: httpx.Response, status: int | None, codes: Collection[str], what: str = "") -> None:
        """Fail the rule unless `answer` is an error with one of `codes` and, unless it is None, the HTTP `status`.

        `what` begins the message of the failure.
        """
        content_type = answer.headers.get("content-type", "")
        assert content_type == "application/problem+json", f"{what}: HTTP {answer.status_code} {answer.text[:200]}"
        assert answer.json()["code"] in codes, f"{what}: {answer.json()['code']}"
        assert status in (None, answer.status_code), f"{what}: HTTP {answer.status_code}"

    def expect_fault(
        self, shop: RunningShop, client: str, status: int | None, codes: Collection[str], what: str
    ) -> None:
        """Log in with the fault that was added, and expect an error, as `expect` does, and no new row.

        Fails the rule when the fault met no request or could not change its answer.
        """
        with Visitor(shop) as visitor, self.nothing_written(shop, what):
            self.expect(visitor.log_in(self.plugin, client, somebody()), status, codes, what)
        assert not self.sandbox(shop).faults.unused, f"{what}: the fault met no request"
        assert not self.sandbox(shop).faults.misfired, f"{what}: the fault found nothing to spoil"
