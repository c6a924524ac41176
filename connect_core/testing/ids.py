"""The contract's rules about ids: who a person is comes from the vendor, to the letter, and from nowhere else."""

import json
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product

from connect_core.harness import RunningShop, Visitor
from connect_core.sandbox import Person
from connect_core.testing.contract_rules import (
    PROFILE_AGE,
    UNTRUSTED_CODES,
    ContractRules,
    ContractRun,
    not_applicable,
    not_run,
    quick,
    somebody,
)
from connect_core.testing.watching import watching

NO_IDS = ("null", "true", "false", '""', '" "', "[]", '["1"]', "{}", "1.5", f'"{"x" * 300}"', '"\\ud800"')
"""JSON values that are no id."""
ODD_IDS = ("1{:0>19}", '"a\\u0000b{}"', '"a\\r\\nb{}"', '"{}e3"', '"00{}"')
"""JSON values, with a place for a number, that must be stored exactly or refused."""
TWINS = (
    ("9{:0>17}2", "9{:0>17}3"),
    ('"9{:0>17}2"', '"9{:0>17}3"'),
    ('"Twin{}"', '"tWIN{}"'),
    ('"twin{}"', '"twin{} "'),
    ('"twin{}"', '" twin{}"'),
    ('"1{}"', '"01{}"'),
    ('"1{}"', '"1{}.0"'),
    ('"twin\\u00e9{}"', '"twine\\u0301{}"'),
    ('"1{}"', '"\\uff11{}"'),
    ("null", '"None"'),
    ("null", '"null"'),
)
"""Pairs of JSON values that look alike, with a place for a number: ids of two people, or no ids."""
ODD_NAMES = ('"\\u0000\\ud800\\u001b[31m<b>\\u202e"', "null", "7", '["x"]', f'"{"x" * 100_000}"', '"\a\t"')
"""JSON values for a name that must not reach a page as they are."""
CLEANED_NAMES = ("\0\x1b[31m<b>\u202e", "\a\t", "x" * 1000)
"""Names that a sandbox can answer, signed where the vendor signs."""
HARMFUL_DIRECTIONS = frozenset({"LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
"""Kinds of characters that turn the direction of what follows a name (UAX #9)."""
SHOWN_NAMES = (
    "O'Neill <svg>",
    "نام\u200cها",
    "דוד\u200f",
    "Zoe\u0308",
    "👨\u200d👩\u200d👧 ❤\ufe0f",
    "\U0001f6d8\U0001fae8",
)
"""Names that are shown as they are written: joiners, direction marks, combining marks, emoji of the newest Unicode."""
GUESSED_NAMES = (
    "uid",
    "user_id",
    "userid",
    "openid",
    "open_id",
    "unionid",
    "union_id",
    "id",
    "sub",
    "mobile",
    "nickname",
)
"""Parameters in which a client might claim to be somebody, whether or not the provider reads them."""
NO_ID_FOUND = "no id stands in the answer as text: the sandbox needs a fault `id` of its own"


@dataclass
class Spoiling:
    """Ids that are replaced in answers. `has_fired` is True once an answer had one."""

    has_fired: bool = False


class Ids(ContractRules):
    """Rules about who a person is."""

    @contextmanager
    def spoiled(self, contract_run: ContractRun, client: str, ids: Collection[str], new: str) -> Iterator[Spoiling]:
        """Replace `ids` by the JSON `new` in every answer of the logins in the block.

        A sandbox with a fault `id` plays that instead, once for each call that may name the person.
        """
        sandbox, recorder, spoiling = self.sandbox(contract_run.shop), contract_run.recorder, Spoiling()
        if "id" in sandbox.own_faults:
            operations = {self.naming(contract_run, client), self.operations(contract_run, client).profile}
            for operation in filter(None, operations):
                sandbox.faults.add("id", new, on=operation)
            waiting = sandbox.faults.unused
            yield spoiling
            spoiling.has_fired = sandbox.faults.unused < waiting and not sandbox.faults.misfired
            sandbox.faults.clear()
            return
        recorder.replacements, recorder.replaced = dict.fromkeys(ids, new), 0
        try:
            yield spoiling
        finally:
            spoiling.has_fired = recorder.replaced > 0
            recorder.replacements = {}

    def ids_with(
        self, contract_run: ContractRun, client: str, person: str, ids: Collection[str], new: str
    ) -> set[str] | None:
        """Log `person` in with the JSON `new` in place of `ids`; return the ids that are stored then.

        None stands for a refusal. Fails the rule when no answer had one of `ids`.
        """
        with self.spoiled(contract_run, client, ids, new) as spoiling, Visitor(contract_run.shop) as visitor:
            login = visitor.log_in(self.plugin, client, person)
            who = visitor.who(login)
        self.check_sandbox(contract_run.shop)
        assert spoiling.has_fired, NO_ID_FOUND
        if who is None:
            self.expect(login, 502, UNTRUSTED_CODES, new[:20])
            return None
        return self.ids_of(contract_run.shop, who)

    def selections(self, contract_run: ContractRun, client: str, person: str) -> list[list[str]]:
        """Return the ids of `person`: all of them, and where there are several each alone."""
        ids = sorted(self.ids_of(contract_run.shop, self.log_in(contract_run.shop, client, person)))
        return [ids, *([value] for value in ids if len(ids) > 1)]

    @quick
    def test_what_is_no_id_logs_nobody_in(self, contract_run: ContractRun, client: str) -> None:
        """Booleans, fractions, lists, blanks and 300 characters in an id's place never reach the tables."""
        person = somebody()
        selections = self.selections(contract_run, client, person)
        for ids, new in product(selections, NO_IDS):
            stored = self.ids_with(contract_run, client, person, ids, new)
            assert stored is None or stored <= set(selections[0]), f"{new[:20]} was stored"
            assert stored is None or ids != selections[0], f"{new[:20]} logged somebody in"

    @quick
    def test_ids_are_stored_to_the_letter(self, contract_run: ContractRun, client: str) -> None:
        """Numbers that no float holds, leading zeros and control characters are stored exactly or refused."""
        person = somebody()
        selections = self.selections(contract_run, client, person)
        has_stored = False
        for ids, odd in product(selections, ODD_IDS):
            new = odd.format(somebody().removeprefix("person"))
            stored = self.ids_with(contract_run, client, person, ids, new)
            exact = json.loads(new) if new.startswith('"') else new
            assert (stored or set()) <= {exact, *selections[0]}, f"{new} was stored as something else"
            has_stored = has_stored or stored is not None
        if not has_stored:
            not_run("every other id was refused; if the answers are signed, the sandbox needs a fault `id`")

    @quick
    def test_ids_that_look_alike_are_two_people(self, contract_run: ContractRun, client: str) -> None:
        """2^53 and 2^53+1, capitals, blanks, leading zeros, accents: two members, or refused."""
        person = somebody()
        ids = self.selections(contract_run, client, person)[0]
        for pair in TWINS:
            number = somebody().removeprefix("person")
            news = [text.format(number) for text in pair]
            first, second = (self.ids_with(contract_run, client, person, ids, new) for new in news)
            assert not (first and second and first & second), f"{news[0]} and {news[1]} are one person"

    @quick
    def test_a_name_is_no_id(self, shop: RunningShop, client: str) -> None:
        """Two people with the same name and picture are two members; who changes both stays the same member."""
        people, first_key, second_key = self.sandbox(shop).people, somebody(), somebody()
        same = Person(first_key, "Same Name", 1, "浙江省", "杭州市", "https://img.example/same.png", "13900000001")
        try:
            people |= {first_key: same, second_key: replace(same, key=second_key)}
            first, second = (self.log_in(shop, client, key)["uid"] for key in (first_key, second_key))
            assert first != second, "two people with the same profile are one member"
            people[first_key] = Person(
                first_key, "New Name", 0, "广东省", "深圳市", "https://img.example/new.png", "13900000002"
            )
            assert self.log_in(shop, client, first_key)["uid"] == first, "a person with a new profile is another member"
        finally:
            people.pop(first_key)
            people.pop(second_key)

    @quick
    def test_nobody_is_who_a_client_says(self, contract_run: ContractRun, client: str) -> None:
        """Ids and names in the client's own parameters never decide who is logged in, nor how the person is called."""
        shop, victim, person = contract_run.shop, somebody(), somebody()
        claims = [*self.ids_of(shop, self.log_in(shop, client, victim)), "contract-claim"]
        member = self.log_in(shop, client, person)
        ids = self.ids_of(shop, member)
        with watching(self.configured(shop, client).provider) as watch:
            self.log_in(shop, client)
        stated = self.profile_parameters
        unproved = self.sandbox(shop).profile_parameters if stated is None else stated
        read = watch.read - {"code", "state", *self.configured(shop, client).provider.code_names}
        for claim in claims:
            added = dict.fromkeys(GUESSED_NAMES, claim)
            who = self._claim(shop, client, person, {name: added[name] for name in added if name not in read})
            assert who, "a parameter that the provider does not read ends the login"
            self._check_claim(shop, who, member, ids)
            for name in read:
                if who := self._claim(shop, client, person, {name: claim}):
                    self._check_claim(shop, who, member, ids)
                newcomer = self._claim(shop, client, somebody(), {name: claim})
                if newcomer and name not in unproved:
                    assert claim not in newcomer.values(), f"{name} of the client became a part of the profile"

    def _claim(self, shop: RunningShop, client: str, person: str, added: Mapping[str, str]) -> dict[str, object] | None:
        """Log in with parameters `added` to those of the vendor; return the body of `/connect/me` or None."""
        with Visitor(shop) as visitor:
            prepared = self.prepare(visitor, client, person)
            login = self.finish(visitor, client, self.with_parameters(prepared, added))
            return visitor.who(login)

    def _check_claim(
        self, shop: RunningShop, who: Mapping[str, object], member: Mapping[str, object], ids: set[str]
    ) -> None:
        assert who["uid"] == member["uid"], "a parameter of the client chose the member"
        assert self.ids_of(shop, who) == ids, "a parameter of the client became an id"

    def test_names_are_cleaned(self, contract_run: ContractRun, calling_client: str) -> None:
        """Control characters, lone surrogates and megabytes of name are cleaned away or refused."""
        recorder, people = contract_run.recorder, self.sandbox(contract_run.shop).people
        tried = 0
        for odd in ODD_NAMES:
            person = somebody()
            name = self.sandbox(contract_run.shop).find_person(person).nickname
            recorder.replacements, recorder.replaced = {name: odd}, 0
            self._check_name(contract_run.shop, calling_client, person)
            tried += recorder.replaced
        recorder.replacements = {}
        for name in CLEANED_NAMES:
            person = somebody()
            people[person] = Person(person, name)
            self._check_name(contract_run.shop, calling_client, person)
            people.pop(person)
        if not tried:
            not_run("no answer has the person's name as text")

    def _check_name(self, shop: RunningShop, client: str, person: str) -> None:
        with Visitor(shop) as visitor:
            login = visitor.log_in(self.plugin, client, person)
            who = visitor.who(login)
        self.check_sandbox(shop)
        if who is None:
            self.expect(login, None, [*UNTRUSTED_CODES, "bad_request"], "an odd name")
            return
        assert len(who["nickname"]) <= 64, "a name has more than 64 characters"
        signs = [
            sign
            for sign in who["nickname"]
            if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")
            or unicodedata.bidirectional(sign) in HARMFUL_DIRECTIONS
        ]
        assert not signs, f"a name has the character {signs[0]!a}"

    def test_names_are_shown_as_written(self, contract_run: ContractRun, calling_client: str) -> None:
        """A name in any script and of any year is shown as its owner writes it, if the vendor tells it at all."""
        shop, people = contract_run.shop, self.sandbox(contract_run.shop).people
        for name in SHOWN_NAMES:
            person = somebody()
            people[person] = Person(person, name)
            shown = str(self.log_in(shop, calling_client, person)["nickname"])
            people.pop(person)
            assert shown == name or shown.startswith("m_"), f"{name!a} became {shown!a}"

    def test_profile_of_somebody_else_ends_the_login(self, contract_run: ContractRun, calling_client: str) -> None:
        """An id that differs between the two calls is 502, and changes nothing."""
        shop, person, sandbox = contract_run.shop, somebody(), self.sandbox(contract_run.shop)
        profile = self.operations(contract_run, calling_client).profile or not_applicable(
            "no call is for the profile alone"
        )
        ids, tried = self.ids_of(shop, self.log_in(shop, calling_client, person)), 0
        for known in ids:
            contract_run.clock.offset += PROFILE_AGE
            sandbox.faults.add("replace", json.dumps([known, '"somebody-else"']), on=profile)
            rows = self.rows(shop)
            self.reasons.clear()
            with Visitor(shop) as visitor:
                login = visitor.log_in(self.plugin, calling_client, person)
            self.check_sandbox(shop)
            if sandbox.faults.misfired:
                sandbox.faults.misfired.clear()
                continue
            tried += 1
            self.expect(login, 502, UNTRUSTED_CODES, "another id in the profile")
            assert all(row in rows for row in self.rows(shop)), "something was written"
        if not tried:
            not_run("the answer with the profile has no id of the person as text")
