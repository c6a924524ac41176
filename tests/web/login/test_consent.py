"""`consent`: who is new agrees to the shop's terms, and with "required" nobody is registered without it."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.providers.registry import Plugins

from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.first_logins import CHOOSE, PASSWORD, choose
from ...kit.hook_shops import Directory
from ...kit.html_pages import ParsedPage
from ...kit.web_shops import HTML, nothing_written, refused, set_cookies

VERSION = "2026-03"
TERMS = {"terms_url": "https://shop.example/terms", "privacy_url": "/privacy", "terms_version": VERSION}
REQUIRED = {
    "code": "consent_required",
    "terms_version": VERSION,
    "terms_url": "https://shop.example/terms",
    "privacy_url": "/privacy",
}
Change = Callable[[dict[str, Any]], None]


def with_terms(**pages: str) -> Change:
    """A shop with terms; `pages` are further keys of `[pages]`."""

    def change(raw: dict[str, Any]) -> None:
        raw["pages"] = {**TERMS, **pages}

    return change


def asking(raw: dict[str, Any]) -> None:
    """A shop that requires consent, and asks newcomers for an account as well."""
    with_terms(consent="required")(raw)
    raw["service"]["first_login"] = "choose"


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop that requires consent and registers newcomers otherwise at once."""
    with run_shop(now=clock, change=with_terms(consent="required")) as running_shop:
        yield running_shop


def consents(shop: RunningShop) -> list[tuple[int, str]]:
    """Who agreed to what."""
    return [(row["member_id"], row["terms_version"]) for row in shop.rows("es_member_consent")]


def begin(visitor: Visitor) -> httpx.Response:
    """Log in as a newcomer, and open the page that the callback leads to."""
    login = visitor.http.get(visitor.consent(visitor.begin("alipay", "pc", return_to="/cart")))
    assert (login.status_code, login.headers["location"]) == (303, CHOOSE)
    return visitor.http.get(CHOOSE, headers=HTML)


def test_the_page_has_an_unticked_box_with_links_to_both_texts(shop: RunningShop) -> None:
    """Nothing is written before the person decides; without `choose` there is no form for an account of theirs."""
    with Visitor(shop) as visitor, nothing_written(shop):
        page = ParsedPage(begin(visitor).text)
        [box] = [attributes for tag, attributes in page.elements if attributes.get("type") == "checkbox"]
        assert (box["name"], box["value"], "checked" in box, "required" in box) == ("consent", VERSION, False, True)
        assert {"https://shop.example/terms", "/privacy"} <= set(page.values("a", "href"))
        assert "password" not in page.values("input", "type")


def test_who_agrees_is_registered_and_it_is_recorded(shop: RunningShop, clock: Clock) -> None:
    """With the version and the time, and shown to the member with their data; the next login asks nothing."""
    with Visitor(shop) as visitor:
        begin(visitor)
        clock.set(clock())  # the time of the consent is compared below
        answer = choose(visitor, decision="register", consent=VERSION)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{shop.url}/cart")
        [row] = shop.rows("es_member_consent")
        assert (row["member_id"], row["terms_version"], row["create_time"]) == (1, VERSION, int(clock()))
        assert visitor.http.get("/connect/account/export").json()["consents"] == [row]
    with Visitor(shop) as again:
        assert again.who(again.log_in("alipay", "pc")) is not None
    assert len(consents(shop)) == 1


@pytest.mark.parametrize("consent", [None, "", "2025-01", "1", "on"])
def test_without_consent_nobody_is_registered(shop: RunningShop, consent: str | None) -> None:
    """Nor with that to another version; the page says what is missing, and the choice can still be made."""
    form = {"decision": "register"} | ({} if consent is None else {"consent": consent})
    with Visitor(shop) as visitor:
        begin(visitor)
        with nothing_written(shop):
            refused(choose(visitor, **form), 403, "consent_required")
            page = visitor.http.post(CHOOSE, data=form, headers=HTML | {"origin": shop.url})
            assert page.status_code == 403
            assert ('role="alert"' in page.text, 'aria-invalid="true"' in page.text) == (True, True)
        assert consents(shop) == []
        assert choose(visitor, decision="register", consent=VERSION).status_code == 303
    assert consents(shop) == [(1, VERSION)]


def test_consent_does_not_open_the_way_to_passwords(shop: RunningShop) -> None:
    """Where newcomers are not asked for an account, they cannot join one either."""
    with Visitor(shop) as visitor, nothing_written(shop):
        begin(visitor)
        form = {"decision": "join", "username": "m_1", "password": "x", "consent": VERSION}
        refused(choose(visitor, **form), 400, "bad_request")


def test_who_joins_an_account_agreed_long_ago() -> None:
    """Both questions are on one page, and only a registration is recorded."""
    with run_shop(change=asking) as shop, Visitor(shop) as visitor, Visitor(shop) as later:
        begin(visitor)
        assert choose(visitor, decision="register", consent=VERSION).status_code == 303
        assert visitor.http.post("/connect/account/password", json={"password": PASSWORD}).status_code == 204
        name = visitor.http.get("/connect/me").json()["uname"]
        later.log_in("wechat", "pc", "wangfang")
        page = later.http.get(CHOOSE, headers=HTML).text
        assert ('name="consent"' in page, 'value="join"' in page) == (True, True)
        assert choose(later, decision="join", username=name, password=PASSWORD).status_code == 303
        assert consents(shop) == [(1, VERSION)]


