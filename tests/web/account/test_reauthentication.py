"""Confirming who is logged in, when something needs a more recent login: by the member's own ways in alone."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor

from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.first_logins import PASSWORD, choosing, register
from ...kit.web_shops import HTML, alipay_and_wechat, bearer, nothing_written, query, refused, set_cookies

ERASE = "/connect/account/erase"
CONFIRMING = "/connect/reauthenticate"


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop with Alipay and WeChat."""
    with run_shop(alipay_and_wechat(), now=clock) as running_shop:
        yield running_shop


@pytest.fixture
def member(shop: RunningShop, clock: Clock) -> Iterator[Visitor]:
    """A member who logged in by Alipay eleven minutes ago."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        clock.advance(660)
        yield visitor


def post(visitor: Visitor, path: str, **fields: str) -> httpx.Response:
    """Post a form of one of our pages."""
    return visitor.http.post(path, data=fields, headers={**HTML, "origin": visitor.shop.url})


def begin(visitor: Visitor, provider: str = "alipay", return_to: str = ERASE) -> str:
    """Press a button on the page, and return the vendor's address."""
    page = post(visitor, f"/connect/{provider}/pc/confirm", return_to=return_to)
    assert page.status_code == 200, page.text
    return page.headers["refresh"].partition("url=")[2]


def test_the_page_offers_the_members_own_ways_alone(member: Visitor) -> None:
    """What needs a recent login leads there, and from there on to itself."""
    answer = member.http.get(ERASE, headers=HTML)
    assert answer.status_code == 303
    assert urlsplit(answer.headers["location"]).path == CONFIRMING
    assert query(answer.headers["location"]) == {"return_to": ERASE}
    page = member.http.get(answer.headers["location"], headers=HTML)
    assert page.status_code == 200
    assert 'data-confirm="alipay"' in page.text
    assert "wechat" not in page.text
    assert "password" not in page.text


def test_a_confirmation_replaces_the_session_and_goes_on(shop: RunningShop, member: Visitor) -> None:
    """The old session's token is dead, the login is new, the page that was asked for opens."""
    old = member.http.cookies["connect_session"]
    answer = member.http.get(member.consent(begin(member)))
    assert (answer.status_code, answer.headers["location"]) == (303, shop.url + ERASE)
    assert member.http.get(ERASE, headers=HTML).status_code == 200
    stolen = {"cookie": f"connect_session={old}"}
    assert httpx.get(f"{shop.url}/connect/me", headers=stolen, trust_env=False).status_code == 401
    assert [row["kind"] for row in shop.rows("es_connect_event")][-1] == "logged_in"
    assert len(shop.rows("es_member")) == 1


def test_a_confirmation_whose_answer_was_lost_is_given_again(member: Visitor) -> None:
    """As at a login: the same browser repeats the callback, and is logged in."""
    before = dict(member.http.cookies)
    callback = member.consent(begin(member))
    cookies = dict(member.http.cookies)
    member.http.get(callback)
    member.http.cookies.clear()
    for name, value in {**before, **cookies}.items():
        member.http.cookies.set(name, value, domain="127.0.0.1")
    assert member.http.get(callback).status_code == 303
    assert member.http.get(ERASE, headers=HTML).status_code == 200


@pytest.mark.parametrize("person", ["maria", "wangfang"])
def test_another_identity_is_refused_and_costs_nothing(shop: RunningShop, member: Visitor, person: str) -> None:
    """Another member's, or nobody's: no session, no member, no link; the member is still logged in."""
    with Visitor(shop) as other:
        other.log_in("alipay", "pc", "maria")
    callback = member.consent(begin(member), person)
    with nothing_written(shop):
        page = member.http.get(callback, headers=HTML)
    assert page.status_code == 403
    assert "connect_session" not in set_cookies(page)
    assert f"{CONFIRMING}?return_to=%2Fconnect%2Faccount%2Ferase" in page.text
    assert member.http.get("/connect/me").json()["connections"] == ["ALIPAY"]


def test_a_provider_that_is_not_linked_confirms_nothing(shop: RunningShop, member: Visitor) -> None:
    """Whoever posts to it all the same registers nobody, and links nothing."""
    callback = member.consent(begin(member, "wechat"))
    with nothing_written(shop):
        refused(member.http.get(callback), 403, "forbidden")
    assert member.http.get("/connect/me").status_code == 200


def test_only_the_session_that_began_is_confirmed(shop: RunningShop, member: Visitor) -> None:
    """Logged out meanwhile, a callback is refused and logs nobody in."""
    callback = member.consent(begin(member))
    flows = dict(member.http.cookies)
    member.http.post("/connect/logout", headers={"origin": shop.url})
    for name, value in flows.items():
        member.http.cookies.set(name, value, domain="127.0.0.1")
    with nothing_written(shop):
        refused(member.http.get(callback), 400, "state_invalid")
    assert member.http.get("/connect/me").status_code == 401


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/connect/connections/alipay/unbind", "/connect/account"),
        ("/connect/wechat/pc/bind", "/connect/account"),
        (ERASE, ERASE),
    ],
)
def test_a_form_leads_back_to_its_page_with_a_message(member: Visitor, path: str, form: str) -> None:
    """A POST is not repeated for the member: the page with the form asks for it."""
    answer = post(member, path)
    assert answer.status_code == 303
    target = query(answer.headers["location"])["return_to"]
    assert target == form
    member.http.get(member.consent(begin(member, return_to=target)), headers=HTML)
    page = member.http.get(target, headers={**HTML, "accept-language": "en"})
    assert page.status_code == 200
    assert '<p class="banner success" role="status">Thank you, your identity is confirmed.' in page.text


