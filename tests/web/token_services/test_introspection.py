"""Introspection (RFC 7662): what a service of the shop learns about a token, and who may ask."""

import logging
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor

from ...kit.acme import execute
from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.token_services import BASIC, GATEWAY, STOCK, basic, introspect, oauth_refused, with_servers
from ...kit.web_shops import alipay_and_wechat, bearer, mini_login, nothing_written

INACTIVE = {"active": False}


def ask(visitor: Visitor, headers: Mapping[str, str] | None = None, **form: str) -> httpx.Response:
    """Post a form."""
    return visitor.http.post("/connect/introspect", data=form, headers=headers)


def test_an_access_token_is_described(shop: RunningShop, visitor: Visitor) -> None:
    """The answer has the token's own claims, whose it is, and when its member logged in; asking writes nothing."""
    tokens = mini_login(visitor).json()
    who = visitor.http.get("/connect/me", headers={"authorization": f"Bearer {tokens['access_token']}"}).json()
    with nothing_written(shop):
        description = introspect(visitor, tokens["access_token"])
    times = {name: description.pop(name) for name in ("iat", "exp", "auth_time")}
    assert times["exp"] - times["iat"] == tokens["expires_in"]
    assert times["auth_time"] == times["iat"]
    assert (len(description.pop("sid")), len(description.pop("jti"))) == (32, 16)
    assert description == {
        "active": True,
        "token_type": "Bearer",
        "iss": shop.url,
        "aud": shop.url,
        "sub": str(tokens["uid"]),
        "username": who["uname"],
        "client_id": "mini",
        "client_type": "mini",
    }


def test_a_refresh_token_is_no_bearer_token(shop: RunningShop, visitor: Visitor) -> None:
    """It is active until it is rotated, says its type, and is for no service: it has no `aud`."""
    tokens = mini_login(visitor).json()
    with nothing_written(shop):
        description = introspect(visitor, tokens["refresh_token"])
    assert (description["active"], description["token_type"]) == (True, "refresh_token")
    assert description["sub"] == str(tokens["uid"])
    assert "aud" not in description
    assert description["exp"] - description["auth_time"] == 7 * 24 * 3600
    renewed = visitor.http.post("/connect/token/refresh", json={"refresh_token": tokens["refresh_token"]}).json()
    assert introspect(visitor, tokens["refresh_token"]) == INACTIVE
    assert introspect(visitor, renewed["refresh_token"])["sid"] == description["sid"]


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "saml2"])
def test_a_hint_changes_nothing(visitor: Visitor, hint: str) -> None:
    """A wrong or unknown hint only says where to look first (RFC 7662 §2.1)."""
    tokens = mini_login(visitor).json()
    assert introspect(visitor, tokens["access_token"], token_type_hint=hint)["token_type"] == "Bearer"
    assert introspect(visitor, tokens["refresh_token"], token_type_hint=hint)["token_type"] == "refresh_token"


@pytest.mark.parametrize("form", [{"token": "x"}, {"token": "a.b.c"}, {"token": "r_" + "x" * 43}, {"token": "é" * 99}])
def test_an_unknown_token_is_not_active(visitor: Visitor, form: dict[str, str]) -> None:
    """Whatever it looks like, it is 200 and says nothing else (RFC 7662 §2.2)."""
    assert introspect(visitor, **form) == INACTIVE


def test_a_session_is_no_token(visitor: Visitor) -> None:
    """What a browser's session cookie holds is never active for a service."""
    visitor.log_in("alipay", "pc")
    assert introspect(visitor, visitor.http.cookies["connect_session"]) == INACTIVE


def test_a_token_of_another_issuer_is_not_active(visitor: Visitor) -> None:
    """The signature counts, and so do issuer and audience."""
    with run_shop(alipay_and_wechat()) as other, Visitor(other) as stranger:
        foreign = mini_login(stranger).json()
    assert introspect(visitor, foreign["access_token"]) == INACTIVE
    assert introspect(visitor, foreign["refresh_token"]) == INACTIVE
    own = mini_login(visitor).json()["access_token"]
    assert introspect(visitor, own[:-4] + ("AAAA" if own[-4:] != "AAAA" else "BBBB")) == INACTIVE


def test_a_token_ends_with_its_time(visitor: Visitor, time_of_shop: Clock) -> None:
    """After `exp` it is not active; the refresh token goes on."""
    tokens = mini_login(visitor).json()
    time_of_shop.advance(1201)
    assert introspect(visitor, tokens["access_token"]) == INACTIVE
    assert introspect(visitor, tokens["refresh_token"])["active"] is True


def test_a_logout_is_seen_at_once(visitor: Visitor) -> None:
    """A token whose signature still holds is not active once its login has ended."""
    tokens = mini_login(visitor)
    assert introspect(visitor, tokens.json()["access_token"])["active"] is True
    assert visitor.http.post("/connect/logout", headers=bearer(tokens)).status_code == 204
    assert introspect(visitor, tokens.json()["access_token"]) == INACTIVE
    assert introspect(visitor, tokens.json()["refresh_token"]) == INACTIVE


@pytest.mark.parametrize("fate", ["disabled", "erased"])
def test_a_member_who_is_disabled_or_erased_has_no_active_token(shop: RunningShop, visitor: Visitor, fate: str) -> None:
    """As with `GET /connect/me`: the tokens are there, and count for nobody."""
    answer = mini_login(visitor, "wangwu")
    tokens = answer.json()
    if fate == "disabled":
        execute(shop.database_url, "UPDATE es_member SET disabled = 1 WHERE id = ?", tokens["uid"])
    else:
        assert visitor.http.delete("/connect/account", headers=bearer(answer)).status_code == 204
    assert introspect(visitor, tokens["access_token"]) == INACTIVE
    assert introspect(visitor, tokens["refresh_token"]) == INACTIVE
    execute(shop.database_url, "UPDATE es_member SET disabled = 0 WHERE id = ?", tokens["uid"])


