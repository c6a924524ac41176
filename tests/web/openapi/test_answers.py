"""What the service really answers is what the OpenAPI document says: one success of each operation, and refusals."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.providers.registry import Plugins
from connect_core.web.openapi import write_document

from ...kit import qr_logins
from ...kit.databases import run_shop
from ...kit.first_logins import PASSWORD
from ...kit.merges import Planner
from ...kit.openapi_checks import Document
from ...kit.token_services import GATEWAY, basic, with_servers
from ...kit.web_shops import HTML, alipay_and_wechat

NOT_REACHED = {
    "begin_join": "its answers are those of `begin_bind` and `log_in`",
    "check_notice_address": "a vendor's own protocol",
    "take_notice": "the same",
    "end_vendor_sessions": "only an OpenID provider has it",
    "draw_app_code": "it is a picture",
    "draw_handover_code": "the same",
    "watch_handover": "a stream",
    "bind_waiting_login": "its answer is that of `register_waiting_login`",
    "join_waiting_login_on_pc": "the same",
    "join_waiting_login_on_phone": "the same",
    "post_waiting_login_on_phone": "the same",
    "register_waiting_login": "`tests/web/legacy` has it",
    "begin_older_bind": "it answers text",
    "unbind_older": "it has no body",
    "unbind_older_wechat": "the same",
}
"""Operations without a success here, and why; those that always refuse are left out too."""


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop that asks newcomers, has passwords, hands logins over, and plans merges."""
    plugins = Plugins([("planner", Planner())])

    def change(raw: dict[str, Any]) -> None:
        with_servers(raw)
        raw["service"]["first_login"] = "choose"

    with run_shop(alipay_and_wechat(), plugins=plugins, change=change) as running_shop:
        yield running_shop


