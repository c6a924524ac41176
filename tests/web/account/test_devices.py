"""Where a member is logged in: browser, system and place of each session, and of the PC that a phone confirms."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connect_core.harness import RunningShop, Visitor, run_shop

from ...kit.geoip_files import HANGZHOU, write_geoip_file
from ...kit.html_pages import ParsedPage
from ...kit.qr_logins import PC_AGENT, approve, collect, start
from ...kit.web_shops import HTML, alipay_and_wechat

PHONE_AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.59"
ADDRESS = {"x-forwarded-for": "203.0.113.7"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """A shop with a GeoIP file, behind a proxy on loopback."""
    file = write_geoip_file(Path(tmp_path_factory.mktemp("geoip")) / "city.mmdb", {"203.0.113.0/24": HANGZHOU})

    def change(raw: dict[str, Any]) -> None:
        raw["pages"] = {"geoip_database": file}
        raw["service"]["trusted_proxies"] = ["127.0.0.1"]

    with run_shop(alipay_and_wechat(), change=change) as running_shop:
        yield running_shop


@pytest.fixture
def pc(shop: RunningShop) -> Iterator[Visitor]:
    """A PC in Hangzhou."""
    with Visitor(shop, user_agent=PC_AGENT) as visitor:
        visitor.http.headers.update(ADDRESS)
        yield visitor


@pytest.fixture
def phone(shop: RunningShop) -> Iterator[Visitor]:
    """WeChat on an iPhone, at an address that the file does not know."""
    with Visitor(shop, user_agent=PHONE_AGENT) as visitor:
        yield visitor


def test_a_session_says_where_it_came_from(shop: RunningShop, pc: Visitor) -> None:
    """As JSON in the visitor's language; neither the address nor the whole header is stored."""
    pc.log_in("alipay", "pc")
    [session] = pc.http.get("/connect/sessions", headers={"accept-language": "en"}).json()
    where = {"browser": "Chrome", "system": "Windows", "city": "Hangzhou", "country": "China"}
    assert {name: session[name] for name in where} == where
    assert "location" not in session
    [in_chinese] = pc.http.get("/connect/sessions", headers={"accept-language": "zh"}).json()
    assert (in_chinese["city"], in_chinese["country"]) == ("杭州", "中国")
    row = json.dumps(shop.rows("es_member_session"), ensure_ascii=False)
    assert "203.0.113" not in row
    assert "Mozilla" not in row


def test_this_session_comes_first(pc: Visitor, phone: Visitor) -> None:
    """Then the one that was used last, in JSON and on the page, where this one has a badge in place of a button."""
    pc.log_in("alipay", "pc", "maria")
    phone.log_in("alipay", "h5", "maria")
    for visitor, browsers in ((pc, ["Chrome", "WeChat"]), (phone, ["WeChat", "Chrome"])):
        listed = visitor.http.get("/connect/sessions").json()
        assert [session["browser"] for session in listed] == browsers
        assert [session["is_this"] for session in listed] == [True, False]
    page = ParsedPage(pc.http.get("/connect/account", headers={**HTML, "accept-language": "en"}).text)
    first, second = page.text.index("Chrome · Windows"), page.text.index("WeChat · iOS")
    assert first < page.text.index("This device") < second
    assert "Hangzhou, China" in page.text
    assert page.text.count("Last active") == 2
    in_chinese = pc.http.get("/connect/account", headers={**HTML, "accept-language": "zh"}).text
    assert "微信 · iOS" in in_chinese
    assert "中国 杭州" in in_chinese


def test_a_refreshed_session_keeps_its_device(shop: RunningShop, phone: Visitor) -> None:
    """The successor of a refresh token is the same login."""
    tokens = phone.log_in("wechat", "mini", "lihua").json()
    bearer = phone.http.post("/connect/token/refresh", json={"refresh_token": tokens["refresh_token"]}).json()
    headers = {"authorization": f"Bearer {bearer['access_token']}"}
    listed = phone.http.get("/connect/sessions", headers=headers).json()
    assert [session["browser"] for session in listed if session["is_this"]] == ["WeChat"]


def test_an_export_has_it_and_an_erasure_leaves_nothing(shop: RunningShop, pc: Visitor) -> None:
    """The location with its names, not as a text of ours."""
    pc.log_in("alipay", "pc", "wangfang")
    held = pc.http.get("/connect/account/export").json()
    [session] = held["sessions"]
    assert (session["browser"], session["system"]) == ("Chrome", "Windows")
    assert session["location"]["city"]["en"] == "Hangzhou"
    pc.http.post("/connect/account/erase", headers={"origin": shop.url})
    assert held["member"]["id"] not in [row["member_id"] for row in shop.rows("es_member_session")]


def test_a_phone_sees_where_the_pc_is(pc: Visitor, phone: Visitor) -> None:
    """The PC's browser, system, place and network; the session that the PC collects has the PC's device."""
    phone.log_in("alipay", "h5")
    path = start(pc)
    asked = phone.http.get(path, headers={"accept-language": "en"}).json()
    shown = {name: asked[name] for name in ("browser", "system", "place", "city", "country")}
    assert shown == {
        "browser": "Chrome",
        "system": "Windows",
        "place": "203.0.113.*",
        "city": "Hangzhou",
        "country": "China",
    }
    assert "中国 杭州" in phone.http.get(path, headers={**HTML, "accept-language": "zh"}).text
    approve(phone, path)
    assert collect(pc, json={}).status_code == 200
    [session] = [session for session in pc.http.get("/connect/sessions").json() if session["is_this"]]
    assert (session["browser"], session["system"]) == ("Chrome", "Windows")


def test_without_a_file_only_the_network_is_shown() -> None:
    """A shop that has none shows no location."""
    with run_shop(alipay_and_wechat()) as shop, Visitor(shop) as phone, Visitor(shop, user_agent=PC_AGENT) as pc:
        phone.log_in("alipay", "h5")
        page = phone.http.get(start(pc), headers={**HTML, "accept-language": "en"}).text
        assert ("127.0.0.*" in page, "Location" in page) == (True, False)
        [session] = phone.http.get("/connect/sessions").json()
        assert (session["city"], session["country"], session["browser"]) == ("", "", "")
