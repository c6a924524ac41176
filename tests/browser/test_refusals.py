"""Every page of a refusal, met as members meet it: it fits, speaks their language, and its first way on works."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from connect_core.harness import RunningShop

from ..kit.acme import execute
from ..kit.clock import Clock
from .conftest import Manner, Visit
from .visitors import DESK

VENDOR, LOGIN = "the vendor", "/connect/login"
CALLBACK = "/connect/alipay/{}/callback"
ADDRESSES = [
    (CALLBACK, "state_missing", 400, VENDOR),
    (f"{CALLBACK}?state=x&auth_code=y", "state_invalid", 400, VENDOR),
    (f"{CALLBACK}?state=x&state=y", "bad_request", 400, VENDOR),
    ("/connect/nobody/{}/login?return_to=/cart", "unsupported", 404, f"{LOGIN}?return_to=%2Fcart"),
    ("/nowhere", "page_not_found", 404, LOGIN),
    (f"{LOGIN}?return_to=https://evil.example/", "redirect_not_allowed", 400, LOGIN),
    ("/connect/account/erase", "not_logged_in", 401, f"{LOGIN}?return_to=%2Fconnect%2Faccount"),
    ("/connect/first-login", "page_not_found", 404, LOGIN),
]
Change = Callable[[RunningShop, Clock], None]


def wait_too_long(shop: RunningShop, clock: Clock) -> None:
    """More than ten minutes pass."""
    clock.advance(660)


def disable(shop: RunningShop, clock: Clock) -> None:
    """The shop disables its members."""
    execute(shop.database_url, "UPDATE es_member SET disabled = 1")


def break_vendor(kind: str, value: str = "") -> Change:
    """Have the vendor answer like that, once."""

    def order(shop: RunningShop, clock: Clock) -> None:
        shop.sandboxes["alipay"].faults.add(kind, value, on="alipay.system.oauth.token")

    return order


MEANWHILE: list[tuple[Change, str, int, str]] = [
    (wait_too_long, "state_expired", 400, VENDOR),
    (break_vendor("unsigned"), "provider_unsigned", 502, VENDOR),
    (break_vendor("error", "20000:isp.unknow-error"), "provider_refused", 502, VENDOR),
    (break_vendor("error", "40002:isv.invalid-signature"), "provider_config", 502, f"{LOGIN}?return_to=%2Fcart"),
    (disable, "member_disabled", 403, f"{LOGIN}?return_to=%2Fcart"),
]


def test_addresses_that_lead_nowhere(visit: Visit, manner: Manner) -> None:
    """Each shows what is wrong, and the button below leads to the vendor or to a login page that is there."""
    visitor = visit()
    page = visitor.open(LOGIN)
    for path, code, status, leads_to in ADDRESSES:
        page.goto(visitor.shop + path.format("pc" if manner.device is DESK else "h5"))
        assert visitor.is_refused(page, code, status)
        assert visitor.fits(page)
        page.locator("a.button").first.click()
        assert visitor.leaves(page) if leads_to == VENDOR else visitor.arrives(page, leads_to)


@pytest.mark.parametrize("manner", ["phone"], indirect=True)
def test_what_happens_on_the_way(visit: Visit, shop: RunningShop, clock: Clock) -> None:
    """Logins that fail while the member is at the vendor: told, and begun anew they end at the page wanted."""
    visitor = visit()
    page = visitor.open(f"{LOGIN}?return_to=/cart")
    visitor.log_in(page)
    assert visitor.arrives(page, "/cart")
    for change, code, status, leads_to in MEANWHILE:
        page.goto(f"{visitor.shop}{LOGIN}?another=1&return_to=/cart")
        visitor.leave(page, "alipay")
        change(shop, clock)
        visitor.decide(page)
        assert visitor.is_refused(page, code, status)
        assert visitor.fits(page)
        page.locator("a.button").first.click()
        if leads_to == VENDOR:
            assert visitor.leaves(page)
            visitor.decide(page)
        assert visitor.arrives(page, "/cart" if leads_to == VENDOR else leads_to)


def test_the_other_language_stands_below(visit: Visit) -> None:
    """One press opens it, without another request: the address holds a code and a state."""
    visitor = visit()
    page = visitor.open("/nowhere")
    assert visitor.is_refused(page, "page_not_found", 404)
    page.click("details.translation summary")
    other = {"zh": "Page not found", "en": "页面不存在"}[visitor.language]
    assert other in page.inner_text("details.translation")
    assert [urlsplit(one.url).path for one in visitor.responses].count("/nowhere") == 1
