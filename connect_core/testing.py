"""What a plugin is proved with: `ProviderContract`, which every provider runs, ours and strangers'.

    class TestAcme(ProviderContract):
        plugin = "acme"
        token_operation = "token"
        profile_operation = "userinfo"
        untrusted = ("missing_id", "swapped_id")
        refusals = {"invalid_grant": "code_invalid"}

Every test is a whole login through the plugin's sandbox over real HTTP, once for each client type the provider serves.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from typing import ClassVar
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from connect_core.http import HttpPool
from connect_core.identity import ClientType
from connect_core.provider import Entrance
from connect_core.registry import Plugin, Plugins
from connect_core.rehearsal import Stage, Visitor, load_sandboxes, make_settings, on_stage, query_of, sandbox_settings
from connect_core.sandbox import Sandbox

DEADLINE = 1.0
"""Seconds that a contract's shop waits for the sandbox."""
SPENDABLE = frozenset(
    {
        "access_token",
        "auth_code",
        "auth_token",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "js_code",
        "nonce",
        "refresh_token",
        "secret",
        "sign",
        "state",
    }
)
"""Names under which vendors take what must never be told."""
CREDENTIAL = "credential"
"""What a sandbox calls the ID token that it hands to an app, in its fault script."""
WRITTEN = ("es_member", "es_connect", "es_connect_alias", "es_member_session", "es_connect_event")
UNUSABLE = (
    ("html", ""),
    ("empty", ""),
    ("truncate", ""),
    ("garbage", "[" * 100_000),
    ("garbage", '{"a":1,"a":2}'),
    ("garbage", '{"id":' + "9" * 5000 + "}"),
    ("garbage", "\ufeff[]"),
    ("garbage", '"\ud800"'),
    ("huge", ""),
    ("gzip", ""),
    ("redirect", ""),
    ("status", "503"),
    ("status", "429"),
)
"""Transport faults of the sandbox kit after which there is no answer to read."""

__all__ = ["ProviderContract", "Stage", "Visitor", "load_sandboxes", "make_settings", "on_stage", "sandbox_settings"]


