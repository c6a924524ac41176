"""`ContractRules`, the base class of the contract's rules: the fixtures `shop` and `contract_run`, and shared steps.

All rules of one provider use one running shop, so a rule logs in people of its own and compares rows before and after.
A rule that could try nothing calls `not_run` with the reason. Has no rule itself: those are in the other modules.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any, ClassVar, NoReturn, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import pytest
from pydantic import SecretStr

from connect_core.errors import PluginError
from connect_core.harness import RunningShop, Visitor, run_shop
from connect_core.http import TOTAL_DEADLINE, HttpPool
from connect_core.identity import ClientType, PersonId, Profile
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider, Plugins, ProviderType
from connect_core.sandbox import DocumentedRequest, Sandbox
from connect_core.sandbox.misspelt_names import refuse_misspelt
from connect_core.testing.other_plugin import OTHER_PLUGIN, OtherPlugin
from connect_core.testing.reasons import Reasons
from connect_core.testing.recorder import Recorder

LOGIN_TABLES = ("es_member", "es_connect", "es_connect_alias", "es_member_session", "es_connect_event")
"""The tables in which a login writes."""
UNTRUSTED_CODES = ("provider_bad_response", "provider_unsigned")
"""The error codes of an answer that cannot be trusted."""
CREDENTIAL = "credential"
"""The operation of the fault script for an ID token, or other signed data, that the sandbox gives to an app."""
PROFILE_AGE = 31 * 24 * 3600
"""Seconds after which a stored profile is too old, whatever `profile_max_age` a provider has by default."""
TRAP = "trap"
"""The operation of a sandbox to which redirects of the vendor's API lead: no plugin may follow one."""
_numbers = count(1)
NOT_APPLICABLE = "not applicable: "
"""How the reason begins for which a rule does not concern a provider."""
Rule = TypeVar("Rule", bound=Callable[..., None])


@cache
def installed() -> Plugins:
    """Return the installed plugins and, beside them, `OTHER_PLUGIN`."""
    return Plugins([(OTHER_PLUGIN, OtherPlugin())])


def quick(rule: Rule) -> Rule:
    """Mark a rule that `connect-login plugin check --quick` runs."""
    rule.__dict__["is_quick"] = True
    return rule


def not_run(reason: str) -> NoReturn:
    """End a rule that could try nothing. The report counts it apart and shows the reason."""
    pytest.skip(reason)


def not_applicable(reason: str) -> NoReturn:
    """End a rule about something that the provider does not have. The report leaves it out."""
    pytest.skip(NOT_APPLICABLE + reason)


def somebody() -> str:
    """Return the key of a person who has not logged in yet."""
    return f"person{next(_numbers)}"


