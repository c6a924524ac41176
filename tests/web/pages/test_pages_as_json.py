"""Everything pages show and do, JSON shows and does: a front end of the shop's own lacks nothing."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from connect_core.harness import RunningShop, Visitor

from ...kit.account_page import bind
from ...kit.databases import run_shop
from ...kit.first_logins import choosing
from ...kit.web_shops import HTML, alipay_and_wechat, refused

ACCOUNT = "/connect/account"


@pytest.fixture
def asking() -> Iterator[RunningShop]:
    """A shop that asks newcomers."""
    with run_shop(alipay_and_wechat(), change=choosing) as running_shop:
        yield running_shop


def test_a_newcomer_is_shown_and_asked_by_json(asking: RunningShop) -> None:
    """What the choose page shows, a front end's own page gets, with the cookie alone; and it posts the choice."""
    with Visitor(asking) as visitor:
        refused(visitor.http.get("/connect/first-login"), 400, "state_missing")
        visitor.log_in("alipay", "pc")
        shown = visitor.http.get("/connect/first-login", headers={"accept-language": "en"})
        join = {"provider": "wechat", "name": "WeChat", "join_url": "/connect/wechat/pc/join"}
        subject = shown.json()["subject"]
        names = {"provider": "alipay", "name": "Alipay", "nickname": "李华"}
        assert shown.json() == {**names, "subject": subject, "joins": [join]}
        assert asking.rows("es_member") == []
        done = visitor.http.post("/connect/first-login", json={"decision": "register", "page_subject": subject})
        assert done.status_code == 303
        assert visitor.http.get("/connect/me").json()["nickname"] == "李华"


def test_the_account_page_shows_what_json_tells(visitor: Visitor) -> None:
    """Connections, what else can be bound, sessions: each on the page and in an answer."""
    visitor.log_in("alipay", "pc")
    bind(visitor)
    page = visitor.http.get(ACCOUNT, headers={**HTML, "accept-language": "zh"}).text
    connections = visitor.http.get("/connect/connections").json()
    unbound = {f"/connect/connections/{one['union_type']}/unbind" for one in connections}
    assert unbound == set(re.findall(r'action="([^"]+/unbind)"', page))
    offered = visitor.http.get("/connect/providers?client=pc").json()
    assert {one["provider"] for one in offered} == {"alipay", "wechat"}
    assert "/bind" not in page
    sessions = visitor.http.get("/connect/sessions").json()
    assert [one["is_this"] for one in sessions] == [True]
    assert page.count("当前设备") == 1
    assert visitor.http.get("/connect/me").json()["nickname"] in page


def test_every_form_of_the_account_page_has_its_json(shop: RunningShop, visitor: Visitor) -> None:
    """Bind, unbind, end one session or all others, log out, erase: without a page, and with a status instead."""
    with Visitor(shop) as other, Visitor(shop) as third:
        for one in (visitor, other, third):
            one.log_in("alipay", "pc", "json")
        page = visitor.http.get(ACCOUNT, headers=HTML).text
        actions = {re.sub(r"/sessions/[^/]{9,}/", "/sessions/ID/", one) for one in re.findall('action="([^"]+)"', page)}
        assert actions == {
            "/connect/connections/ALIPAY/unbind",
            "/connect/wechat/pc/bind",
            "/connect/sessions/ID/end",
            "/connect/sessions/end",
            "/connect/logout",
        }
        assert urlsplit(bind(visitor, "wechat", "json").headers["location"]).path == ACCOUNT
        assert visitor.http.delete("/connect/connections/WECHAT").status_code == 204
        listed = visitor.http.get("/connect/sessions").json()
        assert visitor.http.delete(f"/connect/sessions/{listed[1]['id']}").status_code == 204
        assert visitor.http.delete("/connect/sessions").status_code == 204
        assert len(visitor.http.get("/connect/sessions").json()) == 1
        assert visitor.http.get(f"{ACCOUNT}/export").json()["member"]["nickname"] == "json"
        assert visitor.http.delete(ACCOUNT).status_code == 204
        assert visitor.http.post("/connect/logout").status_code == 204
