"""What an `OidcSandbox` and its calls share: the grant behind a code, and small parts of its answers."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

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


def refuse_unless(condition: object, reason: str = "") -> None:
    """Raise `Refused` with `invalid_client` and `reason` unless `condition` holds."""
    if not condition:
        raise Refused("invalid_client", reason)


def check_assertion(claims: Mapping[str, Any], client_id: str, issuer: str, now: float) -> None:
    """Check the claims of a client's assertion (OpenID Connect Core §9), all but `jti`. Raises `Refused`."""
    life = claims.get("exp", 0) - claims.get("iat", 0)
    refuse_unless(
        claims.get("iss") == claims.get("sub") == client_id and claims.get("aud") == issuer,
        "iss, sub or aud of client_assertion is wrong",
    )
    refuse_unless(0 < life <= 60 and claims["exp"] > now, "client_assertion has expired, or lives for more than 60 s")


def redirect_back(address: str, response: Mapping[str, str]) -> Response:
    """Return the redirect to a callback address with the authorization response in its query."""
    callback = f"{address}{'&' if '?' in address else '?'}{urlencode(response)}"
    return RedirectResponse(callback, 303, {"cache-control": "no-store"})


def find_mistake(link: Mapping[str, str], client_id: str) -> str:
    """Return the name of a wrong parameter of an authorization request, or the empty text.

    State and nonce are required: the core sends them.
    """
    checks = {
        "client_id": link.get("client_id") == client_id,
        "response_type": link.get("response_type") == "code",
        "scope": "openid" in link.get("scope", "").split(" "),
        "redirect_uri": link.get("redirect_uri", "").startswith(("http://", "https://")),
        "state": link.get("state"),
        "nonce": link.get("nonce"),
        "code_challenge": len(link.get("code_challenge", "")) == 43 or "code_challenge" not in link,
        "code_challenge_method": link.get("code_challenge_method", "S256") == "S256",
    }
    return next((name for name, is_right in checks.items() if not is_right), "")


class _Vendor(Protocol):
    issuer: str
    algorithm: str
    auth_method: str
    paths: ClassVar[Mapping[str, str]]
    ends_sessions: ClassVar[bool]


def make_document(vendor: _Vendor) -> dict[str, Any]:
    """Return the discovery document of a sandbox that its vendor does not document."""
    url, paths = vendor.issuer, vendor.paths
    return {
        "issuer": url,
        "authorization_endpoint": url + paths["authorize"],
        "token_endpoint": url + paths["token"],
        "jwks_uri": url + paths["jwks"],
        **({"userinfo_endpoint": url + paths["userinfo"]} if "userinfo" in paths else {}),
        **({"end_session_endpoint": f"{url}/logout"} if vendor.ends_sessions else {}),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [vendor.algorithm],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [vendor.auth_method],
        "authorization_response_iss_parameter_supported": True,
    }


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