class ProviderContract:
    """What holds for every provider. A subclass names the plugin and how its sandbox can be made to fail.

    `clients` are the client types to prove, all by default: where one has another API than the others, each gets a
    subclass. `token_operation`, `profile_operation` (empty where no call is for the profile alone) and `id_operation`
    (the call that names the person, where the token call does not) are the sandbox's names for the vendor's calls;
    `untrusted` the sandbox's faults after which an answer must not be believed; `refusals` maps a value of its fault
    `error` to the code that the visitor gets.
    """

    plugin: ClassVar[str]
    clients: ClassVar[Collection[str]] = frozenset(ClientType)
    token_operation: ClassVar[str]
    profile_operation: ClassVar[str] = ""
    id_operation: ClassVar[str] = ""
    untrusted: ClassVar[tuple[str, ...]]
    refusals: ClassVar[Mapping[str, str]]

    @classmethod
    def make_sandbox(cls) -> Sandbox:
        """Return a fresh sandbox; override it to run the contract against another of its modes."""
        sandbox: Sandbox = cls.find_plugin().load_sandbox()()
        return sandbox

    @classmethod
    def find_plugin(cls) -> Plugin:
        """Return the installed plugin under test."""
        return Plugins().available[cls.plugin]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run every test once for each client type; some only where the vendor is called, or a browser redirected."""
        assert metafunc.cls is not None
        offered = metafunc.cls.find_plugin().provider.entrances
        entrances = {client: entrance for client, entrance in offered.items() if client in metafunc.cls.clients}
        if "client" in metafunc.fixturenames:
            metafunc.parametrize("client", [client.value for client in entrances])
        if "calling" in metafunc.fixturenames:
            calling = [client.value for client, entrance in entrances.items() if entrance is not Entrance.CREDENTIAL]
            metafunc.parametrize("calling", calling)
        if "redirecting" in metafunc.fixturenames:
            by_redirect = [client.value for client, entrance in entrances.items() if entrance is Entrance.REDIRECT]
            metafunc.parametrize("redirecting", by_redirect)

    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        """A shop with this one provider."""
        with on_stage({self.plugin: self.make_sandbox()}, pool=HttpPool(deadline=DEADLINE)) as stage:
            yield stage

    def test_a_person_is_one_member(self, stage: Stage, client: str) -> None:
        """A first login registers, a second finds; the row holds the exact id; the profile is asked for once."""
        first, second = self._log_in(stage, client), self._log_in(stage, client)
        assert first["uid"] == second["uid"]
        offer = stage.manager.registry.find(self.plugin, client)
        assert first["connections"] == [offer.provider.union_type]
        assert len(stage.rows("es_member")) == len(stage.rows("es_connect")) == 1
        aliases = {row["value"] for row in stage.rows("es_connect_alias")}
        assert stage.rows("es_connect")[0]["union_id"] in aliases
        assert all(isinstance(value, str) and value for value in aliases)
        if offer.entrance is Entrance.CREDENTIAL:
            return
        assert self._sandbox(stage).called(self.token_operation) == 2
        if self.profile_operation:
            assert self._sandbox(stage).called(self.profile_operation) == 1

    def test_persons_are_kept_apart(self, stage: Stage, client: str) -> None:
        """Two people are two members."""
        assert self._log_in(stage, client, "lihua")["uid"] != self._log_in(stage, client, "wangfang")["uid"]

    def test_state_is_unpredictable_and_fits_every_vendor(self, stage: Stage, redirecting: str) -> None:
        """The login URL carries a fresh state: at least 128 bits, base62, at most 64 characters."""
        with Visitor(stage) as visitor:
            states = {query_of(visitor.begin(self.plugin, redirecting))["state"] for _ in range(3)}
        assert len(states) == 3
        assert all(22 <= len(state) <= 64 and state.isascii() and state.isalnum() for state in states)

    def test_redirect_uri_is_encoded_once(self, stage: Stage, redirecting: str) -> None:
        """The vendor reads our callback address exactly, and no parameter is injected through it."""
        with Visitor(stage) as visitor:
            login_url = visitor.begin(self.plugin, redirecting)
        callback = f"{stage.url}/connect/{self.plugin}/{redirecting}/callback"
        assert callback in query_of(login_url).values()
        assert callback not in login_url
        assert unquote(urlsplit(login_url).query).count(callback) == 1

    def test_refusal_is_told(self, stage: Stage, redirecting: str) -> None:
        """A person who refuses gets `provider_denied`, and the vendor is not asked."""
        with Visitor(stage) as visitor, self._nothing_written(stage):
            callback = visitor.consent(visitor.begin(self.plugin, redirecting), decision="refuse")
            self._expect(visitor.http.get(callback), 400, "provider_denied")
        assert not self._sandbox(stage).called(self.token_operation)

    def test_callback_may_be_repeated_by_its_browser_alone(self, stage: Stage, redirecting: str) -> None:
        """The same browser gets the first result's redirect, any other `state_invalid`; the code is redeemed once."""
        with Visitor(stage) as visitor, Visitor(stage) as stranger:
            callback = visitor.consent(visitor.begin(self.plugin, redirecting))
            self._expect(stranger.http.get(callback), 400, "state_invalid")
            first, again = visitor.http.get(callback), visitor.http.get(callback)
            assert (first.status_code, again.status_code) == (303, 303)
            assert again.headers["location"] == first.headers["location"]
            assert "set-cookie" not in again.headers
            self._expect(stranger.http.get(callback), 400, "state_invalid")
        assert self._sandbox(stage).called(self.token_operation) == 1

    def test_code_is_redeemed_once(self, stage: Stage, client: str) -> None:
        """A code that was handed in before is refused as `code_seen` without asking the vendor."""
        entrance = stage.manager.registry.find(self.plugin, client).entrance
        with Visitor(stage) as visitor:
            if entrance is Entrance.REDIRECT:
                old, new = (visitor.consent(visitor.begin(self.plugin, client)) for _ in range(2))
                names = ("code", *stage.manager.registry.find(self.plugin, client).provider.code_names)
                name = next(name for name in names if name in query_of(old))
                assert visitor.http.get(old).status_code == 303
                injected = new.replace(query_of(new)[name], query_of(old)[name])
                answer = visitor.http.get(injected)
            else:
                old_body, new_body = (visitor.hand_over(self.plugin, client) for _ in range(2))
                path = f"/connect/{self.plugin}/{client}/token"
                assert visitor.http.post(path, json=old_body).status_code == 200
                answer = visitor.http.post(
                    path, json={**old_body, **{k: v for k, v in new_body.items() if k in ("ticket", "state")}}
                )
        self._expect(answer, 400, "code_seen")
        assert self._sandbox(stage).called(self.token_operation) == (entrance is not Entrance.CREDENTIAL)

    def test_untrusted_answers_end_the_login(self, stage: Stage, client: str) -> None:
        """Unsigned, wrongly signed or contradicting answers are 502, and nothing is written."""
        is_credential = stage.manager.registry.find(self.plugin, client).entrance is Entrance.CREDENTIAL
        naming = CREDENTIAL if is_credential else self.id_operation or self.token_operation
        for fault in (one for one in self.untrusted if not (is_credential and one == "swapped_id")):
            on = self.profile_operation if fault == "swapped_id" else naming
            self._sandbox(stage).faults.add(fault, on=on)
            self._expect_fault(stage, client, 502, ("provider_unsigned", "provider_bad_response"), fault)

    def test_vendor_refusals_have_our_codes(self, stage: Stage, calling: str) -> None:
        """The vendor's own errors, inside HTTP 200 or not, become the closed list's."""
        for value, code in self.refusals.items():
            self._sandbox(stage).faults.add("error", value, on=self.token_operation)
            self._expect_fault(stage, calling, None, (code,), value)

    def test_unusable_answers_end_the_login(self, stage: Stage, calling: str) -> None:
        """Pages, garbage, floods, compressed bodies, redirects and outages are 502, and the next login works."""
        operations = filter(None, (self.token_operation, self.id_operation))
        for operation, (kind, value) in product(operations, UNUSABLE):
            self._sandbox(stage).faults.add(kind, value, on=operation)
            codes = ("provider_refused",) if kind == "status" else ("provider_bad_response", "provider_unsigned")
            self._expect_fault(stage, calling, 502, codes, f"{operation} {kind}")
        assert self._log_in(stage, calling)

    def test_slow_vendor_is_a_time_out(self, stage: Stage, calling: str) -> None:
        """A vendor that answers too late, or byte by byte, is 504 within the deadline."""
        for kind, value in (("delay", DEADLINE + 1), ("drip", DEADLINE / 8)):
            self._sandbox(stage).faults.add(kind, value, on=self.token_operation)
            self._expect_fault(stage, calling, 504, ("provider_timeout",), kind)

    def test_login_stands_without_a_profile(self, stage: Stage, calling: str) -> None:
        """When the vendor is out of order at the second call, the login stands on the ids alone."""
        if not self.profile_operation:
            return
        self._sandbox(stage).faults.add("status", 503, on=self.profile_operation)
        assert str(self._log_in(stage, calling)["nickname"]).startswith("m_")
        assert not self._sandbox(stage).faults.unused

    def test_no_secret_is_told(self, stage: Stage, calling: str, caplog: pytest.LogCaptureFixture) -> None:
        """No secret setting, code, state or token stands in a log line, a `repr` or an error."""
        caplog.set_level(logging.DEBUG)
        self._sandbox(stage).faults.add("html", on=self.token_operation)
        with Visitor(stage) as visitor:
            failed = visitor.log_in(self.plugin, calling)
            visitor.log_in(self.plugin, calling)
        offer = stage.manager.registry.find(self.plugin, calling)
        told = "\n".join([failed.text, repr(offer), repr(vars(offer.provider)), *_lines(caplog.records)])
        calls = self._sandbox(stage).calls
        spent = {value for call in calls for name, value in call.parameters.items() if name in SPENDABLE and value}
        kept = {value.get_secret_value() for _, value in offer.provider.settings if isinstance(value, SecretStr)}
        assert spent
        assert not [value for value in spent | kept if value in told]

    def _sandbox(self, stage: Stage) -> Sandbox:
        return stage.sandboxes[self.plugin]

    @contextmanager
    def _nothing_written(self, stage: Stage) -> Iterator[None]:
        before = [stage.rows(table) for table in WRITTEN]
        yield
        assert [stage.rows(table) for table in WRITTEN] == before

    def _expect(self, answer: httpx.Response, status: int, code: str) -> None:
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text

    def _log_in(self, stage: Stage, client: str, person: str = "lihua") -> dict[str, object]:
        with Visitor(stage) as visitor:
            login = visitor.log_in(self.plugin, client, person)
            who = visitor.who(login)
        assert who is not None, login.text
        return who

    def _expect_fault(self, stage: Stage, client: str, status: int | None, codes: tuple[str, ...], what: str) -> None:
        before = [stage.rows(table) for table in WRITTEN]
        with Visitor(stage) as visitor:
            answer = visitor.log_in(self.plugin, client)
        assert answer.headers["content-type"] == "application/problem+json", f"{what}: {answer.text[:200]}"
        told = answer.json()
        assert told["code"] in codes, f"{what}: {told['code']}"
        assert status in (None, answer.status_code), f"{what}: HTTP {answer.status_code}"
        assert [stage.rows(table) for table in WRITTEN] == before, f"{what}: something was written"
        assert not self._sandbox(stage).faults.unused, f"{what}: the fault met no request"


def _lines(records: Sequence[logging.LogRecord]) -> Iterator[str]:
    """Everything that was logged, but for the visitor's own browser and the test server's access log."""
    visitors = ("httpx", "httpcore", "uvicorn.access")
    return (repr(record.__dict__) for record in records if not record.name.startswith(visitors))
