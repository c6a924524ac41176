"""The contract's rules about vendors that refuse, send wrong or unusable answers, fail or are slow."""

import json
import time
import unicodedata
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.providers.provider import Entrance
from connect_core.testing.contract_rules import UNTRUSTED_CODES, ContractRules, ContractRun, somebody
from connect_core.testing.other_plugin import OTHER_PLUGIN

CREDENTIAL = "credential"
"""The operation of the fault script for an ID token that the sandbox gives to an app."""
DEADLINE = 0.6
"""Seconds that the shop waits for a slow vendor in these rules, instead of `TOTAL_DEADLINE`."""
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
"""Transport faults, each with its value, that leave no usable answer."""
PROFILE_AGE = 31 * 24 * 3600
"""Seconds after which a stored profile is too old, whatever `profile_max_age` a provider has by default."""
OUTAGES = (429, 500, 502, 503)
"""HTTP statuses of a vendor that is out of order."""
NO_IDS = ("null", "true", "false", '""', '" "', "[]", '["1"]', "{}", "1.5", f'"{"x" * 300}"', '"\\ud800"')
"""JSON values that are no id."""
ODD_NAMES = ('"\\u0000\\ud800\\u001b[31m<b>\\u202e"', "null", "7", '["x"]', f'"{"x" * 100_000}"', '"\a\t"')
"""JSON values for a name that must not reach a page as they are."""


