"""The end of a login between a shop and an OpenID provider: told by the provider, and told to it."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from connect_core.crypto import SigningKey
from connect_core.sandbox import OidcSandbox
from connect_core.testing import RunningShop, Visitor, run_shop
from connect_oidc.sandbox import PlainOidcSandbox

from ..kit.first_logins import choose
from ..kit.qr_logins import approve, collect, start

EVENT = "http://schemas.openid.net/event/backchannel-logout"
Stage = tuple[RunningShop, OidcSandbox]
STRANGER = SigningKey.generate("RS256", "nobody-knows")


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A shop with one OpenID provider, which is also told of log-outs."""
    yield from run_stage(rp_initiated_logout=True)


OPEN: list[Visitor] = []
"""Visitors of the shop that runs, to be closed with it."""


def run_stage(sandbox: OidcSandbox | None = None, **settings: Any) -> Iterator[Stage]:
    """Run the shop with further settings of the provider."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"] |= {"first_login": settings.pop("first_login", "register")}
        raw["providers"]["oidc"] |= settings

    provider = sandbox or PlainOidcSandbox()
    with run_shop({"oidc": provider}, change=change) as shop:
        try:
            yield shop, provider
        finally:
            while OPEN:
                OPEN.pop().http.close()


def log_in(shop: RunningShop, person: str = "lihua", client: str = "pc") -> Visitor:
    """Return a visitor who has logged in."""
    visitor = Visitor(shop)
    OPEN.append(visitor)
    assert visitor.log_in("oidc", client, person).status_code == 303
    assert is_in(visitor)
    return visitor


def is_in(visitor: Visitor) -> bool:
    """Whether the visitor is logged in."""
    return visitor.http.get("/connect/me").status_code == 200


def tell(shop: RunningShop, token: str, **more: str) -> httpx.Response:
    """Post a logout token as a provider's server does."""
    data = {"logout_token": token, **more}
    return httpx.post(f"{shop.url}/connect/oidc/backchannel-logout", data=data, trust_env=False)


def test_session_of_the_provider_ends(stage: Stage) -> None:
    """By `sid` every login that came from that session ends, on each client type, and nobody else's does."""
    shop, sandbox = stage
    desk, phone, stranger = log_in(shop), log_in(shop, client="h5"), log_in(shop, "wangwei")
    answer = tell(shop, sandbox.sign_logout_token(sid=sandbox.session_of("lihua")))
    assert (answer.status_code, answer.content) == (200, b"")
    assert "no-store" in answer.headers["cache-control"]
    assert [is_in(visitor) for visitor in (desk, phone, stranger)] == [False, False, True]
    [row] = shop.rows("es_connect_vendor_session")
    assert shop.rows("es_member_session")[-1]["family"] == row["family"]


def test_person_is_logged_out_everywhere(stage: Stage) -> None:
    """By `sub` alone every login of the person through this provider ends; a further one begins anew."""
    shop, sandbox = stage
    desk, phone, stranger = log_in(shop), log_in(shop, client="h5"), log_in(shop, "wangwei")
    assert tell(shop, sandbox.sign_logout_token(sub=sandbox.subject("lihua"))).status_code == 200
    assert [is_in(visitor) for visitor in (desk, phone, stranger)] == [False, False, True]
    assert len(shop.rows("es_connect_vendor_session")) == 1
    assert desk.log_in("oidc", "pc").status_code == 303
    assert is_in(desk)


