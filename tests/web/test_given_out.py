"""Everything that is given out, handed in at every place that takes something else: nobody gets anything for it.

Each text in `Given` was given out for one place. At every other one it is refused, no vendor is asked, and nothing is
written.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from urllib.parse import quote

import httpx
import pytest

from connect_core.crypto import token_hash

from ..kit import qr_logins
from ..kit.admin_pages import PASSWORD
from ..kit.api_clients import API
from ..kit.first_logins import CHOOSE
from ..kit.given_out import KEEPERS, Bench, all_untouched, run_bench
from ..kit.token_services import GATEWAY, basic
from ..kit.web_merges import MERGE
from ..kit.web_shops import HTML, set_cookies

ADMIN = "/connect/admin"
_codes = count()


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """The shop in which everything was given out."""
    with run_bench() as everything:
        yield everything


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


def in_form(path: str, name: str, /, *cookies: str, as_member: bool = False, **others: str) -> Send:
    """The text in a field of a form, with `cookies` (`NAME=TEXT`); values that are the name of a text stand for it."""

    def send(bench: Bench, text: str) -> httpx.Response:
        texts = bench.given.texts
        pairs = (cookie.split("=") for cookie in cookies)
        fields = {key: texts.get(value, value) for key, value in others.items()} | {name: text}
        headers = as_header({key: texts[value] for key, value in pairs}) | (bench.given.member if as_member else {})
        return bench.client.post(path, data=fields, headers=headers)

    return send


def in_administrators_query(bench: Bench, text: str) -> httpx.Response:
    """The text as `state` of a response that comes back to the admin page, with its own cookie where it has one."""
    name = next((name for name, value in bench.given.texts.items() if value == text), "")
    own = bench.given.texts.get(name.replace("state of", "cookie of"), "")
    return in_administrators_flow(bench, own, state=text)


def in_administrators_flow(bench: Bench, text: str, state: str = "") -> httpx.Response:
    """The text in the cookie of the sign-in that an administrator has begun."""
    state = state or bench.given.texts["state of an administrator's sign-in"]
    query, headers = {"state": state, "code": f"c{next(_codes)}"}, as_header({"connect_admin_flow": text})
    return bench.client.get(f"{ADMIN}/sign-in/openid/callback", params=query, headers=headers)


def in_one_time_password(bench: Bench, text: str) -> httpx.Response:
    """The text as the one-time password of an administrator: of `owner`, who has it, or else of anybody."""
    is_owners = text == bench.given.texts["one-time password"]
    name = "owner" if is_owners else f"keeper{next(_codes) % KEEPERS}"
    answer = bench.client.post(f"{ADMIN}/sign-in", data={"name": name, "password": PASSWORD, "totp": text})
    assert answer.status_code != 429
    return answer


def in_message(name: str, path: str) -> Send:
    """The text in the cookie of a flash message; a page that is the same without it counts as refused."""

    def send(bench: Bench, text: str) -> httpx.Response:
        plain = bench.client.get(path, headers=HTML)
        answer = bench.client.get(path, headers=HTML | as_header({name: text}))
        return httpx.Response(401 if answer.text == plain.text else 200, request=answer.request)

    return send


def in_qr_status(bench: Bench, text: str) -> httpx.Response:
    """How far the QR login of the text is; one that is over, or never was, counts as refused."""
    answer = bench.client.get("/connect/handover/status", headers=as_header({qr_logins.COOKIE: text}))
    is_over = answer.json() == {"status": "expired"}
    return httpx.Response(401 if is_over else answer.status_code, request=answer.request, json=answer.json())


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
    "state, the administrators' provider": (in_query("/connect/oidc/pc/callback"), {"state of a login by OpenID"}),
    "state, on the admin page": (in_administrators_query, {"state of an administrator's sign-in"}),
    "state, another client type": (in_query("/connect/wechat/h5/callback"), set()),
    "state, of an older front end": (in_query("/buyer/connect/wechat/h5/login"), set()),
    "state, of a front end": (in_body("/connect/wechat/pc/token", "state", **OWN), set()),
    "flow cookie": (in_flow_cookie, {"cookie of a login"}),
    "flow cookie, of the admin page": (in_administrators_flow, {"cookie of an administrator's sign-in"}),
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
    "choice of an older front end": (
        in_path("/buyer/account-binder/register/{}", cookie="connect_pending"),
        {"uuid of browser's choice"},
    ),
    "choice of an older front end, to be joined": (
        in_path("/buyer/passport/login-binder/pc/{}", "PUT", cookie="connect_pending"),
        {"uuid of browser's choice"},
    ),
    "proof": (in_body(MERGE, "ticket", as_member=True), {"proof"}),
    "proof, to be shown": (in_body(f"{MERGE}/preview", "ticket", as_member=True), {"proof"}),
    "proof, in a cookie": (in_cookie("connect_merge", MERGE, "POST", as_member=True), {"proof"}),
    "page_subject of a merge": (
        in_form(MERGE, "page_subject", "connect_merge=proof", as_member=True),
        {"merge's page_subject"},
    ),
    "proof of the page of a merge": (
        in_form(MERGE, "proof", "connect_merge=proof", as_member=True),
        {"merge page's proof"},
    ),
    "QR code": (in_path("/connect/h/{}", "GET"), {"QR code"}),
    "QR code, agreed to": (in_path("/connect/h/{}/approve"), set()),
    "QR code, refused": (in_path("/connect/h/{}/deny"), set()),
    "QR ticket, to be asked about": (in_qr_status, {"QR ticket"}),
    "token of a log-out": (in_form("/connect/oidc/backchannel-logout", "logout_token"), set()),
    "QR ticket": (in_cookie(qr_logins.COOKIE, "/connect/handover/collect", "POST"), set()),
    "session": (in_cookie("connect_session", "/connect/me"), {"session"}),
    "access token, in a cookie": (in_cookie("access_token", "/connect/me"), {"access_token"}),
    "refresh token, in a cookie": (in_cookie("refresh_token", "/connect/me"), set()),
    "refresh token, in a cookie, to be rotated": (in_cookie("refresh_token", "/connect/token/refresh", "POST"), set()),
    "refresh token": (in_body("/connect/token/refresh", "refresh_token"), {"refresh_token"}),
    "access token": (in_bearer("/connect/me"), {"access_token"}),
    "token that a service asks about": (in_introspection, {"access_token", "refresh_token"}),
    "administrator's session": (in_cookie("connect_admin", "/connect/admin"), {"administrator's session"}),
    "form token": (
        in_form(
            f"{ADMIN}/administrators/newcomer/role",
            "form_token",
            "connect_admin=administrator's session",
            former="viewer",
            role="viewer",
        ),
        {"form token of session"},
    ),
    "one-time password": (in_one_time_password, {"one-time password"}),
    "one-time password of a set-up": (
        in_form(f"{ADMIN}/set-up", "totp", name="newcomer", code="set-up code", password=PASSWORD),
        {"one-time password of a set-up"},
    ),
    "set-up code": (in_form(f"{ADMIN}/set-up", "code", name="newcomer"), {"set-up code"}),
    "page_subject of the account": (
        in_form("/connect/sessions/end", "page_subject", "connect_session=session"),
        {"account's page_subject"},
    ),
    "page_subject of a choice": (
        in_form("/connect/wechat/pc/join", "page_subject", "connect_pending=browser's choice"),
        {"choice's page_subject"},
    ),
    "flash message": (in_message("connect_flash", "/connect/login"), {"flash message"}),
    "flash message, on the admin page": (
        in_message("connect_admin_flash", f"{ADMIN}/sign-in"),
        {"administrator's flash message"},
    ),
    "API token": (in_bearer(f"{API}/dashboard"), {"API token"}),
    "id of a session": (in_path("/connect/sessions/{}", "DELETE"), {"id of a session"}),
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
    with all_untouched(bench):
        answers = {name: send(bench, text) for name, text in bench.given.texts.items() if name not in own}
    assert [(name, answer.status_code) for name, answer in answers.items() if not is_refused(answer)] == []


def test_nothing_else_is_revoked(bench: Bench) -> None:
    """Whatever is no token of a login ends none (RFC 7009 §2.2: the answer is 200 all the same)."""
    with all_untouched(bench):
        for name, text in bench.given.texts.items():
            if name not in {"access_token", "refresh_token"}:
                assert bench.client.post("/connect/revoke", data={"token": text}).status_code in {200, 400}, name


BOUND = [place for place in PLACES if place.startswith(("ticket of a", "proof")) and PLACES[place][1]]


@pytest.mark.parametrize("who", ["nobody", "another member", "another login of the member"])
def test_what_a_session_got_is_for_that_session(bench: Bench, who: str) -> None:
    """Tickets of a bind, a merge and a confirmation, and proofs: from another login they are nothing."""
    others = {"nobody": {}, "another member": bench.given.other, "another login of the member": bench.given.second}
    given = replace(bench.given, member=others[who])
    with all_untouched(bench):
        answers = {
            place: PLACES[place][0](replace(bench, given=given), given.texts[name])
            for place in BOUND
            if place != "ticket of a login"
            for name in PLACES[place][1]
        }
    assert len(answers) == 7
    assert {answer.json()["code"] for answer in answers.values()} == {
        "state_invalid" if others[who] else "not_logged_in"
    }


def test_each_thing_is_taken_at_its_own_place(bench: Bench) -> None:
    """And the refusals before have spent nothing: whatever was tried elsewhere is good for what it was given out for.

    A code that is no code is refused only after its ticket was taken.
    """
    refusals = {"state_invalid", "state_expired", "state_missing", "token_invalid", "not_logged_in"}
    refusals |= {"changed_meanwhile", "forbidden"}
    for place in reversed(PLACES):
        send, own = PLACES[place]
        if place.startswith("flow cookie"):  # the same flow as that of a state above
            continue
        for name in own:
            bench.client.cookies.clear()
            answer = send(bench, bench.given.texts[name])
            code = answer.json().get("code") if answer.status_code >= 400 else ""
            assert code not in refusals, (place, name, answer.text)
