"""Parameters that nobody reads refuse nothing, whatever they look like; one that came twice with one value is one."""

import json

import pytest

from connect_core.harness import RunningShop, Visitor

from ...kit.databases import run_shop
from ...kit.web_shops import bearer, come_back, query, refused

UNREAD = {
    "repeated": "utm_source=a&utm_source=b",
    "long": f"fbclid={'a' * 9000}",
    "many": "&".join(f"x{number}=1" for number in range(300)),
    "NUL": "gclid=%00",
    "line break": "gclid=a%0d%0ab",
    "no UTF-8": "%ff=%fe&gclid=%ff",
    "no UTF-8, raw": "gclid=\xff",
    "GBK": "from=%C9%CC%B3%C7",
    "nested": "utm[a][]=b&utm[a][]=c&state[]=x&code[0]=y",
    "bare": "&&=&=a&utm&%",
    "half of a pair": "gclid=%ED%A0%80",
}
PLACES = [
    "/connect/alipay/pc/login",
    "/connect/login",
    "/connect/providers?client=pc",
    "/connect/account",
    "/connect/handover",
    "/buyer/connect/alipay/pc/login",
    "/buyer/connect/alipay/h5/getLoginUrl?redirectUri={shop}/done",
]


def with_more(url: str, more: str) -> str:
    """Return `url` with more parameters, before its own."""
    address, _, own = url.partition("?")
    return f"{address}?{more}&{own}" if own else f"{address}?{more}"


@pytest.mark.parametrize("more", UNREAD.values(), ids=UNREAD)
def test_links_and_pages_take_any(shop: RunningShop, visitor: Visitor, more: str) -> None:
    """Login links, pages and lists answer as they do without."""
    for place in PLACES:
        plain = visitor.http.get(place.format(shop=shop.url))
        tracked = visitor.http.get(with_more(place.format(shop=shop.url), more))
        assert (tracked.status_code, plain.status_code) in ((303, 303), (200, 200)), place


@pytest.mark.parametrize("more", UNREAD.values(), ids=UNREAD)
@pytest.mark.parametrize("provider", ["alipay", "wechat"])
def test_callbacks_take_any(visitor: Visitor, provider: str, more: str) -> None:
    """The login is finished, before and after the vendor's own parameters."""
    callback = come_back(visitor, provider)
    assert visitor.http.get(with_more(f"{callback}&{more}", more)).status_code == 303
    assert visitor.http.get("/connect/me").status_code == 200


@pytest.mark.parametrize("more", UNREAD.values(), ids=UNREAD)
def test_posted_callbacks_take_any(visitor: Visitor, more: str) -> None:
    """A form_post response is parked with what is read of it."""
    address, _, own = come_back(visitor).partition("?")
    form = {"content-type": "application/x-www-form-urlencoded"}
    parked = visitor.http.post(address, content=f"{more}&{own}".encode("latin-1"), headers=form)
    assert visitor.http.get(parked.headers["location"]).status_code == 303
    assert visitor.http.get("/connect/me").status_code == 200


BODIES = {
    "objects": {"userInfo": {"nickName": "李华", "gender": 0}, "list": [1, {"a": None}]},
    "numbers": {"scene": 1001, "price": 1.5, "big": 10**300},
    "null": {"encryptedData": None, "iv": None, "ticket": None},
    "truth values": {"isNew": True},
    "controls": {"trace": "a\u0000\nb"},
    "half of a pair": {"trace": "\ud800"},
    "long": {"trace": "a" * 9000},
    "many": {f"x{number}": "1" for number in range(300)},
    "arrays": {"state[]": "a", "code[0]": "b"},
}


@pytest.mark.parametrize("more", BODIES.values(), ids=BODIES)
def test_token_requests_take_any(visitor: Visitor, more: dict[str, object]) -> None:
    """A mini program's token request, and one of a front end's own page."""
    mini = visitor.client_parameters("wechat", "mini")
    page = query(come_back(visitor, "wechat", "h5", redirect_uri=f"{visitor.shop.url}/done"))
    places = {"wechat/mini/token": mini, "wechat/h5/token": page, "alipay/app/login-url": {}}
    for path, body in places.items():
        answer = visitor.http.post(f"/connect/{path}", content=json.dumps(more | body))
        assert answer.status_code == 200, path


