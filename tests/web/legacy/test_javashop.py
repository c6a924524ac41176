"""The routes of the two older systems: their paths, shapes, cookies and codes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from connect_alipay.sandbox import AlipayOptions, AlipaySandbox
from connect_core.harness import RunningShop, Visitor, query_of
from connect_core.plugin import IdKind

from ...kit.acme import execute
from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.web_shops import (
    PROFILE,
    SHOP,
    TOKEN,
    HttpsVisitor,
    alipay_and_wechat,
    behind_tls,
    changed,
    check_headers,
    count_code_calls,
    flow_cookies,
    legacy_refused,
    nothing_written,
    query,
    refused,
    set_cookies,
    untouched,
)

FRONT_END = "https://m.shop.example"
PAGE = f"{FRONT_END}/pages/auth/logining"
ALIPAY_APP = {"user-agent": "Mozilla/5.0 (iPhone) AlipayClient/10.5"}
PC, H5 = "/buyer/connect/alipay/pc", "/buyer/connect/alipay/h5"
FAILED = "联合登录失败"


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop whose front end was written for the older systems."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"] = {"redirect_allow": [f"{FRONT_END}/"], "home_url": "/index.html"}

    with run_shop(alipay_and_wechat(), change=change) as running_shop:
        yield running_shop


def pc_back(visitor: Visitor, person: str = "lihua", **parameters: str) -> str:
    """Begin at the PC route and return the address of the callback."""
    begun = visitor.http.get(f"{PC}/login", params=parameters)
    assert begun.status_code == 303
    return visitor.consent(begun.headers["location"], person)


def h5_back(visitor: Visitor, person: str = "lihua") -> dict[str, str]:
    """Begin in H5, and return what the front end's page sends to `h5/login`."""
    begun = visitor.http.get(f"{H5}/getLoginUrl", params={"redirectUri": PAGE}, headers=ALIPAY_APP)
    back = visitor.consent(begun.text, person)
    assert back.startswith(f"{PAGE}?")
    return {"code": query(back)["auth_code"], "uuid": "device-1", "state": query(back)["state"]}


def mini_code(visitor: Visitor, person: str = "lihua") -> str:
    return visitor.client_parameters("alipay", "mini", person)["authCode"]


# /buyer/connect/{provider}/pc/login


def test_pc_login_ends_with_token_cookies(shop: RunningShop, visitor: Visitor) -> None:
    """After the callback the three cookies are set and the shop's home is reached; the tokens are good."""
    answer = visitor.http.get(pc_back(visitor))
    check_headers(answer)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{shop.url}/index.html")
    told = set_cookies(answer)
    assert told.pop("connect_last_used").startswith("alipay;")
    assert list(told) == ["access_token", "refresh_token", "uid"]
    ages = {"access_token": 1200, "refresh_token": 30 * 24 * 3600, "uid": 30 * 24 * 3600}
    for name, rest in told.items():
        assert set(rest.split("; ")[1:]) == {"HttpOnly", "Path=/", "SameSite=lax", f"Max-Age={ages[name]}"}
    cookies = dict(visitor.http.cookies)
    who = visitor.http.get("/connect/me", headers={"authorization": f"Bearer {cookies['access_token']}"}).json()
    assert str(who["uid"]) == cookies["uid"]
    again = visitor.http.post("/connect/token/refresh", json={"refresh_token": cookies["refresh_token"]})
    assert again.json()["uid"] == who["uid"]


@pytest.mark.parametrize("provider", ["alipay", "wechat"])
def test_pc_login_of_every_provider_returns_where_it_should(shop: RunningShop, visitor: Visitor, provider: str) -> None:
    """`return_to` is honoured, for any provider that PC shows."""
    begun = visitor.http.get(f"/buyer/connect/{provider}/pc/login", params={"return_to": f"{FRONT_END}/cart"})
    check_headers(begun)
    callback = visitor.consent(begun.headers["location"])
    assert callback.startswith(f"{shop.url}/connect/{provider}/pc/callback?")
    assert visitor.http.get(callback).headers["location"] == f"{FRONT_END}/cart"


@pytest.mark.parametrize("is_readable", [False, True])
def test_token_cookies_behind_tls(*, is_readable: bool) -> None:
    """They are Secure and Lax; scripts can read them only where the shop has chosen so."""
    with behind_tls(readable_token_cookies=is_readable) as running_shop, HttpsVisitor(running_shop) as visitor:
        answer = visitor.http.get(pc_back(visitor))
        assert answer.headers["location"] == f"{SHOP}/"
        told = set_cookies(answer)
        del told["__Host-connect_last_used"]
        assert list(told) == ["access_token", "refresh_token", "uid"]
        for rest in told.values():
            attributes = set(rest.split("; ")[1:])
            assert {"Secure", "SameSite=lax", "Path=/"} <= attributes
            assert ("HttpOnly" in attributes) is not is_readable
        session = visitor.http.get(visitor.consent(visitor.begin("wechat", "pc")))
        assert all("HttpOnly" in rest for rest in set_cookies(session).values())


