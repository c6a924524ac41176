"""The contract's rules about logins that succeed, that a person refuses, and that a thief tampers with."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from sys import modules
from typing import Any
from urllib.parse import unquote, urlsplit

from connect_core.harness import RunningShop, Visitor, query_of
from connect_core.identity import ClientType
from connect_core.providers.provider import Entrance
from connect_core.testing.contract_rules import (
    ContractRules,
    ContractRun,
    not_applicable,
    not_run,
    quick,
    somebody,
)
from connect_core.testing.unused_names import find_unused_names

CROWD = 200
"""People who log in at the same time."""
THREADS = 32
"""Threads in which they do."""


class Logins(ContractRules):
    """Rules about members, states, codes, and many logins at once."""

    @quick
    def test_a_person_is_one_member(self, shop: RunningShop, client: str) -> None:
        """A first login registers, a second finds; the row holds the exact id."""
        person = somebody()
        first, second = self.log_in(shop, client, person), self.log_in(shop, client, person)
        assert first["uid"] == second["uid"], "a person who came back is another member"
        union_type = self.configured(shop, client).provider.union_type
        assert first["connections"] == [union_type], f"the connection is {first['connections']}, not {union_type}"
        [row] = [row for row in shop.rows("es_connect") if str(row["member_id"]) == str(first["uid"])]
        ids = self.ids_of(shop, first)
        assert row["union_id"] in ids, "the row in es_connect has another id than its aliases"
        assert all(ids), "an id is empty"

    @quick
    def test_every_name_in_the_sandbox_is_read(self) -> None:
        """The sandbox has no method or attribute that nothing reads: it is misspelt, or the author made it up."""
        sandbox = type(self.make_sandbox())
        try:
            unused = find_unused_names(sandbox, modules.get(type(self).__module__))
        except OSError:
            not_run("the source code of the sandbox is not at hand")
        hints = {name: f" (did you mean {' or '.join(nearest)}?)" for name, nearest in unused.items() if nearest}
        assert not unused, (
            f"nothing reads these names of {sandbox.__name__}: "
            f"{', '.join(name + hints.get(name, '') for name in unused)}. State a name that only tests of your own use "
            "in for_tests"
        )

    @quick
    def test_a_sound_login_loses_nothing(self, shop: RunningShop, client: str) -> None:
        """A login in which nothing goes wrong gets the profile, and the phone number of a vendor that has one."""
        self.reasons.clear()
        with Visitor(shop) as visitor:
            person = somebody()
            prepared = self.prepare(visitor, client, person)
            if isinstance(prepared, dict):
                prepared |= self.sandbox(shop).phone_parameters(ClientType(client), person)
            login = self.finish(visitor, client, prepared)
            assert visitor.who(login) is not None, self.reasons.explain(login)
        self.check_sandbox(shop)
        assert not (lost := self.reasons.find_lost()), f"the person is logged in, but {lost}"

    @quick
    def test_persons_are_kept_apart(self, shop: RunningShop, client: str) -> None:
        """Two people are two members, and share no id."""
        first, second = self.log_in(shop, client), self.log_in(shop, client)
        assert first["uid"] != second["uid"], "two people are one member"
        assert not self.ids_of(shop, first) & self.ids_of(shop, second), "two people share an id"

    @quick
    def test_calls_go_through_the_core_and_are_few(self, contract_run: ContractRun, client: str) -> None:
        """Every call takes the core's time limits along; a known person costs no call for the profile."""
        operations = self.operations(contract_run, client)
        stated = (self.token_operation, self.id_operation, self.profile_operation)
        if self.configured(contract_run.shop, client).entrance is not Entrance.CREDENTIAL:
            for name, seen_name in zip(stated, (operations.token, operations.id, operations.profile), strict=True):
                assert name in (None, seen_name), f"a login calls {seen_name or 'nothing'} where the test says {name}"
        with Visitor(contract_run.shop) as visitor:
            prepared = self.prepare(visitor, client, somebody())
            self.sandbox(contract_run.shop).calls.clear()
            calls_until_now = contract_run.recorder.calls
            login = self.finish(visitor, client, prepared)
        assert login.status_code < 400, self.reasons.explain(login)
        calls_at_vendor = len(self.sandbox(contract_run.shop).calls)
        calls_of_the_core = contract_run.recorder.calls - calls_until_now
        assert calls_at_vendor == calls_of_the_core, "the plugin has an HTTP client of its own"

    def test_state_is_unpredictable_and_fits_every_vendor(self, shop: RunningShop, redirect_client: str) -> None:
        """The login URL carries a fresh state: at least 128 bits, base62, at most 64 characters."""
        with Visitor(shop) as visitor:
            states = {_get_parameters(visitor.begin(self.plugin, redirect_client))["state"] for _ in range(3)}
        assert len(states) == 3, "two logins have the same state"
        is_sound = all(22 <= len(state) <= 64 and state.isascii() and state.isalnum() for state in states)
        assert is_sound, "the state in the login URL is not the one that the core made"

    @quick
    def test_redirect_uri_is_encoded_once(self, shop: RunningShop, redirect_client: str) -> None:
        """The vendor reads our callback address exactly, and no parameter is injected through it."""
        with Visitor(shop) as visitor:
            login_url = visitor.begin(self.plugin, redirect_client)
        callback = f"{shop.url}/connect/{self.plugin}/{redirect_client}/callback"
        assert callback in _get_parameters(login_url).values(), "no parameter of the login URL is the callback address"
        assert callback not in login_url, "the callback address is not percent-encoded"
        count = unquote(urlsplit(login_url).query).count(callback)
        assert count == 1, f"the callback address stands {count} times in the login URL"

    @quick
    def test_no_secret_is_in_the_login_url(self, shop: RunningShop, client: str) -> None:
        """The login URL, which a browser or phone gets, contains no secret setting."""
        if self.configured(shop, client).entrance is Entrance.CLIENT_CODE:
            not_applicable("this client type begins its logins without a login URL")
        with Visitor(shop) as visitor:
            begun = visitor.http.post(f"/connect/{self.plugin}/{client}/login-url", json={}).text
            if self.configured(shop, client).entrance is Entrance.REDIRECT:
                begun += visitor.begin(self.plugin, client)  # behind a deep link, if there is one
        leaked = [secret for secret in self.secret_settings(shop, client) if secret in unquote(begun)]
        assert not leaked, "the login URL contains a secret setting"

    @quick
    def test_refusal_is_told(self, shop: RunningShop, redirect_client: str) -> None:
        """A person who refuses gets `provider_denied`, and the vendor is not asked."""
        with Visitor(shop) as visitor, self.nothing_written(shop), self._no_vendor_call(shop):
            callback = visitor.consent(visitor.begin(self.plugin, redirect_client), somebody(), decision="refuse")
            self.sandbox(shop).calls.clear()
            self.expect(visitor.http.get(callback), 400, ["provider_denied"])

    def test_state_belongs_to_one_browser_and_one_login(self, shop: RunningShop, redirect_client: str) -> None:
        """A response without its state, or with another one, is refused before the vendor is called."""
        with Visitor(shop) as visitor, Visitor(shop) as stranger, self.nothing_written(shop):
            callback = visitor.consent(visitor.begin(self.plugin, redirect_client), somebody())
            state = query_of(callback)["state"]
            with self._no_vendor_call(shop):
                self.expect(stranger.http.get(callback), 400, ["state_invalid"])
                self.expect(visitor.http.get(callback.replace(state, "0" * len(state))), 400, ["state_invalid"])
                self.expect(visitor.http.get(callback.replace(f"state={state}", "x=")), 400, ["state_missing"])

    def test_callback_may_be_repeated_by_its_browser_alone(self, shop: RunningShop, redirect_client: str) -> None:
        """The same browser gets the first result's redirect, any other `state_invalid`; the vendor is asked once."""
        with Visitor(shop) as visitor, Visitor(shop) as stranger:
            callback = visitor.consent(visitor.begin(self.plugin, redirect_client), somebody())
            first = visitor.http.get(callback)
            with self._no_vendor_call(shop):
                again = visitor.http.get(callback)
                self.expect(stranger.http.get(callback), 400, ["state_invalid"])
        statuses = (first.status_code, again.status_code)
        assert statuses == (303, 303), f"the callback and its repeat answer HTTP {statuses}"
        assert again.headers["location"] == first.headers["location"], "the repeat leads elsewhere"
        assert "set-cookie" not in again.headers, "the repeat sets a cookie"

    def test_code_is_redeemed_once(self, shop: RunningShop, client: str) -> None:
        """A code or ID token that was handed in before is refused as `code_seen` without asking the vendor."""
        with Visitor(shop) as visitor:
            old, new = (self.prepare(visitor, client, somebody()) for _ in range(2))
            login = self.finish(visitor, client, old)
            assert login.status_code < 400, self.reasons.explain(login)
            with self._no_vendor_call(shop):
                self.expect(self.finish(visitor, client, self._injected(shop, client, old, new)), 400, ["code_seen"])

    def test_a_crowd_is_kept_apart(self, contract_run: ContractRun) -> None:
        """200 people at once, through every client type: each gets a member, and each member their own ids."""
        shop, clients = contract_run.shop, self.get_clients()
        people = {somebody(): client for client in islice(cycle(clients), CROWD)}
        begun = []
        try:
            with ThreadPoolExecutor(THREADS) as threads:
                for person, client in people.items():
                    visitor = Visitor(shop, timeout=60)
                    begun.append((visitor, client, threads.submit(self.prepare, visitor, client, person)))
                ready = [(visitor, client, future.result()) for visitor, client, future in begun]
                logins = list(threads.map(lambda login: self.finish(*login), ready))
            members = [visitor.who(login) for (visitor, _, _), login in zip(ready, logins, strict=True)]
        finally:
            for visitor, _, _ in begun:
                visitor.http.close()
        self._check_crowd(contract_run, people, members)

    def _check_crowd(
        self, contract_run: ContractRun, people: dict[str, str], members: list[dict[str, Any] | None]
    ) -> None:
        """Compare each member with what the same person gets alone. `people` maps persons to client types."""
        logged_in = {person: who for person, who in zip(people, members, strict=True) if who is not None}
        assert len(logged_in) == CROWD, f"{CROWD - len(logged_in)} of {CROWD} people were not logged in"
        assert len({who["uid"] for who in logged_in.values()}) == CROWD, "two people of the crowd are one member"
        named = {person: who for person, who in logged_in.items() if not who["nickname"].startswith("m_")}
        assert len({who["nickname"] == person for person, who in named.items()}) < 2, "somebody has another's name"
        for person in list(people)[:: CROWD // 10]:
            alone = self.log_in(contract_run.shop, people[person], person)
            assert alone["uid"] == logged_in[person]["uid"], "in the crowd somebody was logged in as somebody else"

    def _injected(
        self, shop: RunningShop, client: str, old: str | dict[str, str], new: str | dict[str, str]
    ) -> str | dict[str, str]:
        """Return the prepared login `new` with the code of `old`."""
        if isinstance(old, dict) and isinstance(new, dict):
            return {**old, **{name: new[name] for name in ("ticket", "state") if name in new}}
        assert isinstance(old, str)
        assert isinstance(new, str)
        names = ("code", *self.configured(shop, client).provider.code_names)
        name = next(name for name in names if name in query_of(old))
        return new.replace(query_of(new)[name], query_of(old)[name])

    @contextmanager
    def _no_vendor_call(self, shop: RunningShop) -> Iterator[None]:
        """Fail the rule when the block calls the vendor."""
        calls = self.sandbox(shop).calls
        calls.clear()
        yield
        assert [call.operation for call in calls] == [], "the vendor was asked"


def _get_parameters(login_url: str) -> dict[str, str]:
    """Return the parameters of a login URL.

    A vendor that gives no state back, as with OpenID 2.0, gets ours in the address to which it returns. It is told
    apart from that address here.
    """
    query = query_of(login_url)
    for name, value in query.items():
        address, _, state = value.partition("?state=")
        if state and "state" not in query:
            return {**query, name: address, "state": state}
    return query
