"""Rules of logins that go well, or that a person or a thief makes go otherwise."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from connect_core.harness import RunningShop, Visitor, query_of
from connect_core.providers.provider import Entrance
from connect_core.testing.running_shop import ContractRules, ContractRun, somebody

CROWD = 200
HANDS = 32
"""Threads of the crowd."""


class Logins(ContractRules):
    """Members, states, codes, and many at once."""

    def test_a_person_is_one_member(self, shop: RunningShop, client: str) -> None:
        """A first login registers, a second finds; the row holds the exact id."""
        person = somebody()
        first, second = self.log_in(shop, client, person), self.log_in(shop, client, person)
        assert first["uid"] == second["uid"]
        assert first["connections"] == [self.configured(shop, client).provider.union_type]
        [row] = [row for row in shop.rows("es_connect") if str(row["member_id"]) == str(first["uid"])]
        ids = self.ids_of(shop, first)
        assert row["union_id"] in ids
        assert all(ids)

    def test_persons_are_kept_apart(self, shop: RunningShop, client: str) -> None:
        """Two people are two members, and share no id."""
        one, other = self.log_in(shop, client), self.log_in(shop, client)
        assert one["uid"] != other["uid"]
        assert not self.ids_of(shop, one) & self.ids_of(shop, other)

    def test_calls_go_through_the_core_and_are_few(self, contract_run: ContractRun, client: str) -> None:
        """Every call takes the core's time limits along; a known person costs no call for the profile."""
        made = self.operations(contract_run, client)
        stated = (self.token_operation, self.id_operation, self.profile_operation)
        if self.configured(contract_run.shop, client).entrance is not Entrance.CREDENTIAL:
            for said, seen in zip(stated, (made.token, made.id, made.profile), strict=True):
                assert said in (None, seen)
        before = contract_run.recorder.calls
        with Visitor(contract_run.shop) as visitor:
            prepared = self.prepare(visitor, client, somebody())
            self.sandbox(contract_run.shop).calls.clear()
            before = contract_run.recorder.calls
            assert self.finish(visitor, client, prepared).status_code < 400
        seen_by_vendor = len(self.sandbox(contract_run.shop).calls)
        assert seen_by_vendor == contract_run.recorder.calls - before, "the plugin has an HTTP client of its own"

    def test_state_is_unpredictable_and_fits_every_vendor(self, shop: RunningShop, redirecting: str) -> None:
        """The login URL carries a fresh state: at least 128 bits, base62, at most 64 characters."""
        with Visitor(shop) as visitor:
            states = {query_of(visitor.begin(self.plugin, redirecting))["state"] for _ in range(3)}
        assert len(states) == 3
        assert all(22 <= len(state) <= 64 and state.isascii() and state.isalnum() for state in states)

    def test_redirect_uri_is_encoded_once(self, shop: RunningShop, redirecting: str) -> None:
        """The vendor reads our callback address exactly, and no parameter is injected through it."""
        with Visitor(shop) as visitor:
            login_url = visitor.begin(self.plugin, redirecting)
        callback = f"{shop.url}/connect/{self.plugin}/{redirecting}/callback"
        assert callback in query_of(login_url).values()
        assert callback not in login_url
        assert unquote(urlsplit(login_url).query).count(callback) == 1

    def test_no_secret_is_in_the_login_url(self, shop: RunningShop, client: str) -> None:
        """What a browser or phone is sent holds no secret of the shop's."""
        if self.configured(shop, client).entrance is Entrance.CLIENT_CODE:
            pytest.skip("this client type begins without us")
        with Visitor(shop) as visitor:
            begun = visitor.http.post(f"/connect/{self.plugin}/{client}/login-url", json={}).text
        assert not [secret for secret in self.secret_settings(shop, client) if secret in unquote(begun)]

    def test_refusal_is_told(self, shop: RunningShop, redirecting: str) -> None:
        """A person who refuses gets `provider_denied`, and the vendor is not asked."""
        with Visitor(shop) as visitor, self.nothing_written(shop), self._asked_nothing(shop):
            callback = visitor.consent(visitor.begin(self.plugin, redirecting), somebody(), decision="refuse")
            self.sandbox(shop).calls.clear()
            self.expect(visitor.http.get(callback), 400, ["provider_denied"])

    def test_state_belongs_to_one_browser_and_one_login(self, shop: RunningShop, redirecting: str) -> None:
        """Without its state, or with another one, a code is not even looked at."""
        with Visitor(shop) as visitor, Visitor(shop) as stranger, self.nothing_written(shop):
            callback = visitor.consent(visitor.begin(self.plugin, redirecting), somebody())
            state = query_of(callback)["state"]
            with self._asked_nothing(shop):
                self.expect(stranger.http.get(callback), 400, ["state_invalid"])
                self.expect(visitor.http.get(callback.replace(state, "0" * len(state))), 400, ["state_invalid"])
                self.expect(visitor.http.get(callback.replace(f"state={state}", "x=")), 400, ["state_missing"])

    def test_callback_may_be_repeated_by_its_browser_alone(self, shop: RunningShop, redirecting: str) -> None:
        """The same browser gets the first result's redirect, any other `state_invalid`; the vendor is asked once."""
        with Visitor(shop) as visitor, Visitor(shop) as stranger:
            callback = visitor.consent(visitor.begin(self.plugin, redirecting), somebody())
            first = visitor.http.get(callback)
            with self._asked_nothing(shop):
                again = visitor.http.get(callback)
                self.expect(stranger.http.get(callback), 400, ["state_invalid"])
        assert (first.status_code, again.status_code) == (303, 303)
        assert again.headers["location"] == first.headers["location"]
        assert "set-cookie" not in again.headers

    def test_code_is_redeemed_once(self, shop: RunningShop, client: str) -> None:
        """A code or ID token that was handed in before is refused as `code_seen` without asking the vendor."""
        with Visitor(shop) as visitor:
            old, new = (self.prepare(visitor, client, somebody()) for _ in range(2))
            assert self.finish(visitor, client, old).status_code < 400
            with self._asked_nothing(shop):
                self.expect(self.finish(visitor, client, self._injected(shop, client, old, new)), 400, ["code_seen"])

    def test_a_crowd_is_kept_apart(self, contract_run: ContractRun) -> None:
        """200 people at once, through every client type: each gets a member, and each member their own ids."""
        shop, clients = contract_run.shop, self.get_clients()
        people = {somebody(): client for client in islice(cycle(clients), CROWD)}
        begun = []
        try:
            with ThreadPoolExecutor(HANDS) as hands:
                for person, client in people.items():
                    visitor = Visitor(shop, timeout=60)
                    begun.append((visitor, client, hands.submit(self.prepare, visitor, client, person)))
                ready = [(visitor, client, future.result()) for visitor, client, future in begun]
                logins = list(hands.map(lambda one: self.finish(*one), ready))
            told = [visitor.who(login) for (visitor, _, _), login in zip(ready, logins, strict=True)]
        finally:
            for visitor, _, _ in begun:
                visitor.http.close()
        self._check_crowd(contract_run, people, told)

    def _check_crowd(
        self, contract_run: ContractRun, people: dict[str, str], told: list[dict[str, Any] | None]
    ) -> None:
        """A member's ids and name are what the same person gets alone."""
        found = {person: who for person, who in zip(people, told, strict=True) if who is not None}
        assert len(found) == CROWD, f"{CROWD - len(found)} of {CROWD} people were not logged in"
        assert len({who["uid"] for who in found.values()}) == CROWD
        names = {who["nickname"] == person for person, who in found.items() if not who["nickname"].startswith("m_")}
        assert len(names) < 2, "somebody has another's name"
        for person in list(people)[:: CROWD // 10]:
            assert self.log_in(contract_run.shop, people[person], person)["uid"] == found[person]["uid"]

    def _injected(
        self, shop: RunningShop, client: str, old: str | dict[str, str], new: str | dict[str, str]
    ) -> str | dict[str, str]:
        """The code of one login inside another."""
        if isinstance(old, dict) and isinstance(new, dict):
            return {**old, **{name: new[name] for name in ("ticket", "state") if name in new}}
        assert isinstance(old, str)
        assert isinstance(new, str)
        names = ("code", *self.configured(shop, client).provider.code_names)
        name = next(name for name in names if name in query_of(old))
        return new.replace(query_of(new)[name], query_of(old)[name])

    @contextmanager
    def _asked_nothing(self, shop: RunningShop) -> Iterator[None]:
        calls = self.sandbox(shop).calls
        calls.clear()
        yield
        assert [call.operation for call in calls] == [], "the vendor was asked"