def test_pc_callback_replayed_sets_nothing(shop: RunningShop, visitor: Visitor) -> None:
    """A repeated callback is sent on without cookies, and the code is not redeemed again."""
    callback = pc_back(visitor)
    first = visitor.http.get(callback)
    with untouched(shop):
        again = visitor.http.get(callback)
    assert (again.headers["location"], set_cookies(again)) == (first.headers["location"], {})


def test_logout_drops_the_token_cookies(shop: RunningShop, visitor: Visitor) -> None:
    """A logout with the token cookies ends the login and has the browser forget all three."""
    visitor.http.get(pc_back(visitor))
    kept = dict(visitor.http.cookies)
    assert visitor.http.post("/connect/logout").status_code == 204
    assert not {"access_token", "refresh_token", "uid"} & set(visitor.http.cookies)
    answer = httpx.get(f"{shop.url}/connect/me", headers={"authorization": f"Bearer {kept['access_token']}"})
    refused(answer, 401, "not_logged_in")


# /buyer/connect/{provider}/h5


def test_h5_login_url_is_a_text(shop: RunningShop, visitor: Visitor) -> None:
    """Outside Alipay's app it wakes the app on our own start URL; inside it is the vendor's, back to that page."""
    outside = visitor.http.get(f"{H5}/getLoginUrl", params={"redirectUri": PAGE})
    check_headers(outside)
    assert outside.headers["content-type"] == "text/plain; charset=utf-8"
    assert outside.text.startswith(f"{shop.sandbox_url}/alipay/_sandbox/app?url=")
    assert flow_cookies(visitor) == {}
    start_url = query_of(outside.text)["url"]
    assert query_of(start_url) == {"redirect_uri": PAGE, "in_app": "1"}
    woken = visitor.http.get(start_url, headers=ALIPAY_APP)
    assert query_of(woken.headers["location"])["redirect_uri"] == PAGE
    inside = visitor.http.get(f"{H5}/getLoginUrl", params={"redirectUri": PAGE}, headers=ALIPAY_APP)
    assert query_of(inside.text)["redirect_uri"] == PAGE
    assert len(flow_cookies(visitor)) == 2


@pytest.mark.parametrize("sent", [quote(PAGE, safe=""), quote(quote(PAGE, safe=""), safe="")])
def test_h5_login_url_takes_a_page_that_was_encoded_once_more(visitor: Visitor, sent: str) -> None:
    """Front ends of the older system encode the page, some twice; what is on no list is refused in any wrapping."""
    answer = visitor.http.get(f"{H5}/getLoginUrl?redirectUri={sent}", headers=ALIPAY_APP)
    assert query_of(answer.text)["redirect_uri"] == PAGE
    evil = sent.replace("m.shop", "evil")
    legacy_refused(visitor.http.get(f"{H5}/getLoginUrl?redirectUri={evil}", headers=ALIPAY_APP), 400, "E131")


def test_h5_login_answers_the_token_map(shop: RunningShop, visitor: Visitor) -> None:
    """The page sends code, uuid and state, and gets exactly the three values, no cookie."""
    answer = visitor.http.get(f"{H5}/login", params=h5_back(visitor))
    check_headers(answer)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert set(answer.json()) == {"access_token", "refresh_token", "uid"}
    assert "set-cookie" not in answer.headers
    assert shop.rows("es_member_session")[-1]["device_id"] == "device-1"
    who = visitor.http.get("/connect/me", headers={"authorization": f"Bearer {answer.json()['access_token']}"})
    assert (who.json()["uid"], who.json()["client_type"]) == (answer.json()["uid"], "h5")


def test_h5_login_after_waking_the_app(shop: RunningShop, visitor: Visitor) -> None:
    """The flow that began in the app's own browser ends there."""
    outside = visitor.http.get(f"{H5}/getLoginUrl", params={"redirectUri": PAGE})
    with Visitor(shop, user_agent=ALIPAY_APP["user-agent"]) as inside:
        begun = inside.http.get(query_of(outside.text)["url"])
        back = query(inside.consent(begun.headers["location"]))
        sent = {"code": back["auth_code"], "state": back["state"]}
        assert inside.http.get(f"{H5}/login", params=sent).status_code == 200