class Checked(Visitor):
    """A visitor each of whose answers is held to the document."""

    def __init__(self, shop: RunningShop, document: Document, **options: Any) -> None:
        super().__init__(shop, **options)
        self.document = document
        self.http.event_hooks = {"response": [document.check]}

    def post(self, path: str, status: int = 200, /, **body: Any) -> Any:
        """Post JSON, and return the body of the answer."""
        return self._take(self.http.post(path, json=body), status)

    def get(self, path: str, status: int = 200, **options: Any) -> Any:
        """Get, and return the body of the answer."""
        return self._take(self.http.get(path, **options), status)

    def _take(self, answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else None

    def log_in_mini(self, provider: str, person: str) -> dict[str, Any]:
        """Log in as a mini program, registering if need be, and keep the token."""
        tokens: dict[str, Any] = self.post(
            f"/connect/{provider}/mini/token", **self.client_parameters(provider, "mini", person)
        )
        if ticket := tokens.get("choice_ticket"):
            tokens = self.post("/connect/first-login", ticket=ticket, decision="register")
        self.http.headers["authorization"] = f"Bearer {tokens['access_token']}"
        return tokens


def a_mini_programs_login(app: Checked, browser: Checked) -> None:
    """Tokens, who is logged in, the account, and the end."""
    app.get("/connect/providers", params={"client": "mini"})
    tokens = app.log_in_mini("alipay", "lihua")
    me = app.get("/connect/me")
    for path in ("connections", "sessions", "account/export", "account/merges", "reauthenticate"):
        app.get(f"/connect/{path}")
    app.post("/connect/account/password", 204, password=PASSWORD)
    app.post("/connect/reauthenticate", password=PASSWORD)
    app.log_in_mini("alipay", "lihua")
    app.post("/connect/password/login", username=me["uname"], password=PASSWORD)
    app.post("/connect/token/refresh", 401, refresh_token=tokens["refresh_token"])
    again = app.log_in_mini("alipay", "lihua")
    app.post("/connect/token/refresh", refresh_token=again["refresh_token"])
    session = next(row["id"] for row in app.get("/connect/sessions") if not row["is_this"])
    assert app.http.delete(f"/connect/sessions/{session}").status_code == 204
    session = next(row["id"] for row in app.get("/connect/sessions") if not row["is_this"])
    assert app.http.post(f"/connect/sessions/{session}/end").status_code == 204
    assert app.http.delete("/connect/sessions").status_code == 204
    app.post("/connect/alipay/pc/confirm")
    app.post("/connect/logout", 204)
    app.get("/connect/me", 401)


def linking_and_merging(app: Checked, browser: Checked) -> None:
    """Linking, unlinking, the proof of a second account, the merge and its undoing."""
    app.log_in_mini("alipay", "maria")
    with Checked(app.shop, app.document) as second:
        second.log_in_mini("wechat", "maria")
    app.post("/connect/wechat/pc/bind")
    proof = app.post("/connect/wechat/mini/merge", **app.client_parameters("wechat", "mini", "maria"))
    app.post("/connect/account/merge/preview", ticket=proof["merge_ticket"])
    merge = app.post("/connect/account/merge", ticket=proof["merge_ticket"])
    app.get("/connect/account/merges")
    app.post(f"/connect/account/merges/{merge['id']}/undo")
    app.post("/connect/wechat/mini/bind", 409, **app.client_parameters("wechat", "mini", "maria"))
    app.post("/connect/account/merge/credentials", 401, username="nobody", password="wrong")
    with Checked(app.shop, app.document) as other:
        other.log_in_mini("wechat", "maria")
        name = other.get("/connect/me")["uname"]
        other.post("/connect/account/password", 204, password=PASSWORD)
    app.post("/connect/account/merge/credentials", username=name, password=PASSWORD)
    for unbind in (
        lambda: app.http.delete("/connect/connections/WECHAT"),
        lambda: app.http.post("/connect/connections/WECHAT/unbind", data={}),
    ):
        app.post("/connect/wechat/mini/bind", **app.client_parameters("wechat", "mini", "wangwu"))
        assert unbind().status_code == 204
    assert app.http.delete("/connect/connections/ALIPAY").status_code == 409
    assert app.http.delete("/connect/account").status_code == 204


def a_browsers_pages_and_redirects(app: Checked, browser: Checked) -> None:
    """A login by redirect, every page, and what the forms of the account page get."""
    browser.get("/", 303)
    browser.get("/connect/login", headers=HTML)
    browser.post("/connect/alipay/pc/login-url", return_to="/")
    browser.log_in("alipay", "pc", "lihua")
    browser.get("/connect/me")
    browser.get("/connect/first-login", 400)
    for path in ("account", "account/erase", "account/merge", "logout", "reauthenticate"):
        assert browser.http.get(f"/connect/{path}", headers=HTML).status_code in (200, 303)
    browser.get("/connect/logout", 405)
    browser.get("/connect/static/connect.css")
    browser.get("/connect/static/none.css", 404)
    own = {"origin": app.shop.url, **HTML}
    for path in ("sessions/end", "account/merge/cancel", "sessions/none/end", "connections/QQ/unbind"):
        assert browser.http.post(f"/connect/{path}", data={}, headers=own).status_code in (303, 404)
    browser.http.post("/connect/alipay/pc/callback", data={"state": "x", "auth_code": "y"})
    browser.get("/connect/alipay/pc/callback", 400, params={"state": "x", "auth_code": "y"})
    browser.get("/connect/none/pc/login", 404)
    browser.http.post("/connect/account/erase", data={}, headers=own)


def a_first_login_and_a_front_end(app: Checked, browser: Checked) -> None:
    """The choice that a first login waits for, and a front end that posts the vendor's response."""
    browser.log_in("wechat", "pc", "lihua")
    browser.get("/connect/first-login")
    with Checked(app.shop, app.document, user_agent="AlipayClient") as front_end:
        page = f"{app.shop.url}/logged-in"
        begun = front_end.post("/connect/alipay/h5/login-url", redirect_uri=page)
        back = dict(parse_qsl(urlsplit(front_end.consent(begun["login_url"], "wangwu")).query))
        front_end.post("/connect/alipay/h5/token", **back)


def a_pc_logged_in_by_a_phone(app: Checked, browser: Checked) -> None:
    """The PC's and the phone's steps, and what each is told."""
    app.log_in_mini("alipay", "lihua")
    for decision in ("deny", "approve"):
        path = urlsplit(browser.post("/connect/handover")["handover_url"]).path
        app.get(path)
        app.post(f"{path}/{decision}", 204)
    browser.get("/connect/handover/status")
    browser.get("/connect/handover", headers=HTML)
    browser.post("/connect/handover/collect")
    browser.get(path, 400)


def older_front_ends(app: Checked, browser: Checked) -> None:
    """The answers of the routes that keep the forms of earlier systems, and their refusals."""
    browser.get("/buyer/connect/alipay/pc/login", 303)
    page = f"{app.shop.url}/logged-in"
    with Checked(app.shop, app.document, user_agent="AlipayClient") as phone:
        login_url = phone.http.get("/buyer/connect/alipay/h5/getLoginUrl", params={"redirectUri": page}).text
        back = dict(parse_qsl(urlsplit(phone.consent(login_url)).query))
        phone.get("/buyer/connect/alipay/h5/login", params={"state": back["state"], "code": back["auth_code"]})
    browser.get("/buyer/connect/alipay/h5/login", 400, params={"state": "x", "code": "y"})
    app.log_in_mini("alipay", "lihua")
    app.get("/buyer/account-binder/list")
    [code] = app.client_parameters("alipay", "mini", "lihua").values()
    app.post(f"/login/{code}")
    app.post("/login/none", 400)
    app.get("/buyer/passport/connect/app/qq/param", 404)


def running_the_service(app: Checked, browser: Checked) -> None:
    """What load balancers, the doctor and other services ask."""
    for path in ("/healthz", "/readyz", "/connect/.well-known/connect-login", "/connect/.well-known/jwks.json"):
        app.get(path)
    app.get("/connect/openapi.json")
    document = app.get("/.well-known/oauth-authorization-server")
    assert document["issuer"] == app.shop.url
    for path in ("oauth-authorization-server/connect", "openid-configuration"):
        app.get(f"/.well-known/{path}")
    for path in ("oauth-authorization-server", "openid-configuration"):
        app.get(f"/connect/.well-known/{path}")


def services_that_are_handed_a_token(app: Checked, browser: Checked) -> None:
    """Introspection and revocation, refresh as a client of OAuth 2.0, and how each is refused."""
    tokens = app.log_in_mini("alipay", "lihua")
    known, form = basic(*GATEWAY), {"token": tokens["access_token"]}
    for token in tokens["access_token"], tokens["refresh_token"], "x":
        app.http.post("/connect/introspect", data={"token": token}, headers=known)
    for headers, sent in ((known, {"token": ""}), ({}, form), (basic(GATEWAY[0], "wrong"), form)):
        app.http.post("/connect/introspect", data=sent, headers=headers)
    grant = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    for sent in (grant, {**grant, "refresh_token": "x"}, {"grant_type": "password"}):
        app.http.post("/connect/token/refresh", data=sent)
    app.http.post("/connect/revoke", data=form)
    app.http.post("/connect/revoke", data={"token": "s_x"})


STORIES = (
    a_mini_programs_login,
    linking_and_merging,
    a_browsers_pages_and_redirects,
    a_first_login_and_a_front_end,
    a_pc_logged_in_by_a_phone,
    older_front_ends,
    running_the_service,
    services_that_are_handed_a_token,
)


def test_every_operation_answers_as_the_document_says(shop: RunningShop) -> None:
    """An operation that is added is in one of the stories above, or says here why it is not."""
    document = Document(json.loads(write_document("http://127.0.0.1", "/connect", "connect_session")))
    for story in STORIES:
        with Checked(shop, document) as app, Checked(shop, document, user_agent=qr_logins.PC_AGENT) as browser:
            story(app, browser)
    refusing = {name for name in document.operations if name.startswith("refuse_")}
    assert set(document.operations) - document.seen - refusing == set(NOT_REACHED)
