"""What an `OidcSandbox` and its calls share: the grant behind a code, and small parts of its answers."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from connect_core.crypto import encode_part
from connect_core.sandbox.oauth2_calls import Refused
from connect_core.sandbox.vendor_server import Person

LOGOUT_TOKEN_LIFE = 120
"""Seconds that a logout token is valid, as §2.4 of Back-Channel Logout recommends."""


@dataclass(frozen=True, slots=True)
class OidcGrant:
    """What a code or an access token stands for: who agreed, and to what.

    `link` has the parameters of the authorization request; `expiry` is in seconds since the epoch; `is_used` is True
    for a code that was redeemed.
    """

    person: Person
    link: Mapping[str, str]
    expiry: float
    is_used: bool = False


def refuse_unless(condition: object) -> None:
    """Raise `Refused` with `invalid_client` unless `condition` holds."""
    if not condition:
        raise Refused("invalid_client")


def challenge_of(verifier: str) -> str:
    """Return the code challenge S256 of a verifier (RFC 7636 §4.2); empty for none."""
    return encode_part(hashlib.sha256(verifier.encode()).digest()) if verifier else ""


def posting_page(address: str, fields: Mapping[str, str]) -> Response:
    """`form_post`: a page whose form the browser submits by itself (OAuth 2.0 Form Post Response Mode)."""
    inputs = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in fields.items())
    page = f'<!doctype html><body onload="document.forms[0].submit()"><form method="post" action="{escape(address)}">'
    return HTMLResponse(
        f"{page}{inputs}<noscript><button>OK</button></noscript></form>", headers={"cache-control": "no-store"}
    )


def without_none(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return `members` without those that are None."""
    return {name: value for name, value in members.items() if value is not None}


def logout_claims(issuer: str, client_id: str, now: int) -> dict[str, Any]:
    """Return the claims of a logout token, all but `sid` and `sub`."""
    return {
        "iss": issuer,
        "aud": client_id,
        "iat": now,
        "exp": now + LOGOUT_TOKEN_LIFE,
        "jti": secrets.token_hex(16),
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }


async def end_session(request: Request) -> Response:
    """Answer a browser that logs out at the vendor (OpenID Connect RP-Initiated Logout 1.0 §2)."""
    target = request.query_params.get("post_logout_redirect_uri", "")
    if not target or not request.query_params.keys() & {"client_id", "id_token_hint"}:
        return Response("400 the client or its address is missing", 400)
    return RedirectResponse(target, 303, {"cache-control": "no-store"})
