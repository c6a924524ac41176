"""The binder routes of older front ends: their paths, shapes and codes, and none of what made them unsafe."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor, query_of

from ...kit.account_page import bound
from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.web_shops import (
    bearer,
    check_headers,
    count_code_calls,
    flow_cookies,
    legacy_refused,
    mini_login,
    nothing_written,
    set_cookies,
    untouched,
)

OWN = "/buyer/account-binder"
JOIN = "/buyer/passport/login-binder"
BINDER = "https://m.shop.example/binder"
PASSWORD = "correct horse battery staple"
EVIL = {"origin": "https://evil.example"}


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop that registers at once."""
    with run_shop(now=clock) as running_shop:
        yield running_shop


@pytest.fixture
def asking(clock: Clock) -> Iterator[RunningShop]:
    """A shop that asks newcomers, on a binder page of its own."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"] = {"first_login": "choose", "binder_url": BINDER, "redirect_allow": ["https://m.shop.example/"]}

    with run_shop(now=clock, change=change) as running_shop:
        yield running_shop


def log_in(visitor: Visitor, provider: str = "alipay", person: str = "lihua", client: str = "pc") -> httpx.Response:
    """Log in as an older front end does; the result is token cookies, or a login that waits."""
    begun = visitor.http.get(f"/buyer/connect/{provider}/{client}/login")
    assert begun.status_code == 303, begun.text
    return visitor.http.get(visitor.consent(begun.headers["location"], person))


def bind(visitor: Visitor, union_type: str = "WECHAT") -> None:
    """Bind as an older front end does."""
    assert visitor.http.get(visitor.consent(visitor.http.get(f"{OWN}/pc/{union_type}").text)).status_code == 303


def wait(visitor: Visitor, provider: str = "wechat", person: str = "lihua") -> str:
    """Log in as a newcomer and return the `uuid` that the binder page gets."""
    answer = log_in(visitor, provider, person)
    page, _, uuid = answer.headers["location"].partition("?uuid=")
    assert (answer.status_code, page) == (303, BINDER)
    return uuid


def register(visitor: Visitor, person: str = "wangfang") -> str:
    """Register with Alipay on the binder page, set a password, and return the member's name."""
    answer = visitor.http.post(f"{OWN}/register/{wait(visitor, 'alipay', person)}")
    assert answer.status_code == 200, answer.text
    headers = bearer(answer)
    password = visitor.http.post("/connect/account/password", json={"password": PASSWORD}, headers=headers)
    assert password.status_code == 204
    visitor.http.headers.update(headers)
    return str(visitor.http.get("/connect/me").json()["uname"])


def join(visitor: Visitor, uuid: str, page: str = "pc", method: str = "PUT", **sent: str) -> httpx.Response:
    """Log in on the binder page, as a form."""
    return visitor.http.request(method, f"{JOIN}/{page}/{uuid}", data=sent)


# /buyer/connect/{provider}/{client}/login


@pytest.mark.parametrize(("provider", "client"), [("alipay", "pc"), ("wechat", "pc"), ("github", "pc")])
def test_a_login_link_of_every_provider(shop: RunningShop, provider: str, client: str) -> None:
    """It leads to the vendor and ends with the token cookies."""
    with Visitor(shop) as visitor:
        answer = log_in(visitor, provider, client=client)
        names = ["access_token", "refresh_token", "uid", "connect_last_used"]
        assert (answer.status_code, list(set_cookies(answer))) == (303, names)


@pytest.mark.parametrize("path", ["alipay/mini", "alipay/app", "wechat/mini", "nobody/pc", "alipay/tv"])
def test_a_login_link_that_does_not_redirect_is_e130(shop: RunningShop, path: str) -> None:
    """Apps and mini programs do not begin in a browser; nor does what is not configured."""
    with Visitor(shop) as visitor:
        legacy_refused(visitor.http.get(f"/buyer/connect/{path}/login"), 404, "E130")
        assert flow_cookies(visitor) == {}


# /buyer/account-binder


def test_the_list_names_every_union_type_once(shop: RunningShop) -> None:
    """One entry for each that the shop has configured, in upper case."""
    with Visitor(shop) as visitor:
        log_in(visitor)
        answer = visitor.http.get(f"{OWN}/list")
        check_headers(answer)
        told = {one["union_type"]: one["is_bind"] for one in answer.json()}
        assert len(told) == len(answer.json())
        assert set(told) == {configured.provider.union_type for configured in shop.manager.registry}
        assert [one for one, is_bound in told.items() if is_bound] == ["ALIPAY"]


