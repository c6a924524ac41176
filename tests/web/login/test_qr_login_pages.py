"""The surfaces of a hand-over: pages without scripts, JSON, the stream of events, and the switch that ends it."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor

from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.qr_logins import COOKIE, approve, collect, start, uid
from ...kit.web_shops import HTML, check_headers, refused, set_cookies


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop with Alipay and WeChat."""
    with run_shop(now=clock) as running_shop:
        yield running_shop


def test_the_answer_of_the_start(shop: RunningShop, pc: Visitor) -> None:
    """An address on our own host, a life, an interval; the secret is in a cookie that scripts cannot read."""
    begun = pc.http.post("/connect/handover")
    assert begun.json().keys() == {"handover_url", "expires_in", "interval"}
    assert (begun.json()["expires_in"], begun.json()["interval"]) == (120, 2)
    rest = set_cookies(begun)[COOKIE]
    assert "HttpOnly" in rest
    assert "SameSite=lax" in rest
    id_, _, secret = rest.partition(";")[0].partition(".")
    assert secret not in begun.text
    assert id_ in begun.json()["handover_url"]
    assert id_ not in str(shop.rows("es_connect_handover"))
    assert secret not in str(shop.rows("es_connect_handover"))
    check_headers(begun)


def test_a_pc_page_begins_asks_again_and_collects(pc: Visitor, phone: Visitor) -> None:
    """The page needs no script: it shows our own image, reloads itself while waiting, and a form collects."""
    page = pc.http.get("/connect/handover?return_to=/cart", headers=HTML)
    assert page.status_code == 200
    path = f"/connect/h/{pc.http.cookies[COOKIE].partition('.')[0]}"
    again = reload(pc, page)
    assert (set_cookies(again), again.headers["refresh"]) == ({}, page.headers["refresh"])
    code = pc.http.get("/connect/handover/code.svg")
    assert code.headers["content-type"] == "image/svg+xml"
    check_headers(code)
    assert phone.http.get(path, headers=HTML).status_code == 200
    assert 'data-state="scanned"' in pc.http.get("/connect/handover", headers=HTML).text
    assert phone.http.post(f"{path}/approve", headers=HTML).status_code == 200
    ready = pc.http.get("/connect/handover?return_to=/cart", headers=HTML)
    assert "refresh" not in ready.headers
    assert 'value="/cart"' in ready.text
    done = collect(pc, headers=HTML, data={"return_to": "/cart"})
    assert (done.status_code, urlsplit(done.headers["location"]).path) == (303, "/cart")
    assert uid(pc) == 1
    assert COOKIE not in pc.http.cookies


def reload(pc: Visitor, page: httpx.Response) -> httpx.Response:
    """The page that a waiting page reloads itself as."""
    seconds, _, address = page.headers["refresh"].partition(";url=")
    assert seconds == "3"
    return pc.http.get(address, headers=HTML)


def test_a_waiting_page_counts_down(clock: Clock, pc: Visitor) -> None:
    """It says for how long its code is still good, and in the end that it is not; nothing restarts by itself."""
    page = pc.http.get("/connect/handover?return_to=/cart", headers=HTML | {"accept-language": "en"})
    assert '<progress max="120" value="120"' in page.text
    clock.advance(33)
    later = pc.http.get(page.headers["refresh"].partition("url=")[2], headers=HTML | {"accept-language": "en"})
    assert '<progress max="120" value="87"' in later.text
    assert "Valid for another 87 seconds" in later.text
    clock.advance(88)
    over = reload(pc, page)
    assert 'data-state="expired"' in over.text
    assert ("refresh" in over.headers, set_cookies(over)) == (False, {})
    renewed = pc.http.post("/connect/handover", headers=HTML, data={"return_to": "/cart"})
    assert 'data-state="waiting"' in pc.http.get(renewed.headers["location"], headers=HTML).text


