"""`first_login = "choose"`: an account is proved by another login that leads to it, and joined."""

from collections.abc import Iterator

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor

from ...kit.acme import execute
from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.first_logins import CHOOSE, choose, choosing, register
from ...kit.web_shops import HTML, alipay_and_wechat, bearer, nothing_written, query, refused


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop that asks newcomers."""
    with run_shop(alipay_and_wechat(), now=clock, change=choosing) as running_shop:
        yield running_shop


@pytest.fixture
def name(shop: RunningShop) -> str:
    """The name of a member who logs in by Alipay."""
    with Visitor(shop) as owner:
        return register(owner)


def begin(visitor: Visitor, provider: str = "alipay") -> str:
    """Press the provider's button on the choice page, and return the vendor's address."""
    headers = {**HTML, "origin": visitor.shop.url}
    page = visitor.http.post(f"/connect/{provider}/pc/join", data={}, headers=headers)
    assert page.status_code == 200, page.text
    return page.headers["refresh"].partition("url=")[2]


def test_another_login_proves_the_account(shop: RunningShop, name: str) -> None:
    """The page offers the other vendors first, the password folded; the member gets the waiting identity."""
    with Visitor(shop) as visitor, Visitor(shop) as again:
        visitor.http.get(visitor.consent(visitor.begin("wechat", "pc", return_to="/cart"), "wangfang"))
        page = visitor.http.get(CHOOSE, headers=HTML).text
        assert page.index('data-join="alipay"') < page.index("data-password>")
        assert "data-password open" not in page
        assert 'data-join="wechat"' not in page
        answer = visitor.http.get(visitor.consent(begin(visitor)))
        assert (answer.status_code, answer.headers["location"]) == (303, f"{shop.url}/cart")
        assert "connect_pending" not in visitor.http.cookies
        who = visitor.http.get("/connect/me").json()
        assert (who["uname"], who["connections"]) == (name, ["ALIPAY", "WECHAT"])
        assert again.who(again.log_in("wechat", "pc", "wangfang")) == who
    assert len(shop.rows("es_member")) == 1
    assert [row["kind"] for row in shop.rows("es_connect_event")][-3:] == ["bound", "logged_in", "logged_in"]


def test_a_login_that_leads_nowhere_comes_back_with_a_message(shop: RunningShop, name: str) -> None:
    """Nothing is registered, the login still waits, and the person can choose again."""
    with Visitor(shop) as visitor:
        visitor.log_in("wechat", "pc", "wangfang")
        callback = visitor.consent(begin(visitor), "maria")
        with nothing_written(shop):
            answer = visitor.http.get(callback, headers=HTML)
        assert (answer.status_code, answer.headers["location"]) == (303, CHOOSE)
        page = visitor.http.get(answer.headers["location"], headers={**HTML, "accept-language": "en"}).text
        assert '<p class="banner notice" role="status">There is no account here' in page
        assert choose(visitor, decision="register").status_code == 303
    assert len(shop.rows("es_member")) == 2


def test_a_refusal_at_the_vendor_leads_back_to_the_choice(shop: RunningShop, name: str) -> None:
    """Whoever cancels may choose again."""
    with Visitor(shop) as visitor:
        visitor.log_in("wechat", "pc", "wangfang")
        page = visitor.http.get(visitor.consent(begin(visitor), decision="refuse"), headers=HTML)
        assert page.status_code == 400
        assert f'href="{CHOOSE}"' in page.text


def test_the_proof_is_for_the_waiting_login_and_its_browser(shop: RunningShop, name: str) -> None:
    """Without the waiting login, or with another one, a callback joins nothing and logs nobody in."""
    with Visitor(shop) as visitor, Visitor(shop) as stranger:
        refused(stranger.http.post("/connect/alipay/pc/join", json={}), 400, "state_missing")
        visitor.log_in("wechat", "pc", "wangfang")
        callback = visitor.consent(begin(visitor))
        stranger.log_in("wechat", "pc", "maria")
        others = stranger.http.cookies["connect_pending"]
        visitor.http.cookies.delete("connect_pending")
        visitor.http.cookies.set("connect_pending", others, domain="127.0.0.1")
        with nothing_written(shop):
            refused(visitor.http.get(callback), 400, "state_invalid")


def test_a_choice_is_made_once(shop: RunningShop, name: str) -> None:
    """Registered in another tab meanwhile, the proof joins nothing."""
    with Visitor(shop) as visitor:
        visitor.log_in("wechat", "pc", "wangfang")
        ticket = visitor.http.cookies["connect_pending"]
        callback = visitor.consent(begin(visitor))
        assert choose(visitor, decision="register").status_code == 303
        visitor.http.cookies.set("connect_pending", ticket, domain="127.0.0.1")
        with nothing_written(shop):
            assert visitor.http.get(callback).status_code in (400, 409)


def test_a_member_with_another_identity_of_the_vendor_is_not_joined(shop: RunningShop, name: str) -> None:
    """One connection for each vendor: the person is told, and nothing changes."""
    with Visitor(shop) as owner, Visitor(shop) as visitor:
        owner.log_in("alipay", "pc")
        address = owner.http.post("/connect/wechat/pc/bind", json={}).json()["login_url"]
        owner.http.get(owner.consent(address))
        visitor.log_in("wechat", "pc", "wangfang")
        callback = visitor.consent(begin(visitor))
        with nothing_written(shop):
            refused(visitor.http.get(callback), 409, "already_bound")


def test_a_disabled_member_is_not_joined(shop: RunningShop, name: str) -> None:
    """The shop has disabled the account: nobody is logged in."""
    execute(shop.database_url, "UPDATE es_member SET disabled = 1")
    with Visitor(shop) as visitor:
        visitor.log_in("wechat", "pc", "wangfang")
        callback = visitor.consent(begin(visitor))
        with nothing_written(shop):
            refused(visitor.http.get(callback), 403, "member_disabled")


def test_the_cookies_of_the_buyer_routes_come_along(shop: RunningShop, name: str) -> None:
    """A login of an older front end ends in its own cookies."""
    with Visitor(shop) as visitor:
        start = visitor.http.get("/buyer/connect/wechat/pc/login")
        visitor.http.get(visitor.consent(start.headers["location"], "wangfang"))
        visitor.http.get(visitor.consent(begin(visitor)))
        assert {"access_token", "refresh_token", "uid"} <= set(visitor.http.cookies)
        assert visitor.http.get("/connect/me").json()["uname"] == name


def test_an_app_joins_with_a_code(shop: RunningShop, name: str) -> None:
    """Its ticket comes in the body; the answer are tokens, or a refusal after which the ticket still counts."""
    with Visitor(shop) as app:
        ticket = app.log_in("wechat", "mini", "wangfang").json()["choice_ticket"]

        def join(person: str) -> httpx.Response:
            code = app.client_parameters("alipay", "mini", person)
            return app.http.post("/connect/alipay/mini/join", json={**code, "choice_ticket": ticket})

        with nothing_written(shop):
            refused(join("maria"), 404, "unsupported")
        who = app.http.get("/connect/me", headers=bearer(join("lihua"))).json()
        assert (who["uname"], who["connections"]) == (name, ["ALIPAY", "WECHAT"])
        refused(join("lihua"), 400, "state_invalid")


def test_a_front_end_joins_by_its_own_page(shop: RunningShop, name: str) -> None:
    """The vendor returns to its page, which posts code, state and ticket."""
    page = f"{shop.url}/done"
    with Visitor(shop) as front_end:
        back = query(front_end.consent(front_end.begin("wechat", "h5", redirect_uri=page), "wangfang"))
        ticket = front_end.http.post("/connect/wechat/h5/token", json=back).json()["choice_ticket"]
        refused(front_end.http.post("/connect/alipay/h5/join", json={"choice_ticket": ticket}), 400, "bad_request")
        body = {"choice_ticket": ticket, "redirect_uri": page}
        address = front_end.http.post("/connect/alipay/h5/join", json=body).json()["login_url"]
        back = query(front_end.consent(address))
        answer = front_end.http.post("/connect/alipay/h5/token", json={**back, "choice_ticket": ticket})
        assert front_end.http.get("/connect/me", headers=bearer(answer)).json()["uname"] == name


def test_where_everybody_is_registered_nothing_joins() -> None:
    """The route is 404 without `first_login = "choose"`."""
    with run_shop(alipay_and_wechat()) as shop, Visitor(shop) as visitor:
        refused(visitor.http.post("/connect/alipay/pc/join", json={}), 404, "unsupported")