def test_a_mini_program_sends_consent_with_its_code(shop: RunningShop) -> None:
    """One request registers; the member of an older login needs none."""
    with Visitor(shop) as visitor:
        parameters = visitor.client_parameters("alipay", "mini")
        answer = visitor.http.post("/connect/alipay/mini/token", json=parameters | {"consent": VERSION})
        assert answer.json()["is_new_member"] is True
        assert consents(shop) == [(1, VERSION)]
        assert visitor.log_in("alipay", "mini").json()["is_new_member"] is False


def test_a_mini_program_is_told_what_to_show(shop: RunningShop) -> None:
    """The answer has a ticket, a stable code and both addresses; the ticket registers with the consent."""
    with Visitor(shop) as visitor:
        with nothing_written(shop):
            answer = visitor.log_in("alipay", "mini")
        body = answer.json()
        assert (answer.status_code, set_cookies(answer)) == (200, {})
        assert body == {"choice_ticket": body["choice_ticket"], "expires_in": 600, **REQUIRED}
        decision = {"ticket": body["choice_ticket"], "decision": "register"}
        refused(visitor.http.post(CHOOSE, json=decision), 403, "consent_required")
        login = visitor.http.post(CHOOSE, json=decision | {"consent": VERSION})
        assert (login.json()["is_new_member"], consents(shop)) == (True, [(1, VERSION)])


def test_older_front_ends_send_consent_too(shop: RunningShop) -> None:
    """The mini program's route of older systems answers the same in its envelope."""
    with Visitor(shop) as visitor:
        code = visitor.client_parameters("alipay", "mini")["authCode"]
        data = visitor.http.post(f"/login/{code}").json()["data"]
        assert data == {"choice_ticket": data["choice_ticket"], "expires_in": 600, **REQUIRED}
        code = visitor.client_parameters("alipay", "mini")["authCode"]
        assert visitor.http.post(f"/login/{code}", json={"consent": VERSION}).json()["data"]["id"] == 1
    assert consents(shop) == [(1, VERSION)]


def test_a_front_ends_own_page_reads_what_to_show(shop: RunningShop) -> None:
    """The first-login page as JSON."""
    with Visitor(shop) as visitor:
        begin(visitor)
        answer = visitor.http.get(CHOOSE).json()
    names = {"provider": "alipay", "name": "Alipay", "nickname": "李华"}
    assert answer == {**names, "subject": answer["subject"], "joins": [], **REQUIRED}


def test_a_link_cannot_agree_for_somebody(shop: RunningShop) -> None:
    """`consent` in the address of a start or a callback counts for nothing."""
    with Visitor(shop) as visitor, nothing_written(shop):
        callback = visitor.consent(visitor.begin("alipay", "pc", consent=VERSION))
        login = visitor.http.get(f"{callback}&consent={VERSION}")
        assert (login.status_code, login.headers["location"]) == (303, CHOOSE)


def test_an_erasure_takes_the_record_along(shop: RunningShop) -> None:
    """Nothing of the member is left."""
    with Visitor(shop) as visitor:
        begin(visitor)
        choose(visitor, decision="register", consent=VERSION)
        assert visitor.http.request("DELETE", "/connect/account", headers={"origin": shop.url}).status_code == 204
    assert consents(shop) == []


def test_members_elsewhere_are_registered_after_consent_alone() -> None:
    """The shop's directory is not told of somebody who has not agreed."""
    directory = Directory()
    plugins = Plugins([("members", directory)])
    with run_shop(change=with_terms(consent="required"), plugins=plugins, are_members_elsewhere=True) as shop:
        with Visitor(shop) as visitor:
            begin(visitor)
            assert not directory.members
            refused(choose(visitor, decision="register"), 403, "consent_required")
            assert not directory.members
            assert choose(visitor, decision="register", consent=VERSION).status_code == 303
        assert [version for _, version in consents(shop)] == [VERSION]
        assert len(directory.members) == 1


@pytest.mark.parametrize(("pages", "is_shown"), [({}, True), ({"consent": "shown"}, True), ({"consent": "off"}, False)])
def test_shown_consent_is_a_sentence(pages: dict[str, str], is_shown: bool) -> None:  # noqa: FBT001 - a case
    """The login page says what going on means; a newcomer is registered at once, and nothing is recorded."""
    with run_shop(change=with_terms(**pages)) as shop, Visitor(shop) as visitor:
        page = visitor.http.get("/connect/login", headers={"accept-language": "en"}).text
        assert ("By continuing you agree to our " in page) == is_shown
        assert visitor.who(visitor.log_in("alipay", "pc")) is not None
        assert consents(shop) == []
        refused(visitor.http.get(CHOOSE), 404, "unsupported")
