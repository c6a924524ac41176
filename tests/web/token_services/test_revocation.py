"""Revocation (RFC 7009): whoever holds a token can end its login."""

import pytest

from connect_core.harness import RunningShop, Visitor

from ...kit.databases import run_shop
from ...kit.token_services import GATEWAY, basic, introspect, oauth_refused, with_servers
from ...kit.web_shops import alipay_and_wechat, bearer, mini_login, nothing_written, refused

REVOKE = "/connect/revoke"


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
@pytest.mark.parametrize("sender", ["whoever holds it", "a resource server"])
def test_a_token_ends_its_whole_login(visitor: Visitor, kind: str, sender: str) -> None:
    """All tokens of the login end at once, also a successor (RFC 7009 §2.1); another login of the member stays."""
    other = mini_login(visitor)
    tokens = mini_login(visitor)
    renewed = visitor.http.post("/connect/token/refresh", json={"refresh_token": tokens.json()["refresh_token"]})
    headers = basic(*GATEWAY) if sender == "a resource server" else {}
    answer = visitor.http.post(REVOKE, data={"token": tokens.json()[kind]}, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store, private"
    for ended in (tokens, renewed):
        refused(visitor.http.get("/connect/me", headers=bearer(ended)), 401, "not_logged_in")
        assert introspect(visitor, ended.json()["access_token"]) == {"active": False}
        body = {"refresh_token": ended.json()["refresh_token"]}
        refused(visitor.http.post("/connect/token/refresh", json=body), 401, "token_invalid")
    assert visitor.http.get("/connect/me", headers=bearer(other)).status_code == 200


@pytest.mark.parametrize("hint", ["", "access_token", "refresh_token", "nonsense"])
def test_an_unknown_token_is_revoked_already(shop: RunningShop, visitor: Visitor, hint: str) -> None:
    """200, whatever the hint says (RFC 7009 §2.2), and nothing is written."""
    with nothing_written(shop):
        for token in ("x", "a.b.c", "r_" + "x" * 43):
            assert visitor.http.post(REVOKE, data={"token": token, "token_type_hint": hint}).status_code == 200


def test_a_session_is_not_revoked_here(shop: RunningShop, visitor: Visitor) -> None:
    """A browser's session ends by logging out, which also leads to the vendor where the login ends there."""
    visitor.log_in("alipay", "pc")
    session = visitor.http.cookies["connect_session"]
    with nothing_written(shop):
        answer = visitor.http.post(REVOKE, data={"token": session}, headers={"cookie": ""})
    oauth_refused(answer, 400, "unsupported_token_type", "bad_request")
    assert visitor.http.get("/connect/me").status_code == 200


def test_a_service_with_a_wrong_secret_revokes_nothing(shop: RunningShop, visitor: Visitor) -> None:
    """Who says to be a resource server has to prove it, even with a token that would do alone."""
    tokens = mini_login(visitor)
    with nothing_written(shop):
        form = {"token": tokens.json()["refresh_token"]}
        answer = visitor.http.post(REVOKE, data=form, headers=basic(GATEWAY[0], "wrong"))
        oauth_refused(answer, 401, "invalid_client", "client_invalid")
        oauth_refused(visitor.http.post(REVOKE, data={}), 400, "invalid_request", "bad_request")
        oauth_refused(visitor.http.post(REVOKE, json=form), 400, "invalid_request", "bad_request")
    assert visitor.http.get("/connect/me", headers=bearer(tokens)).status_code == 200


def test_a_front_end_of_another_origin_may_revoke() -> None:
    """A single-page application of `cors_origins` ends its own login (RFC 7009 §2.3)."""
    front_end = "http://127.0.0.1:3000"

    def change(raw: dict[str, dict[str, object]]) -> None:
        with_servers(raw)
        raw["service"]["cors_origins"] = [front_end]

    with run_shop(alipay_and_wechat(), change=change) as shop, Visitor(shop) as visitor:
        token = mini_login(visitor).json()["refresh_token"]
        answer = visitor.http.post(REVOKE, data={"token": token}, headers={"origin": front_end})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, front_end)
        assert (
            "access-control-allow-origin"
            not in visitor.http.post(
                "/connect/introspect", data={"token": token}, headers={"origin": front_end, **basic(*GATEWAY)}
            ).headers
        )


def test_a_client_of_oauth_refreshes_at_the_token_endpoint(visitor: Visitor) -> None:
    """A form with `grant_type` is answered and refused as RFC 6749 §5 has it; a JSON body is refused as ever."""
    token = mini_login(visitor).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    renewed = visitor.http.post("/connect/token/refresh", data=form)
    assert (renewed.status_code, renewed.json()["token_type"]) == (200, "Bearer")
    wrong = {
        "invalid_grant": {**form, "refresh_token": "r_unknown"},
        "invalid_request": {"grant_type": "refresh_token"},
        "unsupported_grant_type": {**form, "grant_type": "password"},
    }
    for error, sent in wrong.items():
        code = "token_invalid" if error == "invalid_grant" else "bad_request"
        oauth_refused(visitor.http.post("/connect/token/refresh", data=sent), 400, error, code)
    refused(visitor.http.post("/connect/token/refresh", json=wrong["invalid_grant"]), 401, "token_invalid")
