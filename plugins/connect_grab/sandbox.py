"""Grab's sandbox: RS256, a discovery document away from the issuer, the name in user-info alone.

https://developer.grab.com/docs/grab-id/
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from time import time
from typing import Any
from uuid import UUID

from starlette.routing import BaseRoute, Route

from connect_core.plugin import ClientType
from connect_core.sandbox import PEOPLE, DocumentedRequest, OidcGrant, OidcSandbox, Person, of_login

GRAB = "https://idp.grab.com"
PATH = "/grabid/v1/oauth2"
API = f"https://partner-api.grab.com{PATH}"
DISCOVERY = f"{PATH}/.well-known/openid-configuration"
DOCUMENT = {
    "issuer": GRAB,
    "authorization_endpoint": f"{API}/authorize",
    "token_endpoint": f"{API}/token",
    "userinfo_endpoint": f"{API}/userinfo",
    "revocation_endpoint": f"{API}/revoke",
    "jwks_uri": f"{API}/public_keys",
    "response_types_supported": ["code", "token", "id_token", "id_token token"],
    "code_challenge_methods_supported": ["S256"],
    "claims_supported": ["aud", "sub", "exp", "iat", "iss", "nbf", "name", "email"],
    "scopes_supported": ["openid", "profile.read"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "token_endpoint_auth_methods_supported": ["client_secret_post"],
    "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
    "acr_values_supported": ["service", "consent_ctx"],
    "id_token_verification_endpoint": f"{API}/id_tokens/token_info",
}


class GrabSandbox(OidcSandbox):
    """One partner's client."""

    title = "Grab 沙箱 · Grab sandbox"
    paths = {
        "authorize": f"{PATH}/authorize",
        "token": f"{PATH}/token",
        "jwks": f"{PATH}/public_keys",
        "userinfo": f"{PATH}/userinfo",
    }
    document = {"authorization_response_iss_parameter_supported": False}
    documented = (
        # https://developer.grab.com/docs/grab-id/ (service discovery)
        DocumentedRequest("GET", f"{API}/.well-known/openid-configuration", answer=DOCUMENT),
        # the same page (authorization)
        DocumentedRequest(
            "GET",
            f"{API}/authorize",
            query=of_login(
                "response_type client_id redirect_uri state nonce code_challenge code_challenge_method",
                scope="openid profile.read",
            ),
            optional=("acr_values", "prompt", "id_token_hint"),
        ),
        # the same page (token; the answer's ID token has expired)
        DocumentedRequest(
            "POST",
            f"{API}/token",
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier"),
        ),
        # the discovery document (jwks_uri)
        DocumentedRequest("GET", f"{API}/public_keys"),
        # the same page (user info)
        DocumentedRequest("GET", f"{API}/userinfo", headers={"Authorization": "Bearer {access_token}"}),
    )

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time) -> None:
        """Arguments as for `Sandbox`."""
        super().__init__(auth_method="client_secret_post", people=people, now=now)

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the client's settings; at Grab's own issuer the discovery document is Grab's, too."""
        address = {} if base_url == GRAB else {"discovery_url": base_url + DISCOVERY}
        return {**super().settings(base_url, client_type), **address}

    def routes(self) -> Sequence[BaseRoute]:
        """Return the discovery document at Grab's path too, and the endpoints that it names."""
        return [Route(DISCOVERY, self._call("discovery", lambda _, __: self.discovery_answer())), *super().routes()]

    def subject(self, person: str) -> str:
        """Return the claim `sub`: a UUID."""
        return str(UUID(bytes=hashlib.sha256(f"grab\0{person}".encode()).digest()[:16], version=4))

    def id_token_claims(self, grant: OidcGrant, access_token: str) -> dict[str, Any]:
        """Return the claims with the partner, the service and the time from which the token is valid."""
        claims = super().id_token_claims(grant, access_token)
        partner = {"pid": "59da6712-d131-4a2f-8e23-1a775fb4f5b7", "svc": "PASSENGER", "acr": '["service:PASSENGER"]'}
        return {**claims, **partner, "nbf": claims["iat"], "tk_type": "id"}

    def profile_claims(self, person: Person) -> dict[str, Any]:
        """Return what the scope `profile.read` gives."""
        return {"name": person.nickname, "email": f"{person.key}@grab.example", "svc": "PASSENGER"}

    def discovery_answer(self) -> dict[str, Any]:
        """Return Grab's own document at its own address, else the sandbox's."""
        return dict(DOCUMENT) if self.issuer == GRAB else super().discovery_answer()