def test_h5_login_of_another_browser_is_refused(shop: RunningShop, visitor: Visitor) -> None:
    """Code and state without the browser that began are E133, and so is a replay; the vendor is not asked."""
    sent = h5_back(visitor)
    with untouched(shop):
        legacy_refused(httpx.get(f"{shop.url}{H5}/login", params=sent), 400, "E133")
        legacy_refused(visitor.http.get(f"{H5}/login", params=sent | {"state": "0" * 32}), 400, "E133")
        without = {name: value for name, value in sent.items() if name != "state"}
        legacy_refused(visitor.http.get(f"{H5}/login", params=without), 400, "E133")
    assert visitor.http.get(f"{H5}/login", params=sent).status_code == 200
    with untouched(shop):
        legacy_refused(visitor.http.get(f"{H5}/login", params=sent), 400, "E133")


def test_h5_login_expires(clock: Clock) -> None:
    """Ten minutes on, it is E133."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"] = {"redirect_allow": [FRONT_END]}

    with run_shop(change=change, now=clock) as running_shop, Visitor(running_shop) as visitor:
        sent = h5_back(visitor)
        clock.advance(601)
        with untouched(running_shop):
            legacy_refused(visitor.http.get(f"{H5}/login", params=sent), 400, "E133")


def test_refused_h5_login_ends_the_flow(shop: RunningShop, visitor: Visitor) -> None:
    """After a refusal the browser forgets the flow and the page begins anew."""
    sent = h5_back(visitor)
    with nothing_written(shop):
        legacy_refused(visitor.http.get(f"{H5}/login", params=sent | {"code": "made-up"}), 400, "403")
    assert flow_cookies(visitor) == {}


def test_h5_login_url_wants_an_allowed_page(shop: RunningShop, visitor: Visitor) -> None:
    """Without a page, or with one that is not on the allow-list, there is nothing to begin."""
    for params in ({}, {"redirectUri": ""}, {"redirectUri": "https://evil.example/"}, {"redirectUri": f"{PAGE}#x"}):
        answer = visitor.http.get(f"{H5}/getLoginUrl", params=params, headers=ALIPAY_APP)
        legacy_refused(answer, 400, "E131")
    assert flow_cookies(visitor) == {}


# /login/{authCode}


def test_mini_login_answers_the_member(shop: RunningShop, visitor: Visitor) -> None:
    """A person never seen before is registered from Alipay's profile and answered under the older system's names."""
    before = count_code_calls(shop), shop.sandboxes["alipay"].called(PROFILE)
    answer = visitor.http.post(f"/login/{mini_code(visitor, 'wangfang')}")
    check_headers(answer)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert "set-cookie" not in answer.headers
    told = answer.json()
    assert (list(told), told["status"], told["msg"]) == (["status", "msg", "data"], 200, "OK")
    [member] = [row for row in shop.rows("es_member") if row["id"] == told["data"]["id"]]
    face = "https://img.example/wangfang.png"
    assert told["data"] == {
        "id": member["id"],
        "uname": member["uname"],
        "nickname": '王芳 {"🙂"}',
        "face": face,
        "sex": 0,
        "alipayUserId": shop.sandboxes["alipay"].user_id("wangfang"),
        "faceImage": face,
        "isCertified": None,
        "registTime": datetime.fromtimestamp(member["create_time"], UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }
    assert (count_code_calls(shop), shop.sandboxes["alipay"].called(PROFILE)) == (before[0] + 1, before[1] + 1)


def test_mini_login_of_a_known_person_asks_for_no_profile(shop: RunningShop, visitor: Visitor) -> None:
    """A known user id is answered from the database, the same answer as the first time."""
    first = visitor.http.post(f"/login/{mini_code(visitor, 'known')}").json()
    before = count_code_calls(shop), shop.sandboxes["alipay"].called(PROFILE)
    assert visitor.http.post(f"/login/{mini_code(visitor, 'known')}").json() == first
    assert (count_code_calls(shop), shop.sandboxes["alipay"].called(PROFILE)) == (before[0] + 1, before[1])


def test_mini_login_tells_whether_a_person_is_certified() -> None:
    """An app that Alipay tells so passes it on in Alipay's own letters, the second time too."""
    with (
        run_shop({"alipay": AlipaySandbox(AlipayOptions(id_kinds=[IdKind.USER_ID]))}) as running_shop,
        Visitor(running_shop) as visitor,
    ):
        for _ in range(2):
            told = visitor.http.post(f"/login/{mini_code(visitor)}").json()
            assert told["data"]["isCertified"] == "T"


def test_mini_login_is_the_same_member_as_on_the_web(shop: RunningShop, visitor: Visitor) -> None:
    """Whichever app or route a person comes through, they are one member."""
    told = visitor.http.post(f"/login/{mini_code(visitor, 'everywhere')}").json()["data"]
    visitor.http.get(pc_back(visitor, "everywhere"))
    assert visitor.http.cookies["uid"] == str(told["id"])