def test_a_member_binds_where_the_text_leads(shop: RunningShop) -> None:
    """The address comes as text; the vendor sends the browser back to our callback, and the member has both."""
    with Visitor(shop) as visitor:
        log_in(visitor)
        begun = visitor.http.get(f"{OWN}/pc/WECHAT")
        check_headers(begun)
        assert begun.headers["content-type"] == "text/plain; charset=utf-8"
        answer = visitor.http.get(visitor.consent(begun.text))
        assert (answer.status_code, answer.headers["location"]) == (303, f"{shop.url}/")
        assert bound(shop) == [(1, "ALIPAY"), (1, "WECHAT")]
        tokens = mini_login(visitor)
        visitor.http.cookies.clear()
        listed = visitor.http.get(f"{OWN}/list", headers=bearer(tokens)).json()
        assert {one["union_type"] for one in listed if one["is_bind"]} == {"ALIPAY", "WECHAT"}


def test_a_bind_goes_to_the_session_and_never_to_a_uid(shop: RunningShop) -> None:
    """A `uid` in the query, the cookie or the callback names nobody."""
    with Visitor(shop) as victim, Visitor(shop) as visitor:
        log_in(victim, person="wangfang")
        log_in(visitor)
        visitor.http.cookies.set("uid", "1")
        begun = visitor.http.get(f"{OWN}/pc/WECHAT", params={"uid": "1"})
        visitor.http.get(visitor.consent(begun.text) + "&uid=1")
    assert bound(shop) == [(1, "ALIPAY"), (2, "ALIPAY"), (2, "WECHAT")]


def test_what_begins_in_no_browser_is_e130(shop: RunningShop) -> None:
    """An unknown type."""
    with Visitor(shop) as visitor:
        log_in(visitor)
        legacy_refused(visitor.http.get(f"{OWN}/pc/NOBODY"), 404, "E130")


def test_unbinding_answers_nothing(shop: RunningShop) -> None:
    """Bound and unbound; a second time, and what never was, is E134; the last way in stays."""
    with Visitor(shop) as visitor:
        log_in(visitor)
        bind(visitor)
        answer = visitor.http.post(f"{OWN}/unbind/WECHAT")
        assert (answer.status_code, answer.text) == (200, "")
        for union_type in ("WECHAT", "QQ", "%00"):
            legacy_refused(visitor.http.post(f"{OWN}/unbind/{union_type}"), 404, "E134")
        with nothing_written(shop):
            legacy_refused(visitor.http.post(f"{OWN}/unbind/ALIPAY"), 409, "E131")
    assert bound(shop) == [(1, "ALIPAY")]


def test_unbind_out_logs_out_and_keeps_the_only_way_back(shop: RunningShop) -> None:
    """WeChat goes where another login is left, and stays where it is the only one; nothing bound is E134."""
    with Visitor(shop) as visitor:
        for is_alone in (False, True):
            log_in(visitor, "wechat", "maria" if is_alone else "lihua")
            if not is_alone:
                bind(visitor, "ALIPAY")
            assert visitor.http.post(f"{OWN}/unbind/out").status_code == 200
            assert not {"access_token", "refresh_token", "uid"} & set(visitor.http.cookies)
            assert visitor.http.get("/connect/me").status_code == 401
        log_in(visitor, "alipay")
        legacy_refused(visitor.http.post(f"{OWN}/unbind/out"), 404, "E134")
    assert bound(shop) == [(1, "ALIPAY"), (2, "WECHAT")]


def test_the_account_wants_a_login_and_a_fresh_one(shop: RunningShop, clock: Clock) -> None:
    """Nobody is 107, an old login E133; the list alone is for old logins too."""
    with Visitor(shop) as visitor:

        def ask() -> list[httpx.Response]:
            posts = [visitor.http.post(f"{OWN}/{path}") for path in ("unbind/WECHAT", "unbind/out", "login/x")]
            return [visitor.http.get(f"{OWN}/pc/WECHAT"), *posts]

        for answer in [*ask(), visitor.http.get(f"{OWN}/list")]:
            legacy_refused(answer, 401, "107")
        log_in(visitor)
        clock.advance(601)
        before = bound(shop)
        for answer in ask():
            legacy_refused(answer, 403, "E133")
        assert visitor.http.get(f"{OWN}/list").status_code == 200
        assert bound(shop) == before


