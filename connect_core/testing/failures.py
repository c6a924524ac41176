"""Rules of what a vendor may do to a login: refuse, lie, break off, take its time, send nonsense."""

import json
import time
import unicodedata
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.providers.provider import Entrance
from connect_core.testing.other_plugin import OTHER_PLUGIN
from connect_core.testing.running_shop import UNBELIEVED, ContractRules, ContractRun, somebody

CREDENTIAL = "credential"
"""What a sandbox calls, in its fault script, the ID token that it hands to an app."""
DEADLINE = 0.6
"""Seconds that the shop waits for a slow vendor here."""
NO_PROFILE = "no call is for the profile alone"
UNUSABLE = (
    ("html", ""),
    ("empty", ""),
    ("truncate", ""),
    ("drop", ""),
    ("repeat", ""),
    ("charset", "utf-16"),
    ("garbage", "null"),
    ("garbage", "{}"),
    ("garbage", "\0"),
    ("garbage", "[" * 100_000),
    ("garbage", '{"a":' * 20_000),
    ("garbage", '{"a":1,"a":2}'),
    ("garbage", '{"a":NaN}'),
    ("garbage", '{"id":' + "9" * 5000 + "}"),
    ("garbage", "\ufeff[]"),
    ("garbage", '"\ud800"'),
    ("huge", ""),
    ("gzip", ""),
    ("bomb", ""),
    ("redirect", ""),
)
"""Transport faults of the sandbox kit after which there is no answer to believe."""
AGE = 31 * 24 * 3600
"""Seconds after which a stored profile is too old."""
OUTAGES = (429, 500, 502, 503)
NO_IDS = ("null", "true", "false", '""', '" "', "[]", '["1"]', "{}", "1.5", f'"{"x" * 300}"', '"\\ud800"')
"""What stands for an id and is none, as JSON."""
ODD_NAMES = ('"\\u0000\\ud800\\u001b[31m<b>\\u202e"', "null", "7", '["x"]', f'"{"x" * 100_000}"', '"\a\t"')