def test_mini_login_uses_no_cookie(shop: RunningShop, visitor: Visitor) -> None:
    """A session of the same device's web view is neither used nor ended."""
    visitor.log_in("alipay", "pc", "web")
    before = visitor.http.get("/connect/me").json()
    visitor.http.post(f"/login/{mini_code(visitor, 'mini')}")
    assert visitor.http.get("/connect/me").json() == before


@pytest.mark.parametrize("path", ["/login/", "/login/a/b", "/login/a%2fb", "/login"])
def test_mini_login_takes_one_code(visitor: Visitor, path: str) -> None:
    """The code is one segment of the path."""
    legacy_refused(visitor.http.post(path), 404, "E130")


def test_mini_code_is_taken_once(shop: RunningShop, visitor: Visitor) -> None:
    """The same code again is E133, and Alipay is not asked."""
    code = mini_code(visitor)
    assert visitor.http.post(f"/login/{code}").status_code == 200
    with untouched(shop):
        legacy_refused(visitor.http.post(f"/login/{code}"), 400, "E133")


# codes


@pytest.mark.parametrize("path", ["qq/pc/login", "qq/h5/getLoginUrl?redirectUri=/x", "qq/h5/login?code=a&state=b"])
def test_unsupported_provider_is_e130(visitor: Visitor, path: str) -> None:
    """A provider that the shop does not show is E130."""
    legacy_refused(visitor.http.get(f"/buyer/connect/{path}"), 404, "E130")


def test_shop_without_a_mini_program_is_e130() -> None:
    """Where no Alipay mini program is configured, its route says so."""

    def change(raw: dict[str, Any]) -> None:
        raw["clients"]["mini"] = []

    with run_shop(change=change) as running_shop, Visitor(running_shop) as visitor:
        legacy_refused(visitor.http.post("/login/abc"), 404, "E130")


REFUSALS = [
    ("error", "40002:isv.code-invalid", 400, "403"),
    ("error", "40003:isv.invalid-auth-relations", 400, "403"),
    ("error", "40006:isv.insufficient-isv-permissions", 502, "403"),
    ("error", "20000:isp.unknow-error", 502, "403"),
    ("status", "503", 502, "403"),
    ("unsigned", "", 502, "E131"),
    ("wrong_sign", "", 502, "E131"),
    ("missing_id", "", 502, "E131"),
    ("html", "", 502, "E131"),
]


@pytest.mark.parametrize(("kind", "value", "status", "code"), REFUSALS)
def test_vendor_failures_have_the_seeds_codes(
    shop: RunningShop, visitor: Visitor, kind: str, value: str, status: int, code: str
) -> None:
    """What Alipay refuses is 403, what cannot be trusted E131, each with a proper HTTP status, at both JSON routes."""
    for send in (
        lambda: visitor.http.get(f"{H5}/login", params=h5_back(visitor)),
        lambda: visitor.http.post(f"/login/{mini_code(visitor)}"),
    ):
        shop.sandboxes["alipay"].faults.add(kind, value, on=TOKEN)
        with nothing_written(shop):
            answer = send()
        legacy_refused(answer, status, code)
        assert (answer.json()["message"] == FAILED) is (code == "E131")


def test_disabled_member_is_e131(shop: RunningShop, visitor: Visitor) -> None:
    """A member whom the shop has disabled gets no tokens."""
    told = visitor.http.post(f"/login/{mini_code(visitor, 'disabled')}").json()["data"]
    execute(shop.database_url, "UPDATE es_member SET disabled = 1 WHERE id = ?", told["id"])
    with nothing_written(shop):
        legacy_refused(visitor.http.post(f"/login/{mini_code(visitor, 'disabled')}"), 403, "E131")
        legacy_refused(visitor.http.get(f"{H5}/login", params=h5_back(visitor, "disabled")), 403, "E131")


def test_limit_is_told_with_a_time(shop: RunningShop) -> None:
    """Past the budget the legacy routes are 429 too, with Retry-After."""

    def change(raw: dict[str, Any]) -> None:
        raw["limits"] = {"per_address": "1/hour"}

    with run_shop(change=change) as running_shop, Visitor(running_shop) as visitor:
        assert visitor.http.get(f"{PC}/login").status_code == 303
        for answer in (visitor.http.get(f"{PC}/login"), visitor.http.post("/login/abc")):
            legacy_refused(answer, 429, "E131")
            assert int(answer.headers["retry-after"]) > 0


def test_message_is_in_the_visitors_language(visitor: Visitor) -> None:
    """The message follows Accept-Language; the code does not."""
    url = changed("/buyer/connect/qq/pc/login", return_to="/")
    chinese = visitor.http.get(url, headers={"accept-language": "zh-CN"}).json()
    english = visitor.http.get(url).json()
    assert chinese == {"code": "E130", "message": "这里没有这种登录方式"}
    assert english == {"code": "E130", "message": "This login is not offered here"}