def test_no_strangers_page_binds_or_unbinds(shop: RunningShop) -> None:
    """A form of another site is refused at every route that changes something, and GET does not exist there."""
    with Visitor(shop) as visitor:
        log_in(visitor)
        bind(visitor)
        paths = [f"{OWN}/{path}" for path in ("unbind/WECHAT", "unbind/out", "login/x", "register/x")]
        with untouched(shop):
            for path in paths:
                legacy_refused(visitor.http.post(path, headers=EVIL), 403, "E133")
                assert visitor.http.get(path).status_code == 405
            for page in ("pc", "wap"):
                legacy_refused(visitor.http.put(f"{JOIN}/{page}/x", headers=EVIL), 403, "E133")


# the login that waits


def test_a_newcomer_registers_on_the_front_ends_own_page(asking: RunningShop) -> None:
    """`register` makes the member and answers the tokens, once."""
    with Visitor(asking) as visitor:
        uuid = wait(visitor)
        assert asking.rows("es_member") == []
        answer = visitor.http.post(f"{OWN}/register/{uuid}")
        check_headers(answer)
        assert answer.json() | {"access_token": "", "refresh_token": ""} == {
            "result": "bind_success", "access_token": "", "refresh_token": "", "uid": 1,
        }  # fmt: skip
        assert set_cookies(answer) == {}
        assert visitor.http.get("/connect/me", headers=bearer(answer)).json()["connections"] == ["WECHAT"]
        legacy_refused(visitor.http.post(f"{OWN}/register/{uuid}"), 400, "E133")


def test_register_after_the_shops_own_registration_binds_in_silence(asking: RunningShop) -> None:
    """A member who is logged in gets the identity that waits."""
    with Visitor(asking) as visitor:
        register(visitor)
        answer = visitor.http.post(f"{OWN}/register/{wait(visitor)}")
        assert (answer.status_code, answer.text) == (200, "")
    assert bound(asking) == [(1, "ALIPAY"), (1, "WECHAT")]


def test_who_is_logged_in_binds_who_waits(asking: RunningShop) -> None:
    """`login` binds, and answers fresh tokens; a second time the login waits no more."""
    with Visitor(asking) as visitor:
        register(visitor)
        uuid = wait(visitor)
        answer = visitor.http.post(f"{OWN}/login/{uuid}")
        assert (answer.json()["result"], answer.json()["uid"]) == ("bind_success", 1)
        assert set_cookies(answer) == {}
        assert visitor.http.get("/connect/me", headers=bearer(answer)).json()["connections"] == ["ALIPAY", "WECHAT"]
        legacy_refused(visitor.http.post(f"{OWN}/login/{uuid}"), 400, "E133")


@pytest.mark.parametrize(("page", "method"), [("pc", "PUT"), ("wap", "PUT"), ("wap", "POST")])
def test_a_password_joins_who_waits(asking: RunningShop, page: str, method: str) -> None:
    """The member whom the password proves has both logins from then on."""
    with Visitor(asking) as visitor, Visitor(asking) as later:
        name = register(visitor)
        answer = join(later, wait(later), page, method, username=name, password=PASSWORD, captcha="1111")
        check_headers(answer)
        assert answer.json().keys() == {"result", "access_token", "refresh_token", "uid"}
        assert (answer.json()["result"], answer.json()["uid"]) == ("bind_success", 1)
    assert bound(asking) == [(1, "ALIPAY"), (1, "WECHAT")]


def test_wrong_credentials_are_107(asking: RunningShop) -> None:
    """A wrong name, a wrong password, none, and one in the query; the login goes on waiting."""
    with Visitor(asking) as visitor, Visitor(asking) as later:
        name = register(visitor)
        uuid = wait(later)
        with nothing_written(asking):
            for sent in (
                {},
                {"username": name},
                {"username": name, "password": "x"},
                {"username": "x", "password": "x"},
            ):
                legacy_refused(join(later, uuid, **sent), 401, "107")
            in_query = later.http.put(f"{JOIN}/pc/{uuid}", params={"username": name, "password": PASSWORD})
            legacy_refused(in_query, 401, "107")
        assert join(later, uuid, username=name, password=PASSWORD).status_code == 200


def test_passwords_are_tried_ten_times_an_hour(asking: RunningShop) -> None:
    """Counted for the name, as on our own page."""
    with Visitor(asking) as visitor:
        uuid = wait(visitor)
        for _ in range(10):
            legacy_refused(join(visitor, uuid, username="m_x", password="x"), 401, "107")
        legacy_refused(join(visitor, uuid, username="m_x", password="x"), 429, "E131")


