"""What is kept of a vendor's session goes with our login, whatever ends it."""

from collections.abc import Callable, Iterator

import pytest

from connect_core.harness import RunningShop, Visitor
from connect_oidc.sandbox import PlainOidcSandbox

from ..kit.databases import run_shop
from ..kit.qr_logins import approve, collect, start
from ..kit.web_shops import alipay_and_wechat


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop with an OpenID provider and Alipay."""
    with run_shop({"oidc": PlainOidcSandbox(), "alipay": alipay_and_wechat()["alipay"]}) as running_shop:
        yield running_shop


@pytest.fixture
def visitor(shop: RunningShop) -> Iterator[Visitor]:
    """A browser that is logged in through the OpenID provider."""
    with Visitor(shop) as browser:
        assert browser.log_in("oidc", "pc").status_code == 303
        yield browser
        browser.http.post("/connect/logout")


def families(shop: RunningShop) -> set[str]:
    """The logins of which something is kept."""
    return {row["family"] for row in shop.rows("es_connect_vendor_session")}


def log_in_again(shop: RunningShop, visitor: Visitor) -> None:
    """Log in by another provider in the same browser."""
    assert visitor.log_in("alipay", "pc").status_code == 303


def end_that_session(shop: RunningShop, visitor: Visitor) -> None:
    """End it from the list of sessions."""
    [session] = [session for session in visitor.http.get("/connect/sessions").json() if session["is_this"]]
    assert visitor.http.delete(f"/connect/sessions/{session['id']}").status_code == 204


def end_other_sessions(shop: RunningShop, visitor: Visitor) -> None:
    """End it from another browser of the member, whose own login stays."""
    with Visitor(shop) as other:
        other.log_in("oidc", "pc")
        assert other.http.delete("/connect/sessions").status_code == 204
        assert len(families(shop)) == 1
        other.http.post("/connect/logout")


def unbind_elsewhere(shop: RunningShop, visitor: Visitor) -> None:
    """End the connection that it came through, from another browser of the member."""
    with Visitor(shop) as other:
        other.log_in("oidc", "pc")
        login_url = other.http.post("/connect/alipay/pc/bind", json={}).json()["login_url"]
        assert other.http.get(other.consent(login_url, "unbinder")).status_code == 303
        assert other.http.delete("/connect/connections/OIDC").status_code == 204
        other.http.post("/connect/logout")


def collect_a_qr_login(shop: RunningShop, visitor: Visitor) -> None:
    """Log in by QR code in the same browser, as somebody of another provider."""
    with Visitor(shop) as phone:
        phone.log_in("alipay", "pc", "somebody else")
        approve(phone, start(visitor))
        collect(visitor)


ENDS = [log_in_again, end_that_session, end_other_sessions, unbind_elsewhere, collect_a_qr_login]


@pytest.mark.parametrize("end", ENDS)
def test_whatever_ends_a_login_deletes_the_vendors_side_of_it(
    shop: RunningShop, visitor: Visitor, end: Callable[[RunningShop, Visitor], None]
) -> None:
    """Another login in the browser, the member's own list, an unbind; nothing waits for the row to expire."""
    assert len(families(shop)) == 1
    end(shop, visitor)
    assert families(shop) == set()


def test_another_login_keeps_its_own(shop: RunningShop, visitor: Visitor) -> None:
    """Ending one login of a member leaves the others alone."""
    kept = families(shop)
    with Visitor(shop) as other:
        other.log_in("oidc", "pc")
        assert len(families(shop)) == 2
        other.http.post("/connect/logout")
    assert families(shop) == kept