@pytest.mark.parametrize("last", ["waiting", "denied", "expired", "collected"])
def test_a_fresh_visit_shows_a_fresh_code(clock: Clock, pc: Visitor, phone: Visitor, last: str) -> None:
    """Whatever became of the code before; only the reload of the page that waits keeps it."""
    path = start(pc)
    before = pc.http.cookies[COOKIE]
    match last:
        case "denied":
            phone.http.get(path)
            assert phone.http.post(f"{path}/deny").status_code == 204
        case "expired":
            clock.advance(121)
        case "collected":
            approve(phone, path)
            assert collect(pc).status_code == 200
    page = pc.http.get("/connect/handover", headers=HTML)
    assert 'data-state="waiting"' in page.text
    assert pc.http.cookies[COOKIE] != before
    assert COOKIE in set_cookies(page)


def test_a_fresh_visit_keeps_a_code_that_was_scanned(pc: Visitor, phone: Visitor) -> None:
    """The person holds the phone already, and would confirm in vain."""
    path = start(pc)
    phone.http.get(path)
    page = pc.http.get("/connect/handover", headers=HTML)
    assert ('data-state="scanned"' in page.text, set_cookies(page)) == (True, {})


def test_a_collect_leads_to_no_foreign_place(pc: Visitor, phone: Visitor) -> None:
    """`return_to` is checked as every other is, before the session is spent."""
    approve(phone, start(pc))
    refused(collect(pc, json={"return_to": "https://evil.example/"}), 400, "redirect_not_allowed")
    assert collect(pc).status_code == 200


def test_an_app_confirms_with_its_token(shop: RunningShop, pc: Visitor) -> None:
    """A phone need not be a browser: an app's access token does."""
    path = start(pc)
    with Visitor(shop) as app:
        tokens = app.log_in("alipay", "mini").json()
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        assert app.http.get(path, headers=bearer).json()["system"] == "Windows"
        assert app.http.post(f"{path}/approve", headers=bearer).status_code == 204
    assert collect(pc).json() == {"uid": tokens["uid"]}


def test_the_stream_tells_each_state_and_ends(pc: Visitor, phone: Visitor) -> None:
    """Server-sent events: a line for each change, none for who, and an end with the decision."""
    path = start(pc)
    events = []
    with pc.http.stream("GET", "/connect/handover/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            events += [line] if line.startswith("data:") else []
            if line == "data: waiting":
                approve(phone, path)
    assert events in (["data: waiting", "data: approved"], ["data: waiting", "data: scanned", "data: approved"])


async def test_what_is_over_is_swept(clock: Clock, shop: RunningShop, pc: Visitor) -> None:
    """Rows go when their two minutes are over."""
    start(pc)
    clock.advance(122)
    assert await shop.manager.sweep() == 1
    assert shop.rows("es_connect_handover") == []


def test_a_shop_can_switch_it_off() -> None:
    """With `handover = false` its routes are 404, and the login page does not name them."""
    with (
        run_shop(change=lambda raw: raw["service"].update(handover=False)) as running_shop,
        Visitor(running_shop) as visitor,
    ):
        for path in ("/connect/handover", "/connect/handover/status", "/connect/handover/code.svg", "/connect/h/x"):
            refused(visitor.http.get(path), 404, "unsupported")
        for path in ("/connect/handover", "/connect/handover/collect", "/connect/h/x/approve", "/connect/h/x/deny"):
            refused(visitor.http.post(path), 404, "unsupported")
        assert "handover" not in visitor.http.get("/connect/login?client=pc", headers=HTML).text


def test_the_login_page_offers_it_on_a_pc(pc: Visitor) -> None:
    """A PC's login page links to the code and hands `return_to` on; a phone's has no use for it."""
    page = pc.http.get("/connect/login?client=pc&return_to=/cart", headers=HTML).text
    assert 'href="/connect/handover?return_to=%2Fcart"' in page
    assert "/handover" not in pc.http.get("/connect/login?client=h5", headers=HTML).text
