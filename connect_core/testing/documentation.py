"""The contract's rules about the vendor's documentation: what is sent, and what is understood, is what it says.

The provider runs with the vendor's own addresses here, and the recorder leads every request to the sandbox.
"""

import base64
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any
from urllib.parse import quote_plus

import pytest
from pydantic import SecretStr

from connect_core.errors import SettingsError
from connect_core.harness import RunningShop, Visitor, run_shop
from connect_core.http import Answer, HttpPool, Request
from connect_core.identity import ClientType, Identity, PersonId, Profile
from connect_core.providers.provider import Entrance
from connect_core.sandbox import DocumentedRequest, OidcSandbox, Sandbox
from connect_core.testing.contract_rules import PROFILE_AGE, Clock, ContractRules, installed, not_run, quick, somebody
from connect_core.testing.examples import find_contradiction, find_hint
from connect_core.testing.reasons import PROFILE_REFUSED, Reasons
from connect_core.testing.recorder import VendorRecorder
from connect_core.testing.watching import Watch, watching
from connect_core.testing.wire import (
    WireRequest,
    fill,
    find_documented,
    find_surplus,
    has_signed_token,
    is_discovery,
    is_key_set,
    list_members,
    make_answer,
    read_body,
)

NOT_STATED = "neither the test nor the sandbox states the vendor's documented requests (documented)"
NO_ADDRESSES = "the plugin has no addresses of its own: each shop sets them"
NO_ANSWERS = "the vendor's example of an answer is missing for {requests}: state it as `answer` in documented"
NO_CALLS = "no call of this client type names or describes a person"
SIGNED_EXAMPLE = (
    "the example of the answer to {request} has an ID token that the vendor signed: write its claims as an object, "
    'answer={{"id_token": {{"sub": ...}}}}'
)
_NOWHERE = "http://sandbox.invalid"


