"""Rules of what a vendor may do to a login: refuse, lie, break off, take its time, send nonsense."""

import json
import time
import unicodedata
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import pytest

from connect_core.harness import Stage, Visitor
from connect_core.providers.provider import Entrance
from connect_core.testing.neighbour import NEIGHBOUR
from connect_core.testing.stand import UNBELIEVED, Scene, Stand, somebody

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


class Failures(Stand):
    """Refusals, nonsense, outages and delays."""

    def naming(self, scene: Scene, client: str) -> str:
        """The call whose answer names the person."""
        if self.offer(scene.stage, client).entrance is Entrance.CREDENTIAL:
            return CREDENTIAL
        made = self.operations(scene, client)
        return made.id or made.token

    def test_untrusted_answers_end_the_login(self, scene: Scene, client: str) -> None:
        """Unsigned, wrongly signed or contradicting answers are 502, and nothing is written."""
        profile = self.operations(scene, client).profile
        for fault in self.sandbox(scene.stage).get_untrusted() if self.untrusted is None else self.untrusted:
            on = profile if fault == "swapped_id" else self.naming(scene, client)
            if on:
                self.sandbox(scene.stage).faults.add(fault, on=on)
                self.expect_fault(scene.stage, client, 502, UNBELIEVED, fault)

    def test_vendor_refusals_have_our_codes(self, scene: Scene, calling: str) -> None:
        """The vendor's own errors, inside HTTP 200 or not, become the closed list's."""
        outcomes = self.sandbox(scene.stage).get_outcomes() if self.refusals is None else self.refusals
        for value, code in outcomes.items():
            self.sandbox(scene.stage).faults.add("error", value, on=self.operations(scene, calling).token)
            self.expect_fault(scene.stage, calling, None, [code], value)

    def test_unusable_answers_end_the_login(self, scene: Scene, calling: str) -> None:
        """Pages, garbage, floods, compressed bodies, redirects and broken connections are 502; the next login works."""
        made = self.operations(scene, calling)
        for operation in filter(None, (made.token, made.id)):
            for kind, value in UNUSABLE:
                self.sandbox(scene.stage).faults.add(kind, value, on=operation)
                self.expect_fault(scene.stage, calling, 502, UNBELIEVED, f"{operation} {kind} {value[:20]}")
        assert self.log_in(scene.stage, calling)

    def test_outages_are_told_as_such(self, scene: Scene, calling: str) -> None:
        """429 and 5xx are `provider_refused`, and nothing is asked twice."""
        made = self.operations(scene, calling)
        for status in OUTAGES:
            self.sandbox(scene.stage).calls.clear()
            self.sandbox(scene.stage).faults.add("status", status, on=made.token)
            self.expect_fault(scene.stage, calling, 502, ["provider_refused"], str(status))
            assert self.sandbox(scene.stage).called(made.token) == 1

    def test_what_is_no_id_logs_nobody_in(self, scene: Scene, client: str) -> None:
        """Booleans, fractions, lists, blanks and 300 characters in an id's place never reach the tables."""
        person = somebody()
        ids = self.ids_of(scene.stage, self.log_in(scene.stage, client, person))
        for new in NO_IDS:
            assert not self._stored_besides(scene, client, person, ids, new), f"{new[:20]} was stored"

    def test_ids_are_stored_to_the_letter(self, scene: Scene, client: str) -> None:
        """Numbers that no float holds, and control characters, are stored exactly or refused."""
        for odd in ("1{:019}", '"a\\u0000b{}"', '"a\\r\\nb{}"'):
            person = somebody()
            ids = self.ids_of(scene.stage, self.log_in(scene.stage, client, person))
            new = odd.format(int(person.removeprefix("person")))
            exact = json.loads(new) if new.startswith('"') else new
            assert self._stored_besides(scene, client, person, ids, new) <= {exact}

    def _stored_besides(self, scene: Scene, client: str, person: str, ids: Collection[str], new: str) -> set[str]:
        """Log in with the JSON `new` in the place of each id; return what came to be stored besides `ids`."""
        stage, stored, has_fired = scene.stage, set[str](), False
        for _ in self.spoil_id(stage, ids, new, self.naming(scene, client)):
            with Visitor(stage) as visitor:
                login = visitor.log_in(self.plugin, client, person)
                who = visitor.who(login)
            if self._misfired(stage):
                continue
            has_fired = True
            if who is None:
                self.expect(login, 502, UNBELIEVED, new[:20])
            else:
                stored |= self.ids_of(stage, who)
        assert has_fired, "no id stands in the answer as text: the sandbox needs a fault `id` of its own"
        return stored - set(ids)

    def _misfired(self, stage: Stage) -> bool:
        """Tell whether the last fault found nothing to spoil, and forget it."""
        misfired = self.sandbox(stage).faults.misfired
        found = bool(misfired)
        misfired.clear()
        return found

    def test_names_are_cleaned(self, scene: Scene, calling: str) -> None:
        """Control characters, lone surrogates and megabytes of name are cleaned away or refused."""
        stage, made = scene.stage, self.operations(scene, calling)
        for operation in filter(None, (made.token, made.id, made.profile)):
            for odd in ODD_NAMES:
                person = somebody()
                name = self.sandbox(stage).find_person(person).nickname
                self.sandbox(stage).faults.add("replace", json.dumps([name, odd]), on=operation)
                with Visitor(stage) as visitor:
                    login = visitor.log_in(self.plugin, calling, person)
                    who = visitor.who(login)
                if self._misfired(stage):
                    break
                if who is None:
                    self.expect(login, 502, UNBELIEVED, odd[:20])
                    continue
                assert len(who["nickname"]) <= 64
                assert not [sign for sign in who["nickname"] if unicodedata.category(sign) in ("Cc", "Cs", "Cf")]

    def test_profile_of_somebody_else_ends_the_login(self, scene: Scene, calling: str) -> None:
        """An id that differs between the two calls is 502, and changes nothing."""
        profile = self.operations(scene, calling).profile or pytest.skip(NO_PROFILE)
        stage, person = scene.stage, somebody()
        ids = self.ids_of(stage, self.log_in(stage, calling, person))
        for known in ids:
            scene.clock.ahead += AGE
            self.sandbox(stage).faults.add("replace", json.dumps([known, '"somebody-else"']), on=profile)
            before = self.rows(stage)
            with Visitor(stage) as visitor:
                login = visitor.log_in(self.plugin, calling, person)
            if not self._misfired(stage):
                self.expect(login, 502, UNBELIEVED, "another id in the profile")
                assert all(row in before for row in self.rows(stage))

    def test_login_stands_without_a_profile(self, scene: Scene, calling: str) -> None:
        """When the vendor is out of order at the second call, the login stands on the ids alone."""
        profile = self.operations(scene, calling).profile or pytest.skip(NO_PROFILE)
        self.sandbox(scene.stage).faults.add("status", 503, on=profile)
        assert str(self.log_in(scene.stage, calling)["nickname"]).startswith("m_")

    def test_slow_vendor_is_a_time_out_and_holds_nobody(self, scene: Scene, calling: str) -> None:
        """An answer that is late, or comes byte by byte, is 504 within the deadline; others log in meanwhile."""
        stage, sandbox, token = scene.stage, self.sandbox(scene.stage), self.operations(scene, calling).token
        with ThreadPoolExecutor(2) as hands, Visitor(stage) as late, Visitor(stage) as slow, Visitor(stage) as other:
            prepared = [(visitor, calling, self.prepare(visitor, calling, somebody())) for visitor in (late, slow)]
            stage.manager.pool.deadline = DEADLINE
            sandbox.faults.add("delay", DEADLINE + 0.4, on=token)
            sandbox.faults.add("drip", DEADLINE / 8, on=token)
            waiting = [hands.submit(self.finish, *one) for one in prepared]
            while sandbox.faults.unused and not any(one.done() for one in waiting):
                time.sleep(0.005)
            login = other.http.post(f"/connect/{NEIGHBOUR}/mini/token", json={"code": somebody()})
            assert not all(one.done() for one in waiting), "another provider's login waited for this one's vendor"
            assert login.status_code == 200
            for one in waiting:
                self.expect(one.result(), 504, ["provider_timeout"])