@pytest.mark.parametrize("more", [{}, {"utm_source": "a", "trace": "\x00"}], ids=["plain", "with more"])
def test_what_a_program_posts_may_be_a_form(visitor: Visitor, more: dict[str, str]) -> None:
    """HTTP clients of mini programs post forms, and some of their authors ask for it; `curl` calls JSON a form."""
    for path in ("alipay/mini", "wechat/h5"):
        page = query(come_back(visitor, "wechat", "h5", redirect_uri=f"{visitor.shop.url}/done"))
        body = page if path == "wechat/h5" else visitor.client_parameters("alipay", "mini")
        tokens = visitor.http.post(f"/connect/{path}/token", data=body | more)
        assert tokens.status_code == 200, path
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens.json()["refresh_token"]}
        refreshed = visitor.http.post("/connect/token/refresh", data=refresh | more)
        assert refreshed.status_code == 200, path
        ended = visitor.http.post("/connect/logout", data={"refresh_token": refreshed.json()["refresh_token"]} | more)
        assert ended.status_code == 204
        assert visitor.http.get("/connect/me", headers=bearer(refreshed)).status_code == 401
    assert visitor.http.post("/connect/alipay/app/login-url", data={"return_to": "/"} | more).status_code == 200
    [code] = visitor.client_parameters("alipay", "mini").values()
    assert visitor.http.post(f"/login/{code}", data=more or {"x": "1"}).status_code == 200
    form = {"content-type": "application/x-www-form-urlencoded"}
    body = json.dumps(visitor.client_parameters("alipay", "mini") | more)
    assert visitor.http.post("/connect/alipay/mini/token", content=body, headers=form).status_code == 200


def test_what_get_user_info_gave_comes_with_a_good_code(visitor: Visitor) -> None:
    """WeChat's own example of `wx.getUserInfo`, signed and encrypted for another session: the login stands."""
    more = {
        "errMsg": "getUserInfo:ok",
        "rawData": '{"nickName":"Band","gender":1,"language":"zh_CN"}',
        "signature": "75e81ceda165f4ffa64f4068af58c64b8f54b88c",
        "encryptedData": "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS",
        "iv": "r7BXXKkLb8qrSNn05n0qiA==",
        "userInfo": {"nickName": "Band", "gender": 1, "avatarUrl": "http://wx.qlogo.cn/mmopen/1"},
        "cloudID": None,
        "scene": 1001,
    }
    body = visitor.client_parameters("wechat", "mini")
    answer = visitor.http.post("/connect/wechat/mini/token", json=more | body)
    who = visitor.http.get("/connect/me", headers=bearer(answer)).json()
    assert who["connections"] == ["WECHAT"]
    assert visitor.shop.rows("es_member")[-1]["mobile"] in (None, "")


@pytest.mark.parametrize("raw", ["\\u0000李\\n华", "\\ud800李华", "李\u202e华"])
def test_a_nickname_is_display_text(visitor: Visitor, raw: str) -> None:
    """However a client spells it, it refuses no login."""
    body = json.dumps(visitor.client_parameters("wechat", "mini"))[:-1] + f', "nickname": "{raw}"}}'
    answer = visitor.http.post("/connect/wechat/mini/token", content=body.encode("utf-8", "surrogatepass"))
    assert answer.status_code == 200


def test_equal_repeats_are_one_value(visitor: Visitor) -> None:
    """In queries, forms and JSON, under one name or two; an empty one counts as none."""
    callback = come_back(visitor)
    code, state = query(callback)["auth_code"], query(callback)["state"]
    assert visitor.http.get(f"{callback}&state={state}&auth_code={code}&code={code}&code=").status_code == 303
    callback = come_back(visitor)
    fields = [*query(callback).items()] * 2
    address, form = callback.partition("?")[0], {"content-type": "application/x-www-form-urlencoded"}
    content = "&".join(f"{name}={value}" for name, value in fields)
    parked = visitor.http.post(address, content=content, headers=form)
    assert visitor.http.get(parked.headers["location"]).status_code == 303
    [code] = visitor.client_parameters("alipay", "mini").values()
    twice = f'{{"authCode": "{code}", "code": "{code}", "code": "{code}", "auth_code": ""}}'
    assert visitor.http.post("/connect/alipay/mini/token", content=twice).status_code == 200


def test_contradictions_are_refused(visitor: Visitor) -> None:
    """Two codes or two states, under one name or two."""
    codes = [code for _ in range(2) for code in visitor.client_parameters("alipay", "mini").values()]
    answer = visitor.http.post("/connect/alipay/mini/token", json=dict(zip(("authCode", "code"), codes, strict=True)))
    refused(answer, 400, "bad_request")
    twice = f'{{"code": "{codes[0]}", "code": "{codes[1]}"}}'
    refused(visitor.http.post("/connect/alipay/mini/token", content=twice), 400, "bad_request")
    with run_shop() as other, Visitor(other) as elsewhere:
        assert elsewhere.http.get(come_back(elsewhere) + "&state=").status_code == 303
        refused(elsewhere.http.get(come_back(elsewhere) + "&state=b"), 400, "bad_request")


def test_a_whole_number_is_its_digits(visitor: Visitor) -> None:
    """A member that is read may be a number: here a device's."""
    body = visitor.client_parameters("alipay", "mini") | {"device_id": 12345678901234567890}
    answer = visitor.http.post("/connect/alipay/mini/token", json=body)
    assert answer.status_code == 200
    assert visitor.shop.rows("es_member_session")[-1]["device_id"] == "12345678901234567890"