def test_somebody_elses_identity_is_143(asking: RunningShop) -> None:
    """Whoever has it keeps it, whichever way it is asked for, also when it was registered while this login waited."""
    with Visitor(asking) as visitor, Visitor(asking) as owner, Visitor(asking) as later:
        name = register(visitor)
        uuid, theirs, third = wait(visitor), wait(owner), wait(later)
        assert owner.http.post(f"{OWN}/register/{theirs}").status_code == 200
        before = bound(asking)
        legacy_refused(visitor.http.post(f"{OWN}/login/{uuid}"), 409, "143")
        legacy_refused(visitor.http.post(f"{OWN}/register/{uuid}"), 409, "143")
        legacy_refused(join(later, third, username=name, password=PASSWORD), 409, "143")
        assert bound(asking) == before


def test_a_foreign_uuid_is_e133(asking: RunningShop, clock: Clock) -> None:
    """Another browser's, a made-up and an expired one: whoever knows a uuid has nothing, and nothing is written."""
    with Visitor(asking) as visitor, Visitor(asking) as stranger, Visitor(asking) as third:
        name = register(stranger)
        uuid = wait(visitor)
        wait(third, person="maria")
        with untouched(asking):
            for browser, other in product((stranger, third), (uuid, "0" * 32, "x")):
                legacy_refused(join(browser, other, username=name, password=PASSWORD), 400, "E133")
                legacy_refused(browser.http.post(f"{OWN}/register/{other}"), 400, "E133")
            legacy_refused(stranger.http.post(f"{OWN}/login/{uuid}"), 400, "E133")
        clock.advance(601)
        legacy_refused(visitor.http.post(f"{OWN}/register/{uuid}"), 400, "E133")


def test_an_app_brings_its_ticket(asking: RunningShop) -> None:
    """Without cookies the ticket is in the body, and its first part is the uuid; another's does not fit."""
    with Visitor(asking) as visitor:
        ticket = mini_login(visitor).json()["choice_ticket"]
        uuid = ticket.partition(".")[0]
        legacy_refused(visitor.http.post(f"{OWN}/register/{'0' * 32}", json={"ticket": ticket}), 400, "E133")
        assert visitor.http.post(f"{OWN}/register/{uuid}", json={"ticket": ticket}).json()["uid"] == 1


def test_without_a_page_of_its_own_the_hosted_one_asks(clock: Clock) -> None:
    """And a login that did not come through `/buyer` is asked there in any case."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"]["first_login"] = "choose"

    with run_shop(now=clock, change=change) as running_shop, Visitor(running_shop) as visitor:
        assert log_in(visitor).headers["location"] == "/connect/first-login"


def test_our_own_logins_stay_on_our_own_page(asking: RunningShop) -> None:
    """`binder_url` is for the front end of the `/buyer` routes."""
    with Visitor(asking) as visitor:
        assert visitor.log_in("alipay", "pc").headers["location"] == "/connect/first-login"


# what is not offered


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/buyer/passport/connect/app/ALIPAY/param"),
        ("GET", "/buyer/passport/connect/app/ALIPAY/openid"),
        ("POST", "/buyer/passport/login-binder/app"),
        ("POST", "/buyer/passport/sms-binder/app"),
        ("POST", "/buyer/passport/register-binder/app"),
        ("POST", "/buyer/connect/wechat/app/login/device-1"),
    ],
)
def test_what_a_client_only_claims_is_e130(shop: RunningShop, method: str, path: str) -> None:
    """The id of a known member, sent by whoever: no login, no vendor asked, and no setting told."""
    with Visitor(shop) as visitor:
        log_in(visitor)
        [one] = shop.rows("es_connect")
        claimed = {"openid": one["union_id"], "unionid": one["union_id"], "type": "ALIPAY"}
        before = count_code_calls(shop)
        with nothing_written(shop):
            legacy_refused(visitor.http.request(method, path, params=claimed), 404, "E130")
        assert count_code_calls(shop) == before


def test_queries_are_kept(shop: RunningShop) -> None:
    """`return_to` of a bind is honoured, and checked."""
    with Visitor(shop) as visitor:
        log_in(visitor)
        begun = visitor.http.get(f"{OWN}/pc/WECHAT", params={"return_to": "/member/account-binding"})
        assert query_of(begun.text)["redirect_uri"] == f"{shop.url}/connect/wechat/pc/callback"
        assert visitor.http.get(visitor.consent(begun.text)).headers["location"] == f"{shop.url}/member/account-binding"
        answer = visitor.http.get(f"{OWN}/pc/QQ", params={"return_to": "https://evil.example/"})
        legacy_refused(answer, 400, "E131")
