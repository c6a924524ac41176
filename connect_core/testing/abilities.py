"""The contract's rules about what only some providers have: tickets, phone numbers, deep links, withdrawn consent."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from connect_core.errors import ConnectError
from connect_core.findings import Finding, Level
from connect_core.harness import RunningShop, Visitor
from connect_core.identity import ClientType, Identity
from connect_core.providers import calls
from connect_core.providers.abilities import (
    ChecksItself,
    DeepLinks,
    FetchesPhone,
    HasCertificates,
    NoticeKind,
    NoticeRequest,
    ReceivesNotices,
    Revokes,
)
from connect_core.providers.provider import Entrance
from connect_core.sandbox import Person
from connect_core.testing.contract_rules import (
    ContractRules,
    ContractRun,
    not_applicable,
    not_run,
    quick,
    somebody,
)
from connect_core.testing.watching import watching

RETURN_TO = "/cart?item=1&size=%C3%9C%2Fx#top"
"""A target of ours with everything that a careless encoding breaks."""
MOBILE = "13912345678"
"""The phone number of somebody at the vendor."""
ABROAD = "852-61234567"
"""A phone number in Hong Kong, which is another one without its country code."""
NO_PHONE = "the sandbox's phone button gives nothing (phone_parameters)"
PHONE_BROWSER = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"


class Abilities(ContractRules):
    """Rules about optional abilities of a provider."""

    def test_a_ticket_is_needed_and_works_once(self, shop: RunningShop, ticketed_client: str) -> None:
        """Without a ticket of ours, or with a used one, nobody is logged in and the vendor is not asked."""
        with Visitor(shop) as visitor:
            first, second = (self.prepare(visitor, ticketed_client, somebody()) for _ in range(2))
            assert isinstance(first, dict)
            assert isinstance(second, dict)
            login = self.finish(visitor, ticketed_client, first)
            assert login.status_code == 200, self.reasons.explain(login)
            self.sandbox(shop).calls.clear()
            with self.nothing_written(shop):
                used = self.finish(visitor, ticketed_client, {**second, "ticket": first["ticket"]})
                missing = self.finish(visitor, ticketed_client, {k: v for k, v in second.items() if k != "ticket"})
            assert used.status_code == missing.status_code == 400, f"HTTP {used.status_code}, {missing.status_code}"
            assert not self.sandbox(shop).calls, "the vendor was asked"

    def test_an_id_token_belongs_to_one_login(self, shop: RunningShop, ticketed_client: str) -> None:
        """An ID token with the nonce of another login is refused."""
        if self.configured(shop, ticketed_client).entrance is not Entrance.CREDENTIAL:
            not_applicable("this client type hands in a code, not an ID token")
        with Visitor(shop) as visitor:
            first, second = (self.prepare(visitor, ticketed_client, somebody()) for _ in range(2))
            assert isinstance(first, dict)
            assert isinstance(second, dict)
            with self.nothing_written(shop):
                answer = self.finish(visitor, ticketed_client, {**first, "ticket": second["ticket"]})
        assert answer.status_code >= 400, "an ID token of another login logged somebody in"

    def test_a_phone_number_is_the_vendors(self, shop: RunningShop, posting_client: str) -> None:
        """The number that the vendor vouches for becomes the member's; a spoilt or repeated proof gives none."""
        with self.phone_owner(shop, posting_client) as person, Visitor(shop) as visitor:
            prepared = self.prepare(visitor, posting_client, person)
            phone = self.phone_parameters(shop, posting_client, person)
            login = self.finish(visitor, posting_client, self.with_parameters(prepared, phone))
            who = visitor.who(login)
            assert who is not None, self.reasons.explain(login)
            assert MOBILE in self._mobile(shop, who), "the member has another phone number, or none"
            again = self.prepare(visitor, posting_client, somebody())
            repeated = self.finish(visitor, posting_client, self.with_parameters(again, phone))
            second = visitor.who(repeated)
            assert not (second and self._mobile(shop, second)), "a phone number was taken twice for one proof"
        self._check_foreign_number(shop, posting_client)
        for name in phone:
            spoilt = {**dict.fromkeys(phone, ""), name: f"spoilt-{MOBILE}"}
            self._check_spoilt_phone(shop, posting_client, spoilt)

    def _check_foreign_number(self, shop: RunningShop, client: str) -> None:
        """Log in with a number from Hong Kong, which is stored with its country code or not at all."""
        with self.phone_owner(shop, client, ABROAD) as person, Visitor(shop) as visitor:
            prepared = self.prepare(visitor, client, person)
            phone = self.phone_parameters(shop, client, person)
            who = visitor.who(self.finish(visitor, client, self.with_parameters(prepared, phone)))
        mobile = self._mobile(shop, who) if who else ""
        assert not mobile or all(part in mobile for part in ABROAD.split("-")), "a number from abroad lost its country"

    def _check_spoilt_phone(self, shop: RunningShop, client: str, spoilt: dict[str, str]) -> None:
        with self.phone_owner(shop, client) as person, Visitor(shop) as visitor:
            prepared = self.prepare(visitor, client, person)
            login = self.finish(visitor, client, self.with_parameters(prepared, spoilt))
            who = visitor.who(login)
        self.check_sandbox(shop)
        assert not (who and self._mobile(shop, who)), "a phone number that nobody vouches for was stored"

    @contextmanager
    def phone_owner(self, shop: RunningShop, client: str, mobile: str = MOBILE) -> Iterator[str]:
        """Yield the key of a person with the phone number `mobile`. Ends a rule that can try no phone number."""
        if not isinstance(self.configured(shop, client).provider, FetchesPhone):
            not_applicable("the provider reads no phone number (fetch_phone)")
        person, people = somebody(), self.sandbox(shop).people
        people[person] = Person(person, person, mobile=mobile)
        try:
            yield person
        finally:
            people.pop(person)

    def phone_parameters(self, shop: RunningShop, client: str, person: str) -> dict[str, str]:
        """Return what the phone button gives. Ends a rule that can try no phone number."""
        return self.sandbox(shop).phone_parameters(ClientType(client), person) or not_run(NO_PHONE)

    def _mobile(self, shop: RunningShop, who: dict[str, Any]) -> str:
        [mobile] = [row["mobile"] for row in shop.rows("es_member") if str(row["id"]) == str(who["uid"])]
        return str(mobile or "")

    def test_a_deep_link_leads_back(self, shop: RunningShop, redirect_client: str) -> None:
        """The link into the vendor's app has our address, encoded once, and is not used inside the app."""
        provider = self.configured(shop, redirect_client).provider
        if redirect_client != "h5" or not isinstance(provider, DeepLinks):
            not_applicable("the provider has no deep link here (get_deep_link)")
        start_url = f"{shop.url}/connect/{self.plugin}/h5/login?return_to={RETURN_TO}"
        link = calls.get_deep_link(provider, start_url, PHONE_BROWSER)
        assert link is not None, "a phone's own browser gets no link"
        values = [value for _, value in parse_qsl(urlsplit(link).query, keep_blank_values=True)]
        assert start_url in values, "our address is not a value in the link's query, encoded exactly once"
        leaked = [secret for secret in self.secret_settings(shop, redirect_client) if secret in link]
        assert not leaked, "the deep link contains a secret setting"
        if user_agent := self.sandbox(shop).app_user_agent:
            assert calls.get_deep_link(provider, start_url, user_agent) is None, "inside the app there is a link too"

    def test_consent_is_withdrawn_at_the_vendor(self, contract_run: ContractRun, client: str) -> None:
        """`revoke` tells the vendor who it is by the stored ids alone; a vendor that fails is a `ConnectError`."""
        shop, sandbox = contract_run.shop, self.sandbox(contract_run.shop)
        provider = self.configured(shop, client).provider
        if not isinstance(provider, Revokes):
            not_applicable("the provider withdraws no consent (revoke)")
        with watching(provider) as watch:
            self.log_in(shop, client)
            assert watch.loop is not None
            identity = watch.identities[-1]
            stored = Identity(identity.union_type, identity.ids, identity.app_id)
            sandbox.calls.clear()
            revoke = asyncio.run_coroutine_threadsafe(calls.revoke(provider, stored), watch.loop)
            assert revoke.result(20), "the vendor refused, or was not asked as it should be"
            assert sandbox.calls, "the vendor was not asked"
            operation = sandbox.calls[-1].operation
            for kind, value in (("status", "503"), ("garbage", "null"), ("html", "")):
                sandbox.faults.add(kind, value, on=operation)
                failing = asyncio.run_coroutine_threadsafe(calls.revoke(provider, stored), watch.loop)
                assert not failing.result(20), f"{kind}: the vendor failed, and nobody was told"
            strange = [type(error).__name__ for error in watch.raised if not isinstance(error, ConnectError)]
        assert not strange, f"revoke raised {strange[0]}"

    @quick
    def test_what_the_doctor_is_told_is_sound(self, shop: RunningShop, client: str) -> None:
        """`check` calls nobody and finds nothing wrong with the sandbox's settings; certificates have a time."""
        provider = self.configured(shop, client).provider
        if not isinstance(provider, ChecksItself | HasCertificates):
            not_applicable("the provider checks nothing itself (check, get_certificate_expiries)")
        results: list[object] = list(provider.check()) if isinstance(provider, ChecksItself) else []
        expiries = dict(provider.get_certificate_expiries()) if isinstance(provider, HasCertificates) else {}
        assert not self.sandbox(shop).calls, "the vendor was called"
        findings = [result for result in results if isinstance(result, Finding)]
        assert len(findings) == len(results), "check returned something else than findings"
        wrong = [finding.text for finding in findings if finding.level is not Level.OK]
        assert not wrong, f"the sandbox's own settings are criticised: {wrong[:1]}"
        unknown = [name for name in expiries if not hasattr(provider.settings, name)]
        assert not unknown, f"{unknown[:1]} is no setting that holds a certificate"
        assert all(isinstance(expiry, int) for expiry in expiries.values()), "an expiry is no whole number of seconds"

    @quick
    def test_a_notice_is_believed_if_the_vendor_signed_it(self, shop: RunningShop, client: str) -> None:
        """What the vendor tells of an account ends its logins; a notice that was altered, or not signed, ends none."""
        if not isinstance(self.configured(shop, client).provider, ReceivesNotices):
            not_applicable("the provider takes no notices (read_notice)")
        person = somebody()
        with Visitor(shop) as visitor:
            login = visitor.log_in(self.plugin, client, person)
            assert visitor.who(login) is not None, self.reasons.explain(login)
            made = (self.sandbox(shop).make_notice(ClientType(client), person, kind) for kind in NoticeKind)
            notice = next((notice for notice in made if notice), None)
            if notice is None:
                not_run("the sandbox tells nothing of a person (make_notice)")
            for forged in _find_forgeries(notice):
                answer = self.send_notice(shop, forged)
                assert answer.status_code in (400, 403), f"a forged notice was answered with {answer.status_code}"
                assert visitor.who(login) is not None, "a forged notice ended a login"
            for _ in range(2):
                answer = self.send_notice(shop, notice)
                assert answer.is_success, f"a signed notice, or its repetition, was refused: {answer.text}"
            assert visitor.who(login) is None, "the login lives on after a signed notice"

    def send_notice(self, shop: RunningShop, notice: NoticeRequest) -> httpx.Response:
        """Send a notice as the vendor's server does, and return the shop's answer."""
        return httpx.request(
            notice.method,
            f"{shop.url}/connect/{self.plugin}/notify",
            params=dict(notice.parameters),
            headers=dict(notice.headers),
            content=notice.content,
            trust_env=False,
        )


def _find_forgeries(notice: NoticeRequest) -> Iterator[NoticeRequest]:
    """Yield the notice without its longest word, which is or holds the signature, and with that word altered."""
    word = max(re.findall(rb"[\w+/=%.-]+", notice.content), key=len)
    middle = len(word) // 2
    other = b"B" if word[middle : middle + 1] == b"A" else b"A"
    yield replace(notice, content=notice.content.replace(word, b"", 1))
    yield replace(notice, content=notice.content.replace(word, word[:middle] + other + word[middle + 1 :], 1))