@dataclass(frozen=True, slots=True)
class VendorShop:
    """A shop whose provider has the vendor's own addresses, and the recorder that leads them to the sandbox."""

    shop: RunningShop
    recorder: VendorRecorder
    clock: Clock
    logins: dict[str, "VendorLogin"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VendorLogin:
    """A login of one client type: its requests, each with the answer, what was seen of the provider, and the result.

    The page on which a person agrees has no answer. `failure` is the text of the error that ended the login, if any.
    """

    requests: Sequence[tuple[WireRequest, Answer | None]]
    watch: Watch
    known: Mapping[str, Collection[str]]
    failure: str
    sandbox: Sandbox


class Documentation(ContractRules):
    """Rules about the vendor's documentation, which a test or the sandbox states as `documented`."""

    @classmethod
    def get_documented(cls) -> Sequence[DocumentedRequest]:
        """Return the documented requests of the test or, where it states none, of the sandbox."""
        return cls.make_sandbox().documented if cls.documented is None else cls.documented

    @pytest.fixture(scope="class")
    @classmethod
    def optional_vendor_shop(cls, recorded_reasons: Reasons) -> Iterator[VendorShop | None]:
        """Run a shop with the provider at the vendor's own addresses; None for a plugin that has none."""
        if not cls.get_documented():
            yield None
            return
        sandbox = cls.make_sandbox()
        recorder = VendorRecorder(sandbox.locate)

        def change(raw: dict[str, Any]) -> None:
            for client in cls.find_plugin().provider.entrances:
                raw["providers"][cls.plugin][client.value] = cls.vendor_settings(sandbox, client)

        pool, clock = HttpPool(transport=recorder), Clock()
        try:
            with run_shop({cls.plugin: sandbox}, plugins=installed(), pool=pool, change=change, now=clock) as shop:
                recorder.base_url = f"{shop.sandbox_url}/{cls.plugin}"
                recorded_reasons.sandboxes.append(sandbox)
                yield VendorShop(shop, recorder, clock)
        except SettingsError:
            yield None

    @pytest.fixture
    def vendor_shop(self, optional_vendor_shop: VendorShop | None) -> VendorShop:
        """The shop at the vendor's own addresses. Ends a rule that nothing can be compared in."""
        if not self.get_documented():
            not_run(NOT_STATED)
        return optional_vendor_shop or not_run(NO_ADDRESSES)

    @classmethod
    def vendor_settings(cls, sandbox: Sandbox, client: ClientType) -> Mapping[str, Any]:
        """Return the sandbox's settings without its addresses, so that the vendor's own stand.

        An OpenID provider's sandbox takes the vendor's issuer for its own.
        """
        issuer = cls.find_plugin().provider.Settings.model_fields.get("issuer")
        address = issuer.default if issuer and isinstance(issuer.default, str) else _NOWHERE
        settings = sandbox.settings(address, client)
        return {name: value for name, value in settings.items() if _NOWHERE not in str(value)}

    @quick
    def test_documented_requests_are_what_is_sent(self, vendor_shop: VendorShop, client: str) -> None:
        """Method, address, parameters and headers of every request are the documented ones, no more and no less."""
        login = self.vendor_login(vendor_shop, client)
        for wire, _ in login.requests:
            _, differences = find_documented(wire, self.get_documented(), login.known, client)
            assert not differences, f"{wire}: {'; '.join(differences)}"
        assert not login.failure, f"at the vendor's own addresses the login fails: {login.failure}"

    @quick
    def test_documented_requests_are_all_sent(self, vendor_shop: VendorShop) -> None:
        """No documented request is left out by all client types together."""
        sent, clients = [], self.get_clients()
        for client in clients:
            login = self.vendor_login(vendor_shop, client)
            sent += [find_documented(wire, self.get_documented(), login.known, client)[0] for wire, _ in login.requests]
        missing = [
            f"{request.method} {request.url}"
            for request in self.get_documented()
            if request not in sent and (not request.clients or set(request.clients) & set(clients))
        ]
        assert not missing, f"never sent: {', '.join(missing)}"

    @quick
    def test_documented_answers_match_the_sandbox(self, vendor_shop: VendorShop, client: str) -> None:
        """The sandbox's answers have no member that the documented answer lacks."""
        login, has_compared = self.vendor_login(vendor_shop, client), False
        for wire, answer in login.requests:
            documented, _ = find_documented(wire, self.get_documented(), login.known, client)
            if documented is None or documented.answer is None or answer is None:
                continue
            has_compared = True
            surplus = find_surplus(documented.answer, answer)
            assert not surplus, f"{wire}: the vendor does not document {', '.join(sorted(surplus))}"
        if not has_compared:
            not_run("no documented request has an answer")

    @quick
    def test_documented_answers_name_the_documented_person(self, vendor_shop: VendorShop, client: str) -> None:
        """With the vendor's example answers, ids and profile are those that `documented_ids` and the like state."""
        sent = self.vendor_login(vendor_shop, client)
        self._check_examples(sent, client)
        login = self._log_in_at_vendor(
            vendor_shop, client, lambda request: self._find_answer(WireRequest.of(request), sent, client)
        )
        sandbox = self.sandbox(vendor_shop.shop)
        expected_ids = sandbox.documented_ids if self.documented_ids is None else self.documented_ids
        values = {stated.value for stated in expected_ids}
        lost = self.reasons.find(PROFILE_REFUSED)
        if login.failure or lost:
            differing = find_contradiction(self.find_plugin().provider, self._list_examples(sent, client))
            assert not differing, f"the examples name two people: {differing}. Give them the same id"
        assert not login.failure, f"the vendor's example answers log nobody in: {login.failure}"
        assert not lost, self._explain_loss(login, lost, client)
        identity = login.watch.identities[-1]
        if not expected_ids:
            texts = self._example_texts(sent, client)
            ids = {person_id.value for person_id in identity.ids}
            assert ids <= texts, "an id is not in the vendor's example answers"
            return
        expected = {PersonId(stated.kind, stated.value, fill(stated.scope, sent.known)) for stated in expected_ids}
        assert set(identity.ids) == expected, f"the ids are {_describe(identity)}, not {', '.join(sorted(values))}"
        profile = self.documented_profile or sandbox.documented_profile
        if profile and identity.profile:  # a mini program may tell none
            assert not (differences := list(_compare(profile, identity.profile))), ", ".join(differences)
        number = self.documented_phone or sandbox.documented_phone
        for phone in login.watch.phones:
            assert number in ("", phone.number), f"the phone number is not {number}"

    def _check_examples(self, sent: VendorLogin, client: str) -> None:
        """End the rule unless every request has an example answer that can be used.

        Those for the vendor's discovery document and keys need none: the keys are the sandbox's in any case.
        """
        missing, has_answer = [], False
        for wire, answer in sent.requests:
            if answer is None or is_key_set(answer) or is_discovery(answer):
                continue
            documented, _ = find_documented(wire, self.get_documented(), sent.known, client)
            has_answer = True
            if documented is None or documented.answer is None:
                missing.append(str(wire))
            elif isinstance(sent.sandbox, OidcSandbox) and has_signed_token(documented.answer):
                not_run(SIGNED_EXAMPLE.format(request=wire))
        if not has_answer:
            not_run(NO_CALLS)
        if missing:
            not_run(NO_ANSWERS.format(requests=", ".join(dict.fromkeys(missing))))

    def _explain_loss(self, login: VendorLogin, reason: str, client: str) -> str:
        """Return what is wrong with the example of the profile, which is the last answer of the login."""
        wire, example = self._list_examples(login, client)[-1]
        hint = find_hint(self.find_plugin().provider, example)
        return f"the vendor's example of {wire} gives no profile: {reason}{hint}"

    def _list_examples(self, login: VendorLogin, client: str) -> list[tuple[WireRequest, Any]]:
        """Return the requests of a login that have example answers, each with the example as data."""
        stated = [
            (wire, find_documented(wire, self.get_documented(), login.known, client)[0])
            for wire, answer in login.requests
            if answer is not None
        ]
        examples = [(wire, request.answer) for wire, request in stated if request and request.answer is not None]
        return [(wire, read_body(answer) if isinstance(answer, str) else answer) for wire, answer in examples]

    def vendor_login(self, vendor_shop: VendorShop, client: str) -> VendorLogin:
        """Return a login of this client type at the vendor's own addresses, which is made once."""
        if client not in vendor_shop.logins:
            vendor_shop.logins[client] = self._log_in_at_vendor(vendor_shop, client, lambda _: None)
        return vendor_shop.logins[client]

    def _log_in_at_vendor(
        self, vendor_shop: VendorShop, client: str, answers: Callable[[Request], Answer | None]
    ) -> VendorLogin:
        shop, recorder, person = vendor_shop.shop, vendor_shop.recorder, somebody()
        configured, pages = self.configured(shop, client), list[WireRequest]()
        self.reasons.clear()
        recorder.exchanges.clear()
        recorder.answers = answers
        vendor_shop.clock.offset += PROFILE_AGE  # so that the profile of a known person is fetched too
        with watching(configured.provider) as watch, Visitor(shop) as visitor:
            if configured.entrance is Entrance.REDIRECT:
                login_url = visitor.begin(self.plugin, client)
                pages.append(WireRequest.of_page(login_url))
                response = visitor.http.get(visitor.consent(recorder.to_sandbox(login_url), person))
            else:
                prepared = visitor.client_parameters(self.plugin, client, person)
                phone = self.sandbox(shop).phone_parameters(ClientType(client), person)
                response = self.finish(visitor, client, {**prepared, **phone})
        requests = [(WireRequest.of(request), answer) for request, answer in recorder.exchanges]
        known = _find_known(watch, configured.provider.settings, [answer for _, answer in requests])
        failure = self.reasons.explain(response) if response.status_code >= 400 else ""
        return VendorLogin([*((page, None) for page in pages), *requests], watch, known, failure, self.sandbox(shop))

    def _find_answer(self, wire: WireRequest, login: VendorLogin, client: str) -> Answer | None:
        documented, _ = find_documented(wire, self.get_documented(), login.known, client)
        if documented is None or documented.answer is None or _is_of_keys(wire, login):
            return None
        if isinstance(documented.answer, str):
            return make_answer(documented.answer)
        return make_answer(login.sandbox.complete_example(documented.answer, wire.form))

    def _example_texts(self, login: VendorLogin, client: str) -> set[str]:
        examples = self._list_examples(login, client)
        return {text for _, example in examples for _, text in list_members(example)}


def _is_of_keys(wire: WireRequest, login: VendorLogin) -> bool:
    """Return True for the request of the vendor's keys, for which the sandbox has its own."""
    return any(answer and str(other) == str(wire) and is_key_set(answer) for other, answer in login.requests)


def _find_known(watch: Watch, settings: Any, answers: Sequence[Answer]) -> dict[str, set[str]]:
    """Return every value that a documented request may refer to, by its name."""
    known: dict[str, set[str]] = {}
    configured = ((name, _get_secret(value)) for name, value in settings)
    client = [str(getattr(settings, "client_id", "")), _get_secret(getattr(settings, "client_secret", ""))]
    basic = base64.b64encode(":".join(map(quote_plus, client)).encode()).decode()
    members = chain.from_iterable(list_members(read_body(answer.content)) for answer in answers)
    for path, value in chain(configured, [("basic_credentials", basic)], watch.values.items(), members):
        known.setdefault(path.rpartition(".")[2], set()).add(value)
    return known


def _get_secret(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _compare(expected: Profile, actual: Profile) -> Iterator[str]:
    """Yield each field of a profile that has another value than the documented answers say."""
    for each in fields(Profile):
        stated, read = getattr(expected, each.name), getattr(actual, each.name)
        if stated != read:
            yield f"{each.name} is {read!r}, not {stated!r}"


def _describe(identity: Identity) -> str:
    return ", ".join(
        f"{person_id.kind} {person_id.value} of {person_id.scope or 'the vendor'}" for person_id in identity.ids
    )
