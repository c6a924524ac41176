"""Signing in to the admin page through an OpenID provider, by the groups of its ID token, over real HTTP."""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest

from connect_core.errors import SettingsError
from connect_core.harness import Visitor
from connect_core.sandbox import Sandbox
from connect_oidc.sandbox import PlainOidcSandbox

from ...kit.admin_pages import AdminBrowser, AdminShop, get_text, run_admin_shop

GROUPS = {"operator": ["shop-admins"], "support": ["call-centre", "shop-staff"]}


def sign_in_through_oidc(raw: dict[str, Any]) -> None:
    """Let administrators sign in by the provider `oidc`, which no client type shows."""
    raw["admin"] |= {"provider": "oidc", "roles": GROUPS}
    raw["clients"] = {}
    raw["providers"]["oidc"] |= raw["providers"]["oidc"].pop("pc")
    del raw["providers"]["oidc"]["h5"]


@pytest.fixture(scope="module")
def staffed_shop() -> Iterator[AdminShop]:
    """A shop whose administrators sign in through the OIDC sandbox."""
    with run_admin_shop({"oidc": PlainOidcSandbox()}, change=sign_in_through_oidc) as shop:
        yield shop


@pytest.fixture
def sandbox(staffed_shop: AdminShop) -> Sandbox:
    """The provider."""
    return staffed_shop.shop.sandboxes["oidc"]


@pytest.fixture
def browser(staffed_shop: AdminShop) -> Iterator[AdminBrowser]:
    """A browser of somebody who is not signed in."""
    with staffed_shop.browsing() as browser:
        yield browser


def begin(browser: AdminBrowser, page: str = "") -> str:
    """Press the provider's button, and return the address to which the page leads."""
    answer = browser.request("POST", "/sign-in/openid", data={"next": page})
    assert answer.status_code == 200, get_text(answer)
    leads_to = re.search('http-equiv="refresh" content="0; url=([^"]+)"', answer.text)
    assert leads_to
    return unescape(leads_to[1])


def consent(browser: AdminBrowser, url: str, decision: str = "agree") -> str:
    """Agree or refuse at the provider, and return the callback address."""
    with Visitor(browser.shop) as visitor:
        return visitor.consent(url, decision=decision)


def come_back(browser: AdminBrowser, callback: str) -> httpx.Response:
    """Open the callback address as a browser does that comes from another site."""
    return browser.http.get(callback, headers={"sec-fetch-site": "cross-site"})


def sign_in(browser: AdminBrowser, sandbox: Sandbox, groups: object, page: str = "") -> httpx.Response:
    """Sign in as somebody with these groups."""
    sandbox.faults.add("claims", json.dumps({"groups": groups, "preferred_username": "li.hua"}), on="token")
    return come_back(browser, consent(browser, begin(browser, page)))


def test_the_strongest_role_of_the_groups_counts(
    browser: AdminBrowser, sandbox: Sandbox, staffed_shop: AdminShop
) -> None:
    """The person gets to the page that was wanted, and is no member for it."""
    answer = sign_in(browser, sandbox, ["shop-staff", "all", "shop-admins"], "/keys")
    assert (answer.status_code, answer.headers["location"]) == (303, "/connect/admin/keys")
    page = get_text(browser.get("/administrators"))
    assert "Operator" in page
    assert re.search(r"oidc:li\.hua \([0-9a-f]{8}\)", page)
    assert "New administrator" in page
    for table in ("es_member", "es_connect", "es_admin", "es_member_session"):
        assert staffed_shop.shop.rows(table) == []
    record = staffed_shop.shop.rows("es_admin_audit")[-1]
    assert (record["action"], record["detail"]) == ("administrator.signed_in", "role operator")


@pytest.mark.parametrize("groups", [[], ["Shop-Admins"], None, {"shop-admins": True}, 7, ["shop-admins "]])
def test_without_a_group_of_ours_nobody_comes_in(
    browser: AdminBrowser, sandbox: Sandbox, staffed_shop: AdminShop, groups: object
) -> None:
    """A clear page says so; nothing is written."""
    sessions = staffed_shop.shop.rows("es_admin_session")
    answer = sign_in(browser, sandbox, groups)
    assert answer.status_code == 403
    assert "You have no role here" in get_text(answer)
    assert staffed_shop.shop.rows("es_admin_session") == sessions


def test_a_group_alone_may_be_a_text(browser: AdminBrowser, sandbox: Sandbox) -> None:
    """Some providers send one group as a text and several as a list."""
    assert sign_in(browser, sandbox, "call-centre").status_code == 303
    assert "New administrator" not in get_text(browser.get("/administrators"))


def test_a_sign_in_belongs_to_its_browser_and_works_once(
    browser: AdminBrowser, sandbox: Sandbox, staffed_shop: AdminShop
) -> None:
    """Neither another browser nor a second visit gets a session, nor one with another state."""
    callback = consent(browser, begin(browser))
    with staffed_shop.browsing() as other:
        assert "no longer valid" in get_text(come_back(other, callback))
    begun = dict(browser.http.cookies)
    forged = re.sub("state=[^&]+", "state=" + "0" * 32, callback)
    assert come_back(browser, forged).status_code == 400
    browser.http.cookies.update(begun)
    sandbox.faults.add("claims", json.dumps({"groups": ["shop-admins"]}), on="token")
    assert come_back(browser, callback).status_code == 303
    with staffed_shop.browsing() as other:
        other.http.cookies.update(begun)
        assert come_back(other, callback).status_code == 400


def test_who_refuses_at_the_provider_is_told(browser: AdminBrowser) -> None:
    """The page leads back to the sign-in."""
    answer = come_back(browser, consent(browser, begin(browser), "refuse"))
    assert answer.status_code == 400
    assert "The sign-in was cancelled" in get_text(answer)


@pytest.mark.parametrize("fault", ["wrong_sign", "wrong_nonce", "unsigned"])
def test_an_id_token_that_fails_a_check_signs_nobody_in(browser: AdminBrowser, sandbox: Sandbox, fault: str) -> None:
    """Claims count only when the provider signed them, for this sign-in."""
    sandbox.faults.add(fault, on="token")
    answer = come_back(browser, consent(browser, begin(browser)))
    assert answer.status_code == 502
    assert "connect_admin=" not in answer.headers.get("set-cookie", "")


def test_a_sign_in_of_a_member_does_not_open_as_an_administrators(browser: AdminBrowser) -> None:
    """A flow cookie of the shop's login is none of the admin page's."""
    begin(browser)
    browser.http.cookies.set("connect_admin_flow", "0" * 32 + ".v1.00000000.AAAA", domain="127.0.0.1", path="/")
    answer = browser.request("GET", "/sign-in/openid/callback?state=" + "0" * 32 + "&code=x")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("admin", "mistake"),
    [
        ({"provider": "staff"}, "admin.provider: there is no [providers.staff]"),
        ({"provider": "wechat"}, "admin.provider: wechat is no OpenID provider"),
    ],
)
def test_a_provider_that_cannot_sign_anybody_in_stops_the_start(admin: dict[str, str], mistake: str) -> None:
    """Better no service than an admin page that nobody can open."""

    def configure(raw: dict[str, Any]) -> None:
        raw["admin"] |= admin
        raw["providers"]["wechat"] = {"app_id": "wx0", "app_secret": "0" * 32}

    with pytest.raises(SettingsError, match=re.escape(mistake)), run_admin_shop(change=configure):
        pass