class Failures(ContractRules):
    """Rules about refusals, unusable answers, outages and delays."""

    def naming(self, contract_run: ContractRun, client: str) -> str:
        """Return the operation whose answer names the person."""
        if self.configured(contract_run.shop, client).entrance is Entrance.CREDENTIAL:
            return CREDENTIAL
        operations = self.operations(contract_run, client)
        return operations.id or operations.token

    def test_untrusted_answers_end_the_login(self, contract_run: ContractRun, client: str) -> None:
        """Unsigned, wrongly signed or contradicting answers are 502, and nothing is written."""
        profile = self.operations(contract_run, client).profile
        for fault in self.sandbox(contract_run.shop).get_untrusted() if self.untrusted is None else self.untrusted:
            on = profile if fault == "swapped_id" else self.naming(contract_run, client)
            if on:
                self.sandbox(contract_run.shop).faults.add(fault, on=on)
                self.expect_fault(contract_run.shop, client, 502, UNTRUSTED_CODES, fault)

    def test_vendor_refusals_have_our_codes(self, contract_run: ContractRun, calling_client: str) -> None:
        """The vendor's own errors, inside HTTP 200 or not, become codes of connect-login's list."""
        outcomes = self.sandbox(contract_run.shop).get_outcomes() if self.refusals is None else self.refusals
        for value, code in outcomes.items():
            self.sandbox(contract_run.shop).faults.add(
                "error", value, on=self.operations(contract_run, calling_client).token
            )
            self.expect_fault(contract_run.shop, calling_client, None, [code], value)

    def test_unusable_answers_end_the_login(self, contract_run: ContractRun, calling_client: str) -> None:
        """Pages, garbage, floods, compressed bodies, redirects and broken connections are 502; the next login works."""
        operations = self.operations(contract_run, calling_client)
        for operation in filter(None, (operations.token, operations.id)):
            for kind, value in UNUSABLE:
                self.sandbox(contract_run.shop).faults.add(kind, value, on=operation)
                self.expect_fault(
                    contract_run.shop, calling_client, 502, UNTRUSTED_CODES, f"{operation} {kind} {value[:20]}"
                )
        assert self.log_in(contract_run.shop, calling_client)

    def test_outages_are_told_as_such(self, contract_run: ContractRun, calling_client: str) -> None:
        """429 and 5xx are `provider_refused`, and nothing is asked twice."""
        operations = self.operations(contract_run, calling_client)
        for status in OUTAGES:
            self.sandbox(contract_run.shop).calls.clear()
            self.sandbox(contract_run.shop).faults.add("status", status, on=operations.token)
            self.expect_fault(contract_run.shop, calling_client, 502, ["provider_refused"], str(status))
            assert self.sandbox(contract_run.shop).called(operations.token) == 1

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
        """Log in with the JSON `new` in place of each of `ids`; return the ids that were stored besides them."""
        shop, stored, has_fired = contract_run.shop, set[str](), False
        for _ in self.spoil_id(shop, ids, new, self.naming(contract_run, client)):
            with Visitor(shop) as visitor:
                login = visitor.log_in(self.plugin, client, person)
                who = visitor.who(login)
            if self._misfired(shop):
                continue
            has_fired = True
            if who is None:
                self.expect(login, 502, UNTRUSTED_CODES, new[:20])
            else:
                stored |= self.ids_of(shop, who)
        assert has_fired, "no id stands in the answer as text: the sandbox needs a fault `id` of its own"
        return stored - set(ids)

    def _misfired(self, shop: RunningShop) -> bool:
        """Return True when the last fault could not change its answer, and forget it."""
        misfired = self.sandbox(shop).faults.misfired
        has_misfired = bool(misfired)
        misfired.clear()
        return has_misfired

    def test_names_are_cleaned(self, contract_run: ContractRun, calling_client: str) -> None:
        """Control characters, lone surrogates and megabytes of name are cleaned away or refused."""
        shop, operations = contract_run.shop, self.operations(contract_run, calling_client)
        for operation in filter(None, (operations.token, operations.id, operations.profile)):
            for odd in ODD_NAMES:
                person = somebody()
                name = self.sandbox(shop).find_person(person).nickname
                self.sandbox(shop).faults.add("replace", json.dumps([name, odd]), on=operation)
                with Visitor(shop) as visitor:
                    login = visitor.log_in(self.plugin, calling_client, person)
                    who = visitor.who(login)
                if self._misfired(shop):
                    break
                if who is None:
                    self.expect(login, 502, UNTRUSTED_CODES, odd[:20])
                    continue
                assert len(who["nickname"]) <= 64
                assert not [sign for sign in who["nickname"] if unicodedata.category(sign) in ("Cc", "Cs", "Cf")]

    def test_profile_of_somebody_else_ends_the_login(self, contract_run: ContractRun, calling_client: str) -> None:
        """An id that differs between the two calls is 502, and changes nothing."""
        profile = self.operations(contract_run, calling_client).profile or pytest.skip(NO_PROFILE)
        shop, person = contract_run.shop, somebody()
        ids = self.ids_of(shop, self.log_in(shop, calling_client, person))
        for known in ids:
            contract_run.clock.offset += PROFILE_AGE
            self.sandbox(shop).faults.add("replace", json.dumps([known, '"somebody-else"']), on=profile)
            rows = self.rows(shop)
            with Visitor(shop) as visitor:
                login = visitor.log_in(self.plugin, calling_client, person)
            if not self._misfired(shop):
                self.expect(login, 502, UNTRUSTED_CODES, "another id in the profile")
                assert all(row in rows for row in self.rows(shop))

    def test_login_stands_without_a_profile(self, contract_run: ContractRun, calling_client: str) -> None:
        """When the vendor fails at the call for the profile, the login continues with the ids alone."""
        profile = self.operations(contract_run, calling_client).profile or pytest.skip(NO_PROFILE)
        self.sandbox(contract_run.shop).faults.add("status", 503, on=profile)
        assert str(self.log_in(contract_run.shop, calling_client)["nickname"]).startswith("m_")

    def test_slow_vendor_is_a_time_out_and_holds_nobody(self, contract_run: ContractRun, calling_client: str) -> None:
        """An answer that is late, or comes byte by byte, is 504 within the deadline; others log in meanwhile."""
        shop, sandbox = contract_run.shop, self.sandbox(contract_run.shop)
        token = self.operations(contract_run, calling_client).token
        with (
            ThreadPoolExecutor(2) as threads,
            Visitor(shop) as late,
            Visitor(shop) as slow,
            Visitor(shop) as other,
        ):
            prepared = [
                (visitor, calling_client, self.prepare(visitor, calling_client, somebody())) for visitor in (late, slow)
            ]
            shop.manager.pool.deadline = DEADLINE
            sandbox.faults.add("delay", DEADLINE + 0.4, on=token)
            sandbox.faults.add("drip", DEADLINE / 8, on=token)
            waiting = [threads.submit(self.finish, *login) for login in prepared]
            while sandbox.faults.unused and not any(login.done() for login in waiting):
                time.sleep(0.005)
            answer = other.http.post(f"/connect/{OTHER_PLUGIN}/mini/token", json={"code": somebody()})
            assert not all(login.done() for login in waiting), "another provider's login waited for this one's vendor"
            assert answer.status_code == 200
            for login in waiting:
                self.expect(login.result(), 504, ["provider_timeout"])
