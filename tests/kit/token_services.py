"""Resource servers as a test configures them, and the requests that they send."""

import base64
from typing import Any
from urllib.parse import quote_plus

import httpx

from connect_core.harness import Visitor

GATEWAY = ("gateway", "wJalrXUtnFEMI/K7MDENG+bPxRfiCY%2F")
"""A secret with the characters that RFC 6749 §2.3.1 wants encoded."""
STOCK = ("stock & shelf: 1", "correct-horse-battery-staple")
BASIC = 'Basic realm="connect-login"'


def with_servers(raw: dict[str, Any]) -> None:
    """Configure both."""
    raw["resource_servers"] = {name: {"client_secret": secret} for name, secret in (GATEWAY, STOCK)}


def basic(name: str, secret: str, *, is_encoded: bool = True) -> dict[str, str]:
    """The header of `client_secret_basic`, encoded as RFC 6749 wants it or as most clients do."""
    text = f"{quote_plus(name)}:{quote_plus(secret)}" if is_encoded else f"{name}:{secret}"
    return {"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def introspect(visitor: Visitor, token: str, **more: str) -> dict[str, Any]:
    """What the gateway learns about a token."""
    answer = visitor.http.post("/connect/introspect", data={"token": token, **more}, headers=basic(*GATEWAY))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store, private"
    description: dict[str, Any] = answer.json()
    return description


def oauth_refused(answer: httpx.Response, status: int, error: str, code: str) -> None:
    """Fail unless this is the refusal `error` in the form of RFC 6749 §5.2."""
    assert (answer.status_code, answer.json()) == (
        status,
        {"error": error, "code": code, "request_id": answer.headers["x-request-id"]},
    ), answer.text
    assert answer.headers.get("www-authenticate", "") == (BASIC if status == 401 else "")
    assert answer.headers["cache-control"] == "no-store, private"