def test_a_download_leads_back_to_the_account_page(member: Visitor) -> None:
    """A file is no page to end on."""
    answer = member.http.get("/connect/account/export", headers=HTML)
    assert query(answer.headers["location"])["return_to"] == "/connect/account"


def test_who_has_nothing_to_confirm_goes_on(shop: RunningShop) -> None:
    """A recent login is sent on, a visitor to the login page, and neither to a page elsewhere."""
    with Visitor(shop) as visitor:
        address = f"{CONFIRMING}?return_to={ERASE}"
        login = visitor.http.get(address, headers=HTML)
        assert login.headers["location"] == "/connect/login?return_to=%2Fconnect%2Faccount%2Ferase"
        visitor.log_in("alipay", "pc")
        assert visitor.http.get(address, headers=HTML).headers["location"] == shop.url + ERASE
        refused(visitor.http.get(f"{CONFIRMING}?return_to=https://evil.example/"), 400, "redirect_not_allowed")


def test_a_program_learns_how_to_confirm(shop: RunningShop, clock: Clock) -> None:
    """The refusal names the address, the address the ways; a code confirms, and the old tokens are dead."""
    with Visitor(shop) as app:
        tokens = app.log_in("alipay", "mini")
        clock.advance(660)
        answer = app.http.delete("/connect/connections/ALIPAY", headers=bearer(tokens))
        refused(answer, 403, "forbidden")
        ways = app.http.get(answer.json()["reauthenticate_url"], headers=bearer(tokens)).json()
        assert ways["ways"] == [{"provider": "alipay", "name": "Alipay", "confirm_url": "/connect/alipay/h5/confirm"}]
        assert ways["password_url"] is None
        body = app.client_parameters("alipay", "mini", "maria")
        refused(app.http.post("/connect/alipay/mini/confirm", json=body, headers=bearer(tokens)), 403, "forbidden")
        body = app.client_parameters("alipay", "mini")
        fresh = app.http.post("/connect/alipay/mini/confirm", json=body, headers=bearer(tokens))
        assert fresh.status_code == 200
        assert app.http.get("/connect/me", headers=bearer(tokens)).status_code == 401
        answer = app.http.delete("/connect/connections/ALIPAY", headers=bearer(fresh))
        refused(answer, 409, "last_connection")


def test_a_login_of_the_buyer_routes_is_confirmed_in_its_own_cookies(shop: RunningShop, clock: Clock) -> None:
    """The older front end, which reads these cookies, stays logged in."""
    with Visitor(shop) as visitor:
        start = visitor.http.get("/buyer/connect/alipay/pc/login")
        visitor.http.get(visitor.consent(start.headers["location"]))
        clock.advance(660)
        answer = visitor.http.get(visitor.consent(begin(visitor)))
        assert {"access_token", "refresh_token", "uid"} <= set_cookies(answer).keys()
        assert "connect_session" not in visitor.http.cookies
        assert visitor.http.get(ERASE, headers=HTML).status_code == 200


def test_a_members_password_confirms(clock: Clock) -> None:
    """Theirs alone: a wrong one shows the form again, another member's name is passed over."""
    with run_shop(alipay_and_wechat(), now=clock, change=choosing) as shop, Visitor(shop) as visitor:
        with Visitor(shop) as other:
            others_name = register(other, "maria")
        register(visitor)
        clock.advance(660)
        page = visitor.http.get(f"{CONFIRMING}?return_to={ERASE}", headers=HTML)
        assert 'autocomplete="current-password"' in page.text
        with nothing_written(shop):
            wrong = post(visitor, CONFIRMING, password="wrong", return_to=ERASE)
        assert (wrong.status_code, 'role="alert"' in wrong.text) == (401, True)
        assert visitor.http.get("/connect/me").status_code == 200
        old = visitor.http.cookies["connect_session"]
        answer = post(visitor, CONFIRMING, password=PASSWORD, username=others_name, return_to=ERASE)
        assert (answer.status_code, answer.headers["location"]) == (303, shop.url + ERASE)
        assert visitor.http.cookies["connect_session"] != old
        assert visitor.http.get(ERASE, headers=HTML).status_code == 200
        assert httpx.get(
            f"{shop.url}/connect/me", headers={"cookie": f"connect_session={old}"}, trust_env=False
        ).status_code == 401  # fmt: skip


def test_a_lost_answer_to_the_password_is_given_again(clock: Clock) -> None:
    """To the same browser, for the password alone; not once that session was ended."""
    with run_shop(alipay_and_wechat(), now=clock, change=choosing) as shop, Visitor(shop) as visitor:
        register(visitor)
        clock.advance(660)
        old = visitor.http.cookies["connect_session"]

        def repeat(password: str) -> httpx.Response:
            visitor.http.cookies.set("connect_session", old, domain="127.0.0.1")
            return post(visitor, CONFIRMING, password=password, return_to=ERASE)

        post(visitor, CONFIRMING, password=PASSWORD, return_to=ERASE)
        with nothing_written(shop):
            assert repeat("wrong").status_code == 401
        assert repeat(PASSWORD).status_code == 303
        assert visitor.http.get(ERASE, headers=HTML).status_code == 200
        post(visitor, "/connect/logout")
        assert repeat(PASSWORD).status_code == 401
        assert visitor.http.get("/connect/me").status_code == 401