def test_tokens_end_with_the_session(stage: Stage) -> None:
    """Access and refresh token of a front end are dead after the provider's log-out."""
    shop, sandbox = stage
    with Visitor(shop) as visitor:
        page = f"{shop.url}/spa"
        callback = visitor.consent(visitor.begin("oidc", "pc", redirect_uri=page))
        query = {name: value for name, [value] in parse_qs(urlsplit(callback).query).items()}
        tokens = visitor.http.post("/connect/oidc/pc/token", json=query).json()
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        assert visitor.http.get("/connect/me", headers=bearer).status_code == 200
        assert tell(shop, sandbox.sign_logout_token(sid=sandbox.session_of("lihua"))).status_code == 200
        assert visitor.http.get("/connect/me", headers=bearer).status_code == 401
        fresh = visitor.http.post("/connect/token/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert fresh.status_code == 401


def test_sid_that_nobody_has(stage: Stage) -> None:
    """§2.7: whoever is logged out already counts as logged out; `sub` beside an unknown `sid` ends nobody else."""
    shop, sandbox = stage
    visitor = log_in(shop)
    for claims in ({"sid": "another"}, {"sid": "another", "sub": sandbox.subject("lihua")}, {"sub": "nobody"}):
        assert tell(shop, sandbox.sign_logout_token(**claims)).status_code == 200
    assert is_in(visitor)


WRONG: dict[str, Callable[[OidcSandbox], str]] = {
    "no event": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), events=None),
    "another event": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), events={f"{EVENT}2": {}}),
    "events as a list": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), events=[EVENT]),
    "event that is no object": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), events={EVENT: True}),
    "nonce": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), nonce="n"),
    "no jti": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), jti=None),
    "empty jti": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), jti=""),
    "jti as a number": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), jti=7),
    "no iat": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), iat=None),
    "iat to come": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), iat=int(op.now()) + 900),
    "expired": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), exp=int(op.now()) - 61),
    "expiry as a text": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), exp="9999999999"),
    "old, no expiry": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), exp=None, iat=int(op.now()) - 700),
    "very old": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), iat=1, exp=9_999_999_999),
    "not yet": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), nbf=9_999_999_999),
    "another issuer": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), iss="https://evil.example"),
    "no issuer": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), iss=None),
    "another client": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), aud="another-client"),
    "further client": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), aud=[op.client_id, "another"]),
    "no audience": lambda op: op.sign_logout_token(sid=op.session_of("lihua"), aud=None),
    "nobody": lambda op: op.sign_logout_token(),
    "empty names": lambda op: op.sign_logout_token(sid="", sub=""),
    "sid as a list": lambda op: op.sign_logout_token(sid=[op.session_of("lihua")]),
    "sub as a number": lambda op: op.sign_logout_token(sub=7),
    "long sid": lambda op: op.sign_logout_token(sid="s" * 256),
    "unsigned": lambda op: op.sign_logout_token({"alg": "none"}, sid=op.session_of("lihua")).rpartition(".")[0] + ".",
    "alg none": lambda op: op.sign_logout_token({"alg": "none"}, sid=op.session_of("lihua")),
    "another alg": lambda op: op.sign_logout_token({"alg": "ES256"}, sid=op.session_of("lihua")),
    "HS256": lambda op: op.sign_logout_token({"alg": "HS256"}, sid=op.session_of("lihua")),
    "another key": lambda op: op.sign_logout_token({"kid": "nobody-knows"}, sid=op.session_of("lihua")),
    "changed": lambda op: op.sign_logout_token(sid=op.session_of("lihua"))[:-6] + "AAAAAA",
    "access token's type": lambda op: op.sign_logout_token({"typ": "at+jwt"}, sid=op.session_of("lihua")),
    "critical": lambda op: op.sign_logout_token({"crit": ["exp"]}, sid=op.session_of("lihua")),
    "no token": lambda _: "a.b.c",
    "empty": lambda _: "",
    "long": lambda _: "x" * 5000,
    "signed by a stranger": lambda op: STRANGER.sign_jwt({"sid": op.session_of("lihua")}),
}
"""What no provider sends, by what is wrong with it."""


def test_wrong_tokens_end_nothing(stage: Stage) -> None:
    """§2.6: each is answered with 400 in JSON, and the member stays logged in."""
    shop, sandbox = stage
    visitor = log_in(shop)
    for wrong, make in WRONG.items():
        answer = tell(shop, make(sandbox))
        assert (wrong, answer.status_code, answer.json()["error"]) == (wrong, 400, "invalid_request")
        assert is_in(visitor), wrong
    right = sandbox.sign_logout_token(sid=sandbox.session_of("lihua"), nonce="")  # there but empty is absent
    assert tell(shop, right).status_code == 200
    assert not is_in(visitor)


