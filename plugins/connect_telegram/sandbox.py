"""Telegram's sandbox: ID tokens without a nonce, with the person's number as `id` and another one as `sub`.

https://core.telegram.org/bots/telegram-login#user-data-structure
"""

import hashlib
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from connect_core.sandbox import DocumentedRequest, OidcGrant, OidcSandbox

ISSUER = "https://oauth.telegram.org"


def number_of(person: str) -> int:
    """Return Telegram's number of the person with the key `person`: above 2**32, and the same for all bots."""
    return 2**33 + int(hashlib.sha256(person.encode()).hexdigest()[:8], 16)


class TelegramSandbox(OidcSandbox):
    """One bot's Login Widget."""

    title = "Telegram 沙箱 · Telegram sandbox"
    client_id = "123456"
    profile_in_token = True
    paths = {"authorize": "/auth", "token": "/token", "jwks": "/.well-known/jwks.json"}
    document = {"authorization_response_iss_parameter_supported": False}
    documented = (
        # https://core.telegram.org/bots/telegram-login#endpoints
        DocumentedRequest(
            "GET",
            f"{ISSUER}/.well-known/openid-configuration",
            answer={
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/auth",
                "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "profile", "phone", "telegram:bot_access"],
                "claims_supported": [
                    *("aud", "preferred_username", "phone_number", "exp", "iat", "iss", "name", "picture", "sub"),
                ],
            },
        ),
        # https://core.telegram.org/bots/telegram-login#openid-connect (no nonce among the parameters)
        DocumentedRequest(
            "GET",
            f"{ISSUER}/auth",
            query={
                "client_id": "{client_id}",
                "redirect_uri": "{redirect_uri}",
                "response_type": "code",
                "scope": "openid profile",
                "state": "{state}",
                "code_challenge": "{code_challenge}",
                "code_challenge_method": "S256",
            },
        ),
        # the same page; client_id in the form repeats the header. The answer's ID token has expired
        DocumentedRequest(
            "POST",
            f"{ISSUER}/token",
            form={
                "grant_type": "authorization_code",
                "code": "{code}",
                "redirect_uri": "{redirect_uri}",
                "client_id": "{client_id}",
                "code_verifier": "{code_verifier}",
            },
            headers={"Authorization": "Basic {basic_credentials}"},
            optional=("client_id",),
        ),
        # https://core.telegram.org/bots/telegram-login#validating-id-tokens
        DocumentedRequest("GET", f"{ISSUER}/.well-known/jwks.json"),
    )

    def subject(self, person: str) -> str:
        """Return the claim `sub`: another number than the person's at Telegram."""
        return str(10**18 + number_of(person))

    def id_token_claims(self, grant: OidcGrant, access_token: str) -> dict[str, Any]:
        """Return the claims without a nonce, with the person's number as `id`."""
        claims = super().id_token_claims(grant, access_token)
        claims.pop("nonce", None)
        return {**claims, "id": number_of(grant.person.key)}

    async def _authorize(self, request: Request) -> Response:
        # the base class wants a nonce; Telegram documents none
        query = request.scope["query_string"] + b"&nonce=none"
        return await super()._authorize(Request({**request.scope, "query_string": query}, request.receive))

    def _signed(self, header: dict[str, Any], payload: str, algorithm: str, kind: str, value: str) -> str:
        if kind in ("id", "missing_id"):  # the base class spoils `sub`, which names nobody here
            claims = {name: member for name, member in json.loads(payload).items() if name not in ("id", "sub")}
            spoilt = {"id": json.loads(value)} if kind == "id" else {}
            payload = json.dumps({**claims, "sub": "1234123412341234123", **spoilt})
        return super()._signed(header, payload, algorithm, kind, value)
