"""No refusal is a dead end: what its page links to, works, and a login begun anew ends where the first was to end."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlsplit

import httpx
import pytest

from connect_core.errors import ConnectError, every_error
from connect_core.harness import RunningShop, Visitor
from connect_core.plugin import AuthorizationResponse, Identity

from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.first_logins import choosing
from ...kit.qr_logins import start
from ...kit.web_shops import HTML, acme_back, acme_shop, alipay_and_wechat, come_back

ACCOUNT = "/connect/account"
AGAIN = "/connect/alipay/pc/login"


def ways(page: httpx.Response) -> list[str]:
    """Where a refusal leads, the best first."""
    assert page.status_code >= 400, page.headers
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    found = re.findall(r'<a class="button[^"]*" href="([^"]*)"', page.text)
    return [unescape(href) for href in found]


def ask(visitor: Visitor, path: str) -> httpx.Response:
    """As a person's browser does."""
    return visitor.http.get(path, headers=HTML)


def send(visitor: Visitor, path: str, **form: str) -> httpx.Response:
    """Submit a form of our own page."""
    return visitor.http.post(path, data=form, headers={**HTML, "origin": visitor.shop.url})


def refuse(visitor: Visitor, **query: str) -> httpx.Response:
    """Refuse at the vendor."""
    return ask(visitor, visitor.consent(visitor.begin("alipay", "pc", **query), decision="refuse"))


@pytest.fixture
def own(clock: Clock) -> Iterator[RunningShop]:
    """A shop that asks newcomers, with its clock."""
    with run_shop(alipay_and_wechat(), now=clock, change=choosing) as running_shop:
        yield running_shop


@pytest.mark.parametrize("kind", list(every_error()), ids=lambda kind: kind.code)
def test_every_refusal_leads_on(kind: type[ConnectError]) -> None:
    """Whatever a callback is refused with, its page has a link, and that link's page is there."""

    async def answer(response: AuthorizationResponse) -> Identity:
        raise kind("told to nobody")

    with acme_shop(answer) as running_shop, Visitor(running_shop) as visitor:
        page = ask(visitor, acme_back(visitor, "code"))
        assert page.status_code == kind.status
        for href in ways(page):
            assert urlsplit(href).netloc == ""
            status = ask(visitor, href).status_code if href != "/" else 200  # the shop's own home
            assert status in (200, 303)
        assert len(ways(page)) in (1, 2)


def test_a_login_begun_anew_ends_where_the_first_was_to_end(visitor: Visitor) -> None:
    """Refused at the vendor on the way to /cart: both ways on lead there, and so does the login that follows."""
    again, other = ways(refuse(visitor, return_to="/cart?x=1&y=2"))
    assert again == f"{AGAIN}?return_to=%2Fcart%3Fx%3D1%26y%3D2"
    assert other == "/connect/login?return_to=%2Fcart%3Fx%3D1%26y%3D2"
    vendor = visitor.http.get(again).headers["location"]
    assert visitor.http.get(visitor.consent(vendor)).headers["location"] == f"{visitor.shop.url}/cart?x=1&y=2"


def test_the_shops_home_needs_no_mention(visitor: Visitor) -> None:
    """A login without a target begins anew without one."""
    assert ways(refuse(visitor)) == [AGAIN, "/connect/login"]


def test_an_old_login_remembers_its_target(own: RunningShop, clock: Clock) -> None:
    """Ten minutes later the flow is of no use but for this."""
    with Visitor(own) as visitor:
        callback = come_back(visitor, return_to="/cart")
        clock.advance(601)
        assert ways(ask(visitor, callback)) == [f"{AGAIN}?return_to=%2Fcart"]


def test_the_target_is_the_flows_own(shop: RunningShop, visitor: Visitor) -> None:
    """A target added to the callback, or a flow of another browser, is nothing to the page's links."""
    evil = "&return_to=https%3A%2F%2Fevil.example"
    callback = visitor.consent(visitor.begin("alipay", "pc", return_to="/cart"), decision="refuse")
    with Visitor(shop) as stranger:
        assert ways(ask(stranger, callback + evil)) == [AGAIN]
    page = ask(visitor, callback + evil)
    assert ways(page)[0] == f"{AGAIN}?return_to=%2Fcart"
    assert "evil" not in page.text


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "javascript:alert(1)", '"><script>'])
@pytest.mark.parametrize(
    "path", ["/connect/login", "/connect/handover", AGAIN, "/connect/nobody/pc/login", "/connect/nowhere/login"]
)
def test_a_bad_target_is_on_no_page(visitor: Visitor, path: str, target: str) -> None:
    """A page that is refused for its target, or for anything else, repeats none that is not allowed."""
    page = visitor.http.get(path, params={"return_to": target}, headers=HTML)
    assert ways(page)
    assert not [word for word in ("evil", "javascript", "<script") if word in page.text]