def test_id_token_is_no_logout_token(stage: Stage) -> None:
    """An ID token that a browser has seen logs nobody out."""
    shop, sandbox = stage
    visitor = log_in(shop)
    tokens: list[str] = []
    sign = sandbox.sign_id_token
    sandbox.sign_id_token = lambda *arguments: tokens.append(sign(*arguments)) or tokens[-1]  # type: ignore[func-returns-value,method-assign]
    log_in(shop)
    assert tell(shop, tokens[0]).status_code == 400
    assert is_in(visitor)


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"typ": None}, {}),
        ({"typ": "JWT"}, {}),
        ({"typ": "Application/Logout+JWT"}, {}),
        ({}, {"exp": None}),
        ({}, {"sub": ""}),
        ({}, {"trace_id": "t", "toe": 5}),
        ({}, {"aud": ["sandbox-client"]}),
        ({}, {"events": {EVENT: {}, "urn:other": {}}}),
        ({"kid": None}, {}),
    ],
)
def test_right_tokens_in_other_forms(stage: Stage, header: dict[str, Any], claims: dict[str, Any]) -> None:
    """Types before RFC 8725's advice, tokens of drafts without `exp`, and claims that nobody asks for are taken."""
    shop, sandbox = stage
    visitor = log_in(shop)
    token = sandbox.sign_logout_token(header, sid=sandbox.session_of("lihua"), **claims)
    assert tell(shop, token, unknown="parameter").status_code == 200
    assert not is_in(visitor)


def test_token_is_taken_once(stage: Stage) -> None:
    """A `jti` that was seen is refused, also when two arrive at once: a captured token ends no later login."""
    shop, sandbox = stage
    visitor = log_in(shop)
    token = sandbox.sign_logout_token(sid=sandbox.session_of("lihua"))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: tell(shop, token).status_code, range(4)))
    assert sorted(answers) == [200, 400, 400, 400]
    assert visitor.log_in("oidc", "pc").status_code == 303
    assert tell(shop, token).json()["code"] == "code_seen"
    assert is_in(visitor)


def test_key_rotated_before_the_log_out(stage: Stage) -> None:
    """A token signed with a new key is checked with the keys fetched again."""
    shop, sandbox = stage
    visitor = log_in(shop)
    sandbox.rotate()
    assert tell(shop, sandbox.sign_logout_token(sid=sandbox.session_of("lihua"))).status_code == 200
    assert not is_in(visitor)


def test_requests_that_are_none(stage: Stage) -> None:
    """JSON, an empty form and a repeated token are 400, a provider that is not there is 404, and GET is 405."""
    shop, sandbox = stage
    token = sandbox.sign_logout_token(sid=sandbox.session_of("lihua"))
    url = f"{shop.url}/connect/oidc/backchannel-logout"
    assert httpx.post(url, json={"logout_token": token}, trust_env=False).status_code == 400
    assert httpx.post(url, data={}, trust_env=False).status_code == 400
    assert httpx.post(url, data={"logout_token": [token, token + "x"]}, trust_env=False).status_code == 400
    assert httpx.post(url.replace("oidc", "nobody"), data={"logout_token": token}, trust_env=False).status_code == 404
    assert httpx.get(url, trust_env=False).status_code == 405


def test_member_who_logs_out_is_sent_to_the_provider(stage: Stage) -> None:
    """With `rp_initiated_logout` a page leads there, with the ID token, and back to the shop's home."""
    shop, sandbox = stage
    visitor = log_in(shop)
    hint = shop.rows("es_connect_vendor_session")[0]["hint"]
    assert hint.startswith("v1.")
    answer = visitor.http.post("/connect/logout", headers={"accept": "text/html"})
    assert answer.status_code == 200
    assert sandbox.issuer in answer.text
    assert not is_in(visitor)
    assert shop.rows("es_connect_vendor_session") == []