WAYS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "basic, encoded": (basic(*GATEWAY), {}),
    "basic, as it stands": (basic(*GATEWAY, is_encoded=False), {}),
    "basic, with the id in the form": (basic(*GATEWAY), {"client_id": GATEWAY[0]}),
    "basic, a name with a colon": (basic(*STOCK), {}),
    "basic, in other letters": ({"authorization": basic(*GATEWAY)["authorization"].replace("Basic", "bAsIc")}, {}),
    "form": ({}, {"client_id": STOCK[0], "client_secret": STOCK[1]}),
}


@pytest.mark.parametrize(("headers", "form"), WAYS.values(), ids=WAYS)
def test_a_service_proves_who_it_is(visitor: Visitor, headers: dict[str, str], form: dict[str, str]) -> None:
    """By `client_secret_basic` or `client_secret_post` (RFC 6749 §2.3.1)."""
    answer = ask(visitor, headers, token="x", **form)
    assert (answer.status_code, answer.json()) == (200, INACTIVE)


WRONG: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "nobody": ({}, {}),
    "an id alone": ({}, {"client_id": GATEWAY[0]}),
    "a wrong secret": (basic(GATEWAY[0], GATEWAY[1][:-1]), {}),
    "another's secret": (basic(GATEWAY[0], STOCK[1]), {}),
    "an unknown name": (basic("nobody", GATEWAY[1]), {}),
    "an empty secret": (basic(GATEWAY[0], ""), {}),
    "a wrong secret in the form": ({}, {"client_id": GATEWAY[0], "client_secret": "wrong"}),
    "a secret without a name": ({}, {"client_secret": GATEWAY[1]}),
    "another id in the form": (basic(*GATEWAY), {"client_id": STOCK[0]}),
    "no base64": ({"authorization": "Basic ???"}, {}),
    "no UTF-8": ({"authorization": "Basic /////w=="}, {}),
    "no colon": ({"authorization": "Basic Z2F0ZXdheQ=="}, {}),
    "a bearer token": ({"authorization": "Bearer x"}, {}),
}


@pytest.mark.parametrize(("headers", "form"), WRONG.values(), ids=WRONG)
def test_nobody_else_learns_anything(visitor: Visitor, headers: dict[str, str], form: dict[str, str]) -> None:
    """401 `invalid_client` with `WWW-Authenticate`, also for a token that is active."""
    answer = ask(visitor, headers, token=mini_login(visitor).json()["access_token"], **form)
    oauth_refused(answer, 401, "invalid_client", "client_invalid")


def test_what_is_no_request_is_refused(visitor: Visitor) -> None:
    """Both ways of authentication at once, no token, two tokens, JSON instead of a form: 400 `invalid_request`."""
    known = basic(*GATEWAY)
    answers = [
        ask(visitor, known, token="x", client_id=GATEWAY[0], client_secret=GATEWAY[1]),
        ask(visitor, known),
        ask(visitor, known, token=""),
        visitor.http.post(
            "/connect/introspect",
            content="token=a&token=b",
            headers={**known, "content-type": "application/x-www-form-urlencoded"},
        ),
        visitor.http.post("/connect/introspect", json={"token": "x"}, headers=known),
    ]
    for answer in answers:
        oauth_refused(answer, 400, "invalid_request", "bad_request")
    assert visitor.http.get("/connect/introspect", headers=known).status_code == 405


def test_guesses_are_counted_and_what_a_gateway_passes_on_is_not() -> None:
    """`failures_per_address` slows down whoever guesses a secret; a gateway may ask about any nonsense."""

    def change(raw: dict[str, Any]) -> None:
        with_servers(raw)
        raw["limits"] = {"per_address": "2/hour", "failures_per_address": "3/hour"}

    with run_shop(alipay_and_wechat(), change=change) as shop, Visitor(shop) as visitor:
        for _ in range(10):
            assert introspect(visitor, "nonsense") == INACTIVE
            oauth_refused(ask(visitor, basic(*GATEWAY), token=""), 400, "invalid_request", "bad_request")
        for _ in range(3):
            assert ask(visitor, basic(GATEWAY[0], "guess"), token="x").status_code == 401
        limited = ask(visitor, basic(*GATEWAY), token="x")
        assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
        assert int(limited.headers["retry-after"]) > 0


def test_no_secret_and_no_token_is_logged(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """Neither what was right nor what was wrong."""
    caplog.set_level(logging.DEBUG)
    token = mini_login(visitor).json()["access_token"]
    introspect(visitor, token)
    assert ask(visitor, basic(GATEWAY[0], "a-guess-of-mine"), token=token).status_code == 401
    written = " ".join(str(vars(record)) for record in caplog.records if record.name == "connect_login")
    assert "client_invalid" in written
    for text in (token, GATEWAY[1], "a-guess-of-mine", *basic(*GATEWAY).values()):
        assert text not in written


def test_without_resource_servers_nobody_may_ask() -> None:
    """The address is there and refuses everybody."""
    with run_shop(alipay_and_wechat()) as shop, Visitor(shop) as visitor:
        oauth_refused(ask(visitor, basic(*GATEWAY), token="x"), 401, "invalid_client", "client_invalid")
        assert ask(visitor, token="x").headers["www-authenticate"] == BASIC