def test_a_start_that_is_refused_keeps_its_target(visitor: Visitor) -> None:
    """A vendor that is not offered: another login, to the same place."""
    page = ask(visitor, "/connect/nobody/pc/login?return_to=/cart")
    assert ways(page) == ["/connect/login?return_to=%2Fcart"]


def test_logins_of_older_front_ends_begin_anew_as_they_began(visitor: Visitor) -> None:
    """Their result is token cookies, which our own login would not set."""
    begun = visitor.http.get("/buyer/connect/alipay/pc/login?return_to=/cart").headers["location"]
    page = ask(visitor, visitor.consent(begun, decision="refuse"))
    assert ways(page)[0] == "/buyer/connect/alipay/pc/login?return_to=%2Fcart"


def test_what_is_refused_on_the_account_page_leads_back_there(shop: RunningShop, visitor: Visitor) -> None:
    """A bind that was refused, or is another's, and the last connection: no login would mend these."""
    with Visitor(shop) as owner:
        owner.log_in("wechat", "pc", "owner of wechat")
    visitor.log_in("alipay", "pc", "binder")
    assert ways(send(visitor, "/connect/connections/ALIPAY/unbind")) == [ACCOUNT]
    assert ways(send(visitor, "/connect/connections/QQ/unbind")) == [ACCOUNT]
    for decision in ("refuse", "agree"):
        leaving = send(visitor, "/connect/wechat/pc/bind", return_to="/cart")
        vendor = leaving.headers["refresh"].partition("url=")[2]
        assert ways(ask(visitor, visitor.consent(vendor, "owner of wechat", decision))) == [ACCOUNT]


def test_an_old_session_is_confirmed_first(own: RunningShop, clock: Clock) -> None:
    """What wants a fresh login leads to where the member confirms who they are, and from there to its page."""
    with Visitor(own) as visitor:
        visitor.log_in("alipay", "pc")
        send(visitor, "/connect/first-login", decision="register")
        clock.advance(601)
        confirming = "/connect/reauthenticate?return_to=%2Fconnect%2Faccount"
        assert ask(visitor, f"{ACCOUNT}/erase").headers["location"] == f"{confirming}%2Ferase"
        for path in ("/connect/wechat/pc/bind", "/connect/connections/ALIPAY/unbind"):
            assert send(visitor, path).headers["location"] == confirming


def test_a_newcomers_choice_leads_back_to_its_page(own: RunningShop, clock: Clock) -> None:
    """A mistake can be mended there; who took too long, or has no ticket, begins anew and lands at the same place."""
    with Visitor(own) as visitor, Visitor(own) as stranger:
        visitor.http.get(visitor.consent(visitor.begin("alipay", "pc", return_to="/cart")))
        assert ways(send(visitor, "/connect/first-login", decision="both")) == ["/connect/first-login"]
        assert ways(send(stranger, "/connect/first-login", decision="register")) == ["/connect/login"]
        stranger.http.cookies.set("connect_pending", "x" * 32 + ".planted")
        assert ways(ask(stranger, "/connect/first-login")) == ["/connect/login"]
        clock.advance(601)
        for page in (ask(visitor, "/connect/first-login"), send(visitor, "/connect/first-login", decision="register")):
            assert ways(page) == ["/connect/login?return_to=%2Fcart"]


def test_a_page_that_a_shop_does_not_have_leads_to_its_login(visitor: Visitor) -> None:
    """Or to the shop, and not back to itself."""
    assert ways(ask(visitor, "/connect/first-login")) == ["/connect/login", "/"]


def test_a_hand_over_leads_back_to_where_it_was(pc: Visitor, phone: Visitor, shop: RunningShop) -> None:
    """The PC begins anew; a phone that has to log in comes back to the PC that waits; a code that is over is over."""
    path = start(pc)
    with Visitor(shop) as stranger:
        assert ways(send(stranger, f"{path}/approve")) == [f"/connect/login?return_to={path.replace('/', '%2F')}"]
        assert ways(send(stranger, "/connect/handover/collect")) == ["/connect/handover"]
    assert ways(send(pc, "/connect/handover/collect")) == ["/connect/handover"]
    assert ways(ask(phone, "/connect/h/unknown")) == ["/"]


def test_what_is_not_allowed_leads_to_the_shop(visitor: Visitor) -> None:
    """Another site's form is no login to repeat."""
    evil = {**HTML, "origin": "https://evil.example"}
    assert ways(visitor.http.post("/connect/logout", headers=evil)) == ["/"]