def test_script_that_logs_out_gets_the_address(stage: Stage) -> None:
    """JSON has `logout_url`; the provider takes it and sends the browser home. A second log-out has none."""
    shop, sandbox = stage
    visitor = log_in(shop)
    url = visitor.http.post("/connect/logout").json()["logout_url"]
    query = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{sandbox.issuer}/logout?")
    assert (query["client_id"], query["post_logout_redirect_uri"]) == ([sandbox.client_id], [f"{shop.url}/"])
    assert query["id_token_hint"][0].count(".") == 2
    back = httpx.get(url, trust_env=False)
    assert (back.status_code, back.headers["location"]) == (303, f"{shop.url}/")
    assert visitor.http.post("/connect/logout").status_code == 204


def test_log_out_stays_here_by_default() -> None:
    """Without the setting nobody is sent away, and no ID token is kept."""
    for shop, _ in run_stage():
        visitor = log_in(shop)
        assert [row["hint"] for row in shop.rows("es_connect_vendor_session")] == [""]
        assert visitor.http.post("/connect/logout").status_code == 204
        assert not is_in(visitor)


def test_provider_without_a_page_or_out_of_order() -> None:
    """The log-out here never fails: without an `end_session_endpoint`, or any answer, it is ours alone."""

    class Bare(PlainOidcSandbox):
        ends_sessions = False

    for shop, _ in run_stage(Bare(), rp_initiated_logout=True):
        visitor = log_in(shop)
        assert visitor.http.post("/connect/logout").status_code == 204
        assert not is_in(visitor)
    broken = PlainOidcSandbox()
    for shop, _ in run_stage(broken, rp_initiated_logout=True, end_session_endpoint="http://127.0.0.1:9/logout"):
        visitor = log_in(shop)
        assert visitor.http.post("/connect/logout").json()["logout_url"].startswith("http://127.0.0.1:9/logout?")


def test_login_of_a_pc_that_a_phone_approved(stage: Stage) -> None:
    """The PC's login came from the phone's session at the provider, and ends with it."""
    shop, sandbox = stage
    phone, pc = log_in(shop, client="h5"), Visitor(shop)
    OPEN.append(pc)
    approve(phone, start(pc))
    assert collect(pc).status_code in (200, 204, 303)
    assert is_in(pc)
    assert tell(shop, sandbox.sign_logout_token(sid=sandbox.session_of("lihua"))).status_code == 200
    assert [is_in(phone), is_in(pc)] == [False, False]


def test_login_after_a_choice() -> None:
    """A newcomer who was asked first is logged out by the provider as well; the ticket has no ID token."""
    for shop, sandbox in run_stage(rp_initiated_logout=True, first_login="choose"):
        visitor = Visitor(shop)
        OPEN.append(visitor)
        asked = visitor.log_in("oidc", "pc")
        assert asked.headers["location"].endswith("/connect/first-login")
        assert sum(len(value) for value in visitor.http.cookies.values()) < 2000
        assert choose(visitor, decision="register").status_code == 303
        assert is_in(visitor)
        assert tell(shop, sandbox.sign_logout_token(sid=sandbox.session_of("lihua"))).status_code == 200
        assert not is_in(visitor)


def test_erasure_leaves_nothing_of_the_vendors_session(stage: Stage) -> None:
    """Its row goes with the member's others."""
    shop, _ = stage
    visitor = log_in(shop)
    assert visitor.http.delete("/connect/account").status_code == 204
    assert shop.rows("es_connect_vendor_session") == []


def test_nothing_secret_is_stored_or_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """The session's id is a hash, the ID token sealed, and no token is in the log."""
    shop, sandbox = stage
    log_in(shop)
    [row] = shop.rows("es_connect_vendor_session")
    assert sandbox.session_of("lihua") not in json.dumps(row)
    token = sandbox.sign_logout_token(sid=sandbox.session_of("lihua"), nonce="n")
    assert tell(shop, token).status_code == 400
    assert token[-20:] not in caplog.text