class Failures(ContractRules):
    """Refusals, nonsense, outages and delays."""

    def naming(self, contract_run: ContractRun, client: str) -> str:
        """The call whose answer names the person."""
        if self.configured(contract_run.shop, client).entrance is Entrance.CREDENTIAL:
            return CREDENTIAL
        made = self.operations(contract_run, client)
        return made.id or made.token

    def test_untrusted_answers_end_the_login(self, contract_run: ContractRun, client: str) -> None:
        """Unsigned, wrongly signed or contradicting answers are 502, and nothing is written."""
        profile = self.operations(contract_run, client).profile
        for fault in self.sandbox(contract_run.shop).get_untrusted() if self.untrusted is None else self.untrusted:
            on = profile if fault == "swapped_id" else self.naming(contract_run, client)
            if on:
                self.sandbox(contract_run.shop).faults.add(fault, on=on)
                self.expect_fault(contract_run.shop, client, 502, UNBELIEVED, fault)

    def test_vendor_refusals_have_our_codes(self, contract_run: ContractRun, calling: str) -> None:
        """The vendor's own errors, inside HTTP 200 or not, become the closed list's."""
        outcomes = self.sandbox(contract_run.shop).get_outcomes() if self.refusals is None else self.refusals
        for value, code in outcomes.items():
            self.sandbox(contract_run.shop).faults.add("error", value, on=self.operations(contract_run, calling).token)
            self.expect_fault(contract_run.shop, calling, None, [code], value)

    def test_unusable_answers_end_the_login(self, contract_run: ContractRun, calling: str) -> None:
        """Pages, garbage, floods, compressed bodies, redirects and broken connections are 502; the next login works."""
        made = self.operations(contract_run, calling)
        for operation in filter(None, (made.token, made.id)):
            for kind, value in UNUSABLE:
                self.sandbox(contract_run.shop).faults.add(kind, value, on=operation)
                self.expect_fault(contract_run.shop, calling, 502, UNBELIEVED, f"{operation} {kind} {value[:20]}")
        assert self.log_in(contract_run.shop, calling)

    def test_outages_are_told_as_such(self, contract_run: ContractRun, calling: str) -> None:
        """429 and 5xx are `provider_refused`, and nothing is asked twice."""
        made = self.operations(contract_run, calling)
        for status in OUTAGES:
            self.sandbox(contract_run.shop).calls.clear()
            self.sandbox(contract_run.shop).faults.add("status", status, on=made.token)
            self.expect_fault(contract_run.shop, calling, 502, ["provider_refused"], str(status))
            assert self.sandbox(contract_run.shop).called(made.token) == 1

    def test_what_is_no_id_logs_nobody_in(self, contract_run: ContractRun, client: str) -> None:
        """Booleans, fractions, lists, blanks and 300 characters in an id's place never reach the tables."""
        person = somebody()
        ids = self.ids_of(contract_run.shop, self.log_in(contract_run.shop, client, person))
        for new in NO_IDS:
            assert not self._stored_besides(contract_run, client, person, ids, new), f"{new[:20]} was stored"

    def test_ids_are_stored_to_the_letter(self, contract_run: ContractRun, client: str) -> None:
        """Numbers that no float holds, and control characters, are stored exactly or refused."""
        for odd in ("1{:019}", '"a\\u0000b{}"', '"a\\r\\nb{}"'):
            person = somebody()
            ids = self.ids_of(contract_run.shop, self.log_in(contract_run.shop, client, person))
            new = odd.format(int(person.removeprefix("person")))
            exact = json.loads(new) if new.startswith('"') else new
            assert self._stored_besides(contract_run, client, person, ids, new) <= {exact}

    def _stored_besides(
        self, contract_run: ContractRun, client: str, person: str, ids: Collection[str], new: str
    ) -> set[str]:
        """Log in with the JSON `new` in the place of each id; return what came to be stored besides `ids`."""
        shop, stored, has_fired = contract_run.shop, set[str](), False
        for _ in self.spoil_id(shop, ids, new, self.naming(contract_run, client)):
            with Visitor(shop) as visitor:
                login = visitor.log_in(self.plugin, client, person)
                who = visitor.who(login)
            if self._misfired(shop):
                continue
            has_fired = True
            if who is None:
                self.expect(login, 502, UNBELIEVED, new[:20])
            else:
                stored |= self.ids_of(shop, who)
        assert has_fired, "no id stands in the answer as text: the sandbox needs a fault `id` of its own"
        return stored - set(ids)

    def _misfired(self, shop: RunningShop) -> bool:
        """Tell whether the last fault found nothing to spoil, and forget it."""
        misfired = self.sandbox(shop).faults.misfired
        found = bool(misfired)
        misfired.clear()
        return found

    def test_names_are_cleaned(self, contract_run: ContractRun, calling: str) -> None:
        """Control characters, lone surrogates and megabytes of name are cleaned away or refused."""
        shop, made = contract_run.shop, self.operations(contract_run, calling)
        for operation in filter(None, (made.token, made.id, made.profile)):
            for odd in ODD_NAMES:
                person = somebody()
                name = self.sandbox(shop).find_person(person).nickname
                self.sandbox(shop).faults.add("replace", json.dumps([name, odd]), on=operation)
                with Visitor(shop) as visitor:
                    login = visitor.log_in(self.plugin, calling, person)
                    who = visitor.who(login)
                if self._misfired(shop):
                    break
                if who is None:
                    self.expect(login, 502, UNBELIEVED, odd[:20])
                    continue
                assert len(who["nickname"]) <= 64
                assert not [sign for sign in who["nickname"] if unicodedata.category(sign) in ("Cc", "Cs", "Cf")]

    def test_profile_of_somebody_else_ends_the_login(self, contract_run: ContractRun, calling: str) -> None:
        """An id that differs between the two calls is 502, and changes nothing."""
        profile = self.operations(contract_run, calling).profile or pytest.skip(NO_PROFILE)
        shop, person = contract_run.shop, somebody()
        ids = self.ids_of(shop, self.log_in(shop, calling, person))
        for known in ids:
            contract_run.clock.ahead += AGE
            self.sandbox(shop).faults.add("replace", json.dumps([known, '"somebody-else"']), on=profile)
            before = self.rows(shop)
            with Visitor(shop) as visitor:
                login = visitor.log_in(self.plugin, calling, person)
            if not self._misfired(shop):
                self.expect(login, 502, UNBELIEVED, "another id in the profile")
                assert all(row in before for row in self.rows(shop))

    def test_login_stands_without_a_profile(self, contract_run: ContractRun, calling: str) -> None:
        """When the vendor is out of order at the second call, the login stands on the ids alone."""
        profile = self.operations(contract_run, calling).profile or pytest.skip(NO_PROFILE)
        self.sandbox(contract_run.shop).faults.add("status", 503, on=profile)
        assert str(self.log_in(contract_run.shop, calling)["nickname"]).startswith("m_")

    def test_slow_vendor_is_a_time_out_and_holds_nobody(self, contract_run: ContractRun, calling: str) -> None:
        """An answer that is late, or comes byte by byte, is 504 within the deadline; others log in meanwhile."""
        shop, sandbox, token = (
            contract_run.shop,
            self.sandbox(contract_run.shop),
            self.operations(contract_run, calling).token,
        )
        with (
            ThreadPoolExecutor(2) as hands,
            Visitor(shop) as late,
            Visitor(shop) as slow,
            Visitor(shop) as other,
        ):
            prepared = [(visitor, calling, self.prepare(visitor, calling, somebody())) for visitor in (late, slow)]
            shop.manager.pool.deadline = DEADLINE
            sandbox.faults.add("delay", DEADLINE + 0.4, on=token)
            sandbox.faults.add("drip", DEADLINE / 8, on=token)
            waiting = [hands.submit(self.finish, *one) for one in prepared]
            while sandbox.faults.unused and not any(one.done() for one in waiting):
                time.sleep(0.005)
            login = other.http.post(f"/connect/{OTHER_PLUGIN}/mini/token", json={"code": somebody()})
            assert not all(one.done() for one in waiting), "another provider's login waited for this one's vendor"
            assert login.status_code == 200
            for one in waiting:
                self.expect(one.result(), 504, ["provider_timeout"])