@dataclass(frozen=True, slots=True)
class Operations:
    """The calls of one login, by their names in the sandbox; empty where there is no such call.

    `token` redeems the code, `id` asks who the person is, and `profile` is made only when the profile is wanted.
    `forms` are those that answer with a form, of which nobody can see that it was cut off.
    """

    token: str = ""
    id: str = ""
    profile: str = ""
    forms: Collection[str] = ()

    @property
    def proving(self) -> list[str]:
        """The calls without which nobody is logged in."""
        return [name for name in (self.token, self.id) if name]

    @property
    def all(self) -> list[str]:
        """Every call."""
        return [name for name in (self.token, self.id, self.profile) if name]


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
    documented: ClassVar[Sequence[DocumentedRequest] | None] = None
    documented_ids: ClassVar[Sequence[PersonId] | None] = None
    documented_profile: ClassVar[Profile | None] = None
    documented_phone: ClassVar[str] = ""
    profile_parameters: ClassVar[Collection[str] | None] = None
    reasons: ClassVar[Reasons]

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
        raise PluginError(plugins.explain_missing(cls.plugin))

    @classmethod
    def get_clients(cls, *excluded: Entrance) -> list[str]:
        """Return the client types under test, without those whose entrance is in `excluded`."""
        entrances = cls.find_plugin().provider.entrances.items()
        return [client.value for client, entrance in entrances if client in cls.clients and entrance not in excluded]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a rule once for each client type, according to the name of its argument.

        `client`: every client type. `calling_client`: those whose login calls the vendor, so no ID tokens.
        `redirect_client`: those that come back through a redirect; `posting_client`: those that do not.
        `ticketed_client`: those whose app posts a ticket of ours.
        """
        assert metafunc.cls is not None
        excluded = {
            "client": (),
            "calling_client": (Entrance.CREDENTIAL,),
            "redirect_client": set(Entrance) - {Entrance.REDIRECT},
            "posting_client": (Entrance.REDIRECT,),
            "ticketed_client": (Entrance.REDIRECT, Entrance.CLIENT_CODE),
        }
        if metafunc.cls.find_plugin().load_sandbox().without_calls:
            excluded["calling_client"] = tuple(Entrance)
        for name in excluded.keys() & metafunc.fixturenames:
            metafunc.parametrize(name, metafunc.cls.get_clients(*excluded[name]))

    def __init_subclass__(cls, **options: Any) -> None:
        """Raise `TypeError` for an attribute that nothing reads, because its name is misspelt."""
        super().__init_subclass__(**options)
        refuse_misspelt(cls)

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def recorded_reasons(cls) -> Iterator[Reasons]:
        """Note why logins fail, for the messages of all rules of the class."""
        with Reasons() as cls.reasons:
            yield cls.reasons

    @pytest.fixture(scope="class")
    @classmethod
    def shared_contract_run(cls, recorded_reasons: Reasons) -> Iterator[ContractRun]:
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
            recorded_reasons.sandboxes.append(shop.sandboxes[cls.plugin])
            yield ContractRun(shop, clock, recorder)

    @pytest.fixture
    def contract_run(self, shared_contract_run: ContractRun) -> Iterator[ContractRun]:
        """The shared run, without faults and calls of another rule. Fails a rule that leaves a fault unused."""
        sandbox = shared_contract_run.shop.sandboxes[self.plugin]
        sandbox.faults.clear()
        sandbox.calls.clear()
        sandbox.crashes.clear()
        self.reasons.clear()
        shared_contract_run.recorder.replacements = {}
        shared_contract_run.shop.manager.pool.deadline = TOTAL_DEADLINE
        yield shared_contract_run
        self.check_sandbox(shared_contract_run.shop)
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

    def check_sandbox(self, shop: RunningShop) -> None:
        """Fail the rule when the sandbox itself raised: then nothing was learned about the provider."""
        crashes = list(self.sandbox(shop).crashes)
        self.sandbox(shop).crashes.clear()
        assert not crashes, f"the sandbox itself failed: {crashes[0]}"

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

    def with_parameters(self, prepared: str | dict[str, str], added: Mapping[str, str]) -> str | dict[str, str]:
        """Return the prepared login with the parameters `added`, in place of those of the same names."""
        if isinstance(prepared, dict):
            return {**prepared, **added}
        parts = urlsplit(prepared)
        return urlunsplit(parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **added})))

    def log_in(self, shop: RunningShop, client: str, person: str = "") -> dict[str, Any]:
        """Log in and return the body of `/connect/me`. Fails the rule when the login fails."""
        self.reasons.clear()
        with Visitor(shop) as visitor:
            login = visitor.log_in(self.plugin, client, person or somebody())
            who = visitor.who(login)
        self.check_sandbox(shop)
        assert who is not None, self.reasons.explain(login)
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
            first, second = (self._calls(contract_run, client, person) for _ in range(2))
            for_profile = [call for call in first if call not in second]
            token, called_for_id, *_ = [*second, "", ""]
            forms = frozenset(name for name, is_form in {**first, **second}.items() if is_form)
            contract_run.operations[client] = Operations(token, called_for_id, [*for_profile, ""][0], forms)
        return contract_run.operations[client]

    def _calls(self, contract_run: ContractRun, client: str, person: str) -> dict[str, bool]:
        """Log in and return the names of the calls, each with whether it was answered with a form."""
        shop, exchanges = contract_run.shop, contract_run.recorder.exchanges
        calls = self.sandbox(shop).calls
        with Visitor(shop) as visitor:
            prepared = self.prepare(visitor, client, person)
            calls.clear()
            exchanges.clear()
            login = self.finish(visitor, client, prepared)
        self.check_sandbox(shop)
        assert login.status_code < 400, self.reasons.explain(login)
        answers = [answer.content for _, answer in exchanges]
        operations = {
            call.operation: b"{" not in content and b"=" in content
            for call, content in zip(calls, answers, strict=False)
        }
        calls.clear()
        return operations

    def rows(self, shop: RunningShop) -> list[dict[str, Any]]:
        """Return the rows of every table in which a login writes."""
        return [row for table in LOGIN_TABLES for row in shop.rows(table)]

    def naming(self, contract_run: ContractRun, client: str) -> str:
        """Return the operation whose answer names the person; `CREDENTIAL` where no call of the provider does."""
        if self.configured(contract_run.shop, client).entrance is Entrance.CREDENTIAL:
            return CREDENTIAL
        operations = self.operations(contract_run, client)
        return operations.id or operations.token or CREDENTIAL

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
        content_type, beginning = answer.headers.get("content-type", ""), f"{what}: " if what else ""
        assert content_type == "application/problem+json", f"{beginning}{self.reasons.explain(answer)}"
        expected = f"not {' or '.join(codes)}"
        assert answer.json()["code"] in codes, f"{beginning}{expected}, but {self.reasons.explain(answer)}"
        assert status in (None, answer.status_code), f"{beginning}HTTP {answer.status_code}, not {status}"

    def expect_fault(
        self, shop: RunningShop, client: str, status: int | None, codes: Collection[str], what: str
    ) -> bool:
        """Log in with the fault that was added, and expect an error, as `expect` does, and no new row.

        Returns False when the fault could not change its answer, so that nothing was tried. Fails the rule when the
        fault met no request.
        """
        faults, rows = self.sandbox(shop).faults, self.rows(shop)
        self.reasons.clear()
        with Visitor(shop) as visitor:
            answer = visitor.log_in(self.plugin, client, somebody())
        self.check_sandbox(shop)
        assert not faults.unused, f"{what}: the fault met no request"
        if faults.misfired:
            faults.misfired.clear()
            return False
        self.expect(answer, status, codes, what)
        assert all(row in rows for row in self.rows(shop)), f"{what}: something was written"
        return True
