"""Everything that is given out, handed in at every place that takes something else: nobody gets anything for it.

Each text in `Given` was given out for one place. At every other one it is refused, no vendor is asked, and nothing is
written.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from urllib.parse import quote, urlsplit

import httpx
import pytest

from connect_core.administrators.api_tokens import Scope
from connect_core.administrators.roles import Role
from connect_core.crypto import token_hash
from connect_core.harness import RunningShop, Visitor, query_of
from connect_core.providers.registry import Plugins

from ..kit import qr_logins
from ..kit.account_page import start_bind
from ..kit.admin_pages import AdminShop, run_admin_shop
from ..kit.api_clients import API, create
from ..kit.first_logins import CHOOSE, choosing
from ..kit.merges import Planner
from ..kit.token_services import GATEWAY, basic, with_servers
from ..kit.web_merges import MERGE, begin
from ..kit.web_shops import alipay_and_wechat, bearer, flow_cookies, mini_login, set_cookies, untouched

_codes = count()


@dataclass
class Given:
    """What was given out: the texts by name, and the header of the member to whom it was.

    `second` is another login of that member, and `other` that of another one.
    """

    texts: dict[str, str] = field(default_factory=dict)
    member: dict[str, str] = field(default_factory=dict)
    second: dict[str, str] = field(default_factory=dict)
    other: dict[str, str] = field(default_factory=dict)


@dataclass
class Bench:
    """A shop in which everything there is was given out once, and a client without cookies of its own."""

    admin: AdminShop
    given: Given
    client: httpx.Client

    @property
    def shop(self) -> RunningShop:
        """The shop."""
        return self.admin.shop


def register(visitor: Visitor, person: str) -> dict[str, str]:
    """Log in as a newcomer from the mini program; the tokens."""
    ticket = mini_login(visitor, person).json()["choice_ticket"]
    answer = visitor.http.post(CHOOSE, json={"ticket": ticket, "decision": "register"})
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


def give_flows(visitor: Visitor, given: Given, begun: httpx.Response, name: str) -> None:
    """Note the state and the cookie of a login that a browser has begun."""
    state = query_of(begun.json()["login_url"])["state"]
    given.texts |= {f"state of a {name}": state, f"cookie of a {name}": [*flow_cookies(visitor).values()][-1]}


def give_tickets(visitor: Visitor, given: Given) -> None:
    """Note the tickets of an app, one for each purpose."""
    for purpose, path in {"login": "login-url", "bind": "bind", "merge": "merge", "confirmation": "confirm"}.items():
        begun = visitor.http.post(f"/connect/alipay/app/{path}", json={}, headers=given.member)
        given.texts[f"app's ticket of a {purpose}"] = begun.json()["ticket"]


def give_everything(admin: AdminShop) -> Given:
    """Have each thing given out, by the routes that give it."""
    shop, given = admin.shop, Given()
    with Visitor(shop) as member, Visitor(shop) as browser, Visitor(shop) as newcomer:
        tokens = register(member, "lihua")
        given.member = {"authorization": f"Bearer {tokens['access_token']}"}
        given.texts |= {name: tokens[name] for name in ("access_token", "refresh_token")}
        give_tickets(member, given)
        member.http.headers.update(given.member)
        give_flows(member, given, member.http.post("/connect/wechat/pc/login-url", json={}), "login")
        give_flows(member, given, start_bind(member), "bind")
        give_flows(member, given, begin(member), "merge")
        give_flows(member, given, member.http.post("/connect/alipay/pc/confirm", json={}), "confirmation")
        given.second = bearer(mini_login(browser, "lihua"))
        given.other = {"authorization": f"Bearer {register(browser, 'maria')['access_token']}"}
        browser.log_in("alipay", "pc", "maria")
        given.texts["session"] = browser.http.cookies["connect_session"]
        newcomer.log_in("alipay", "pc", "wangfang")
        given.texts["browser's choice"] = newcomer.http.cookies["connect_pending"]
        given.texts["app's choice"] = mini_login(newcomer, "zhaoliu").json()["choice_ticket"]
        given.texts["QR code"] = urlsplit(qr_logins.start(browser)).path.rpartition("/")[2]
        given.texts["QR ticket"] = browser.http.cookies[qr_logins.COOKIE]
        second = browser.client_parameters("alipay", "mini", "maria")
        proved = member.http.post("/connect/alipay/mini/merge", json=second)
        given.texts["proof"] = proved.json()["merge_ticket"]
    given.texts["administrator's session"] = admin.open_session("owner")
    given.texts["API token"] = create(admin, "program", *Scope)
    return given


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """The shop, with passwords, merges, QR logins, resource servers, and newcomers who are asked."""

    def change(raw: dict[str, dict[str, object]]) -> None:
        choosing(raw)
        with_servers(raw)
        raw["limits"] = {"per_address": "off", "failures_per_address": "off"}

    plugins = Plugins([("planner", Planner())])
    with (
        run_admin_shop(alipay_and_wechat(), change=change, plugins=plugins) as admin,
        httpx.Client(base_url=admin.shop.url, timeout=20, trust_env=False) as client,
    ):
        admin.create("owner", Role.OPERATOR)
        yield Bench(admin, give_everything(admin), client)


Send = Callable[[Bench, str], httpx.Response]


def in_query(path: str, **others: str) -> Send:
    """The text as `state` of a response that comes back to `path`, in the browser that began every flow."""

    def send(bench: Bench, text: str) -> httpx.Response:
        names = [name for name in bench.given.texts if name.startswith("state of")]
        cookies = {
            f"connect_flow_{token_hash(bench.given.texts[name])[:16]}": bench.given.texts[
                name.replace("state", "cookie")
            ]
            for name in names
        }
        return bench.client.get(
            path, params={"state": text, "code": f"c{next(_codes)}", **others}, headers=as_header(cookies)
        )

    return send


def as_header(cookies: Mapping[str, str]) -> dict[str, str]:
    """These cookies, for one request."""
    return {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def in_flow_cookie(bench: Bench, text: str) -> httpx.Response:
    """The text in the cookie of the login that a browser has begun."""
    state = bench.given.texts["state of a login"]
    cookies = {f"connect_flow_{token_hash(state)[:16]}": text}
    return bench.client.get(
        f"/connect/wechat/pc/callback?code=c{next(_codes)}&state={state}", headers=as_header(cookies)
    )


def in_body(path: str, name: str, method: str = "POST", *, as_member: bool = False, **others: str) -> Send:
    """The text in a JSON body; a value of `others` that is the name of a text stands for it."""

    def send(bench: Bench, text: str) -> httpx.Response:
        body = {key: bench.given.texts.get(value, value) for key, value in others.items()} | {name: text}
        body |= {"code": f"c{next(_codes)}"} if "code" in body else {}
        return bench.client.request(method, path, json=body, headers=bench.given.member if as_member else {})

    return send


def in_cookie(name: str, path: str, method: str = "GET", *, as_member: bool = False, **body: str) -> Send:
    """The text in a cookie."""

    def send(bench: Bench, text: str) -> httpx.Response:
        headers = as_header({name: text}) | (bench.given.member if as_member else {})
        return bench.client.request(method, path, headers=headers, **({"json": body} if method != "GET" else {}))

    return send


def in_path(path: str, method: str = "POST", *, cookie: str = "") -> Send:
    """The text in the path; as the member, or in the browser that has the waiting choice."""

    def send(bench: Bench, text: str) -> httpx.Response:
        headers = bench.given.member
        if cookie:
            headers = as_header({cookie: bench.given.texts["browser's choice"]})
        return bench.client.request(method, path.format(quote(text, safe="")), headers=headers)

    return send


def in_bearer(path: str) -> Send:
    """The text as a bearer token."""
    return lambda bench, text: bench.client.get(path, headers={"authorization": f"Bearer {text}"})


def in_introspection(bench: Bench, text: str) -> httpx.Response:
    """What a service of the shop is told of the text; a token that is not active counts as refused."""
    answer = bench.client.post("/connect/introspect", data={"token": text}, headers=basic(*GATEWAY))
    is_refused = answer.json() == {"active": False}
    return httpx.Response(401 if is_refused else 200, request=answer.request)


APP, OWN = "/connect/alipay/app", {"code": "c"}
CHOICE = {"decision": "register"}
PLACES: dict[str, tuple[Send, set[str]]] = {
    "state, in a browser": (in_query("/connect/wechat/pc/callback"), {"state of a login"}),
    "state, another provider": (in_query("/connect/alipay/pc/callback"), set()),
    "state, another client type": (in_query("/connect/wechat/h5/callback"), set()),
    "state, of an older front end": (in_query("/buyer/connect/wechat/h5/login"), set()),
    "state, of a front end": (in_body("/connect/wechat/pc/token", "state", **OWN), set()),
    "flow cookie": (in_flow_cookie, {"cookie of a login"}),
    "ticket of a login": (in_body(f"{APP}/token", "ticket", **OWN), {"app's ticket of a login"}),
    "ticket of a bind": (in_body(f"{APP}/bind", "ticket", as_member=True, **OWN), {"app's ticket of a bind"}),
    "ticket of a merge": (in_body(f"{APP}/merge", "ticket", as_member=True, **OWN), {"app's ticket of a merge"}),
    "ticket of a confirmation": (
        in_body(f"{APP}/confirm", "ticket", as_member=True, **OWN),
        {"app's ticket of a confirmation"},
    ),
    "ticket of a join": (in_body(f"{APP}/join", "ticket", choice_ticket="app's choice", **OWN), set()),
    "choice": (in_body(CHOOSE, "ticket", **CHOICE), {"app's choice"}),
    "choice, in a cookie": (in_cookie("connect_pending", CHOOSE, "POST", **CHOICE), {"browser's choice"}),
    "choice of a join": (in_body(f"{APP}/join", "choice_ticket"), {"app's choice"}),
    "choice of an older front end": (in_path("/buyer/account-binder/register/{}", cookie="connect_pending"), set()),
    "proof": (in_body(MERGE, "ticket", as_member=True), {"proof"}),
    "proof, to be shown": (in_body(f"{MERGE}/preview", "ticket", as_member=True), {"proof"}),
    "proof, in a cookie": (in_cookie("connect_merge", MERGE, "POST", as_member=True), {"proof"}),
    "QR code": (in_path("/connect/h/{}", "GET"), {"QR code"}),
    "QR code, agreed to": (in_path("/connect/h/{}/approve"), set()),
    "QR ticket": (in_cookie(qr_logins.COOKIE, "/connect/handover/collect", "POST"), set()),
    "session": (in_cookie("connect_session", "/connect/me"), {"session"}),
    "access token, in a cookie": (in_cookie("access_token", "/connect/me"), {"access_token"}),
    "refresh token, in a cookie": (in_cookie("refresh_token", "/connect/me"), set()),
    "refresh token, in a cookie, to be rotated": (in_cookie("refresh_token", "/connect/token/refresh", "POST"), set()),
    "refresh token": (in_body("/connect/token/refresh", "refresh_token"), {"refresh_token"}),
    "access token": (in_bearer("/connect/me"), {"access_token"}),
    "token that a service asks about": (in_introspection, {"access_token", "refresh_token"}),
    "administrator's session": (in_cookie("connect_admin", "/connect/admin"), {"administrator's session"}),
    "API token": (in_bearer(f"{API}/dashboard"), {"API token"}),
    "id of a session": (in_path("/connect/sessions/{}", "DELETE"), set()),
    "number of a merge": (in_path(f"{MERGE}s/{{}}/undo"), set()),
}


def is_refused(answer: httpx.Response) -> bool:
    """Tell whether nothing was to be had: a refusal, or the way to the sign-in."""
    leads_to_sign_in = answer.status_code == 303 and "/sign-in" in answer.headers["location"]
    return (400 <= answer.status_code < 500 or leads_to_sign_in) and not set_cookies(answer)


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_taken_for_something_else(bench: Bench, place: str) -> None:
    """What was given out for another place is refused here."""
    send, own = PLACES[place]
    with untouched(bench.shop):
        answers = {name: send(bench, text) for name, text in bench.given.texts.items() if name not in own}
    assert [(name, answer.status_code) for name, answer in answers.items() if not is_refused(answer)] == []


BOUND = [place for place in PLACES if place.startswith(("ticket of a", "proof")) and PLACES[place][1]]


@pytest.mark.parametrize("who", ["nobody", "another member", "another login of the member"])
def test_what_a_session_got_is_for_that_session(bench: Bench, who: str) -> None:
    """Tickets of a bind, a merge and a confirmation, and proofs: from another login they are nothing."""
    others = {"nobody": {}, "another member": bench.given.other, "another login of the member": bench.given.second}
    given = replace(bench.given, member=others[who])
    with untouched(bench.shop):
        answers = {
            place: PLACES[place][0](replace(bench, given=given), given.texts[name])
            for place in BOUND
            if place != "ticket of a login"
            for name in PLACES[place][1]
        }
    assert len(answers) == 6
    assert {answer.json()["code"] for answer in answers.values()} == {
        "state_invalid" if others[who] else "not_logged_in"
    }


def test_each_thing_is_taken_at_its_own_place(bench: Bench) -> None:
    """And the refusals before have spent nothing: whatever was tried elsewhere is good for what it was given out for.

    A code that is no code is refused only after its ticket was taken.
    """
    refusals = {"state_invalid", "state_expired", "state_missing", "token_invalid", "not_logged_in"}
    for place in reversed(PLACES):
        send, own = PLACES[place]
        if place == "flow cookie":  # the same flow as "state, in a browser"
            continue
        for name in own:
            answer = send(bench, bench.given.texts[name])
            code = answer.json().get("code") if answer.status_code >= 400 else ""
            assert code not in refusals, (place, name, answer.text)
