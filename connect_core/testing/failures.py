"""The contract's rules about vendors that refuse, send wrong or unusable answers, fail or are slow."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product

from connect_core.harness import RunningShop, Visitor
from connect_core.testing.contract_rules import (
    TRAP,
    UNTRUSTED_CODES,
    ContractRules,
    ContractRun,
    not_applicable,
    not_run,
    quick,
    somebody,
)
from connect_core.testing.other_plugin import OTHER_PLUGIN
from connect_core.testing.watching import watching

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
OUTAGES = (429, 500, 502, 503)
"""HTTP statuses of a vendor that is out of order."""
NO_OUTCOMES = (
    "the sandbox has no error codes of the vendor: return them from get_outcomes, or say in no_outcomes why it has none"
)
UNSEEN_CUTS = ("code_invalid", "provider_refused")
"""Codes for a form that was cut off: nobody can see that, but the vendor refuses the shortened token."""
ERROR_CODES = ("code_invalid", "provider_denied", "provider_config", "provider_refused", "provider_bad_response")
"""What an error of the vendor can be to connect-login."""
PATIENCE = 1.0
"""Seconds within which a call that was cancelled has to end."""
LONGEST_STEP = 0.05
"""Seconds for which a provider may hold the event loop, and with it every other login."""


class Failures(ContractRules):
    """Rules about refusals, unusable answers, outages and delays."""

    @quick
    def test_untrusted_answers_end_the_login(self, contract_run: ContractRun, client: str) -> None:
        """Unsigned, wrongly signed or contradicting answers are 502, and nothing is written."""
        sandbox, profile = self.sandbox(contract_run.shop), self.operations(contract_run, client).profile
        tried = 0
        for fault in sandbox.get_untrusted() if self.untrusted is None else self.untrusted:
            on = profile if fault == "swapped_id" else self.naming(contract_run, client)
            if on:
                sandbox.faults.add(fault, on=on)
                tried += self.expect_fault(contract_run.shop, client, 502, UNTRUSTED_CODES, fault)
        if not tried:
            not_run("the sandbox names no answer that must not be trusted (get_untrusted)")

    @quick
    def test_vendor_refusals_have_our_codes(self, contract_run: ContractRun, calling_client: str) -> None:
        """The vendor's own errors, inside HTTP 200 or not, become codes of connect-login's list."""
        sandbox, token = self.sandbox(contract_run.shop), self.operations(contract_run, calling_client).token
        outcomes = sandbox.get_outcomes() if self.refusals is None else self.refusals
        if not outcomes:
            assert sandbox.no_outcomes or self.refusals is not None, NO_OUTCOMES
            not_run(sandbox.no_outcomes or "the test states that there are no refusals")
        for value, code in outcomes.items():
            sandbox.faults.add("error", value, on=token)
            has_tried = self.expect_fault(contract_run.shop, calling_client, None, [code], f"the error {value}")
            assert has_tried, f"{value}: the sandbox cannot play this error in {token}"

    @quick
    def test_an_error_names_nobody(self, contract_run: ContractRun, calling_client: str) -> None:
        """The vendor's error in place of the person ends the login; in place of the profile alone it ends none."""
        shop, operations = contract_run.shop, self.operations(contract_run, calling_client)
        sandbox, error = self.sandbox(shop), self.get_token_error(contract_run.shop)
        about_person = [operation for operation in (operations.id, operations.profile) if operation]
        if not about_person or "error" not in sandbox.own_faults or not error:
            not_applicable("no call names or describes the person, or the vendor has no errors")
        for operation in about_person:
            sandbox.faults.add("error", error, on=operation)
            if operation == operations.id:
                self.expect_fault(shop, calling_client, None, ERROR_CODES, f"the error {error} of {operation}")
                continue
            with Visitor(shop) as visitor:
                login = visitor.log_in(self.plugin, calling_client, somebody())
                who = visitor.who(login)
            self.check_sandbox(shop)
            sandbox.faults.misfired.clear()
            assert who is not None, f"the error {error} of {operation}: {self.reasons.explain(login)}"

    def get_token_error(self, shop: RunningShop) -> str:
        """Return the vendor's error for a token that is not valid; the first of its errors where it has none."""
        sandbox = self.sandbox(shop)
        outcomes = sandbox.get_outcomes() if self.refusals is None else self.refusals
        refusals: Mapping[str, str] = getattr(sandbox, "refusals", {})
        return refusals.get("invalid_token", next(iter(outcomes), ""))

    def test_unusable_answers_end_the_login(self, contract_run: ContractRun, calling_client: str) -> None:
        """Pages, garbage, floods, compressed bodies, redirects and broken connections are 502; the next login works."""
        shop, operations = contract_run.shop, self.operations(contract_run, calling_client)
        sandbox, trap = self.sandbox(shop), f"{shop.sandbox_url}/{self.plugin}/_sandbox/trap"
        for operation, (kind, value) in product(operations.proving, UNUSABLE):
            is_unseen = kind == "truncate" and operation in operations.forms
            status, codes = (None, (*UNTRUSTED_CODES, *UNSEEN_CUTS)) if is_unseen else (502, UNTRUSTED_CODES)
            sandbox.faults.add(kind, value or (trap if kind == "redirect" else ""), on=operation)
            self.expect_fault(shop, calling_client, status, codes, f"{operation} {kind} {value[:20]}")
            assert not sandbox.called(TRAP), f"{operation}: the plugin followed a redirect of the vendor's API"
        self.log_in(shop, calling_client)

    def test_outages_are_told_as_such(self, contract_run: ContractRun, calling_client: str) -> None:
        """429 and 5xx are `provider_refused`, and nothing is asked twice."""
        operations = self.operations(contract_run, calling_client)
        for status in OUTAGES:
            self.sandbox(contract_run.shop).calls.clear()
            self.sandbox(contract_run.shop).faults.add("status", status, on=operations.token)
            self.expect_fault(contract_run.shop, calling_client, 502, ["provider_refused"], str(status))
            called = self.sandbox(contract_run.shop).called(operations.token)
            assert called == 1, f"after HTTP {status} the code was sent {called} times"

    def test_login_stands_without_a_profile(self, contract_run: ContractRun, calling_client: str) -> None:
        """Whatever the vendor answers to the call for the profile, the login continues with the ids alone.

        Only what is forged, or names another person, ends it: see the rules about those. At a vendor that signs, a
        whole JSON object without a signature, or with half of one, may count as forged.
        """
        shop = contract_run.shop
        profile = self.operations(contract_run, calling_client).profile or not_applicable(NO_PROFILE)
        sandbox, trap = self.sandbox(shop), f"{shop.sandbox_url}/{self.plugin}/_sandbox/trap"
        for kind, value in (*UNUSABLE, *(("status", str(status)) for status in (401, 403, *OUTAGES))):
            sandbox.faults.add(kind, value or (trap if kind == "redirect" else ""), on=profile)
            with Visitor(shop) as visitor:
                login = visitor.log_in(self.plugin, calling_client, somebody())
                who = visitor.who(login)
            self.check_sandbox(shop)
            assert not sandbox.called(TRAP), "the plugin followed a redirect of the vendor's API"
            if sandbox.faults.misfired:
                sandbox.faults.misfired.clear()
            elif who is None:
                is_unsigned = (value == "{}" or kind == "truncate") and login.json().get("code") == "provider_unsigned"
                reason = self.reasons.explain(login)
                assert is_unsigned, f"{kind} {value[:20]} as the profile ended the login: {reason}"
            else:
                nickname = str(who["nickname"])
                assert nickname.startswith("m_"), "the member has a name although the vendor told none"

    def test_slow_vendor_is_a_time_out_and_holds_nobody(self, contract_run: ContractRun, calling_client: str) -> None:
        """An answer that is late, or comes byte by byte, is 504 at the deadline; others log in meanwhile."""
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
            assert answer.status_code == 200, self.reasons.explain(answer)
            for login in waiting:
                self.expect(login.result(), 504, ["provider_timeout"])

    def test_a_cancelled_call_ends(self, contract_run: ContractRun, calling_client: str) -> None:
        """When a login's time is up, the provider's call ends, instead of going on and keeping the visitor."""
        shop, token = contract_run.shop, self.operations(contract_run, calling_client).token
        with (
            watching(self.configured(shop, calling_client).provider) as watch,
            Visitor(shop) as visitor,
            ThreadPoolExecutor(1) as threads,
        ):
            prepared = self.prepare(visitor, calling_client, somebody())
            self.sandbox(shop).faults.add("delay", 4 * PATIENCE, on=token)
            login = threads.submit(self.finish, visitor, calling_client, prepared)
            while self.sandbox(shop).faults.unused and not login.done():
                time.sleep(0.005)
            watch.cancel()
            ends = time.monotonic() + PATIENCE
            while watch.running and time.monotonic() < ends:
                time.sleep(0.005)
            has_ended = not watch.running
            assert login.result().status_code >= 400, "a call that was cancelled logged somebody in"
        assert has_ended, f"login_callback went on for {PATIENCE:g} s after it was cancelled"

    @quick
    def test_the_event_loop_is_never_held(self, contract_run: ContractRun, client: str) -> None:
        """No step of the provider takes 0.05 s in which nobody else is served."""
        shop = contract_run.shop
        provider, longest = self.configured(shop, client).provider, []
        for _ in range(3):  # the shortest counts: the machine may have been busy in the others
            with watching(provider) as watch:
                self.log_in(shop, client)
            longest.append(max(watch.steps, default=0))
        assert min(longest) < LONGEST_STEP, f"the provider held the event loop for {min(longest):.2f} s"
