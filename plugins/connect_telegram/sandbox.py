"""Telegram's sandboxes: ID tokens with `sub` and another number as `id`, and the signed data of a Mini App.

https://core.telegram.org/bots/telegram-login#user-data-structure
https://core.telegram.org/bots/webapps#webappinitdata
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.plugin import ClientType
from connect_core.sandbox import DocumentedRequest, Fault, OidcGrant, OidcSandbox, Sandbox, of_login

ISSUER = "https://oauth.telegram.org"
BOT_TOKEN = "123456:sandbox-token-of-the-bot"


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
            query=of_login(
                "response_type client_id redirect_uri state code_challenge code_challenge_method",
                scope="openid profile",
            ),
        ),
        # the same page; client_id in the form repeats the header. The answer's ID token has expired
        DocumentedRequest(
            "POST",
            f"{ISSUER}/token",
            form=of_login("grant_type client_id code redirect_uri code_verifier"),
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


class TelegramMiniSandbox(Sandbox):
    """One bot with a Mini App: it signs the data that a phone would hand to the Mini App. Nothing is called."""

    title = "Telegram Mini App 沙箱 · Telegram Mini App sandbox"
    without_calls = True
    own_faults = ("id", "missing_id", "unsigned", "wrong_sign")
    no_outcomes = "a Mini App's data is checked without a call, so no error of Telegram can come"

    def routes(self) -> Sequence[BaseRoute]:
        """Return nothing: there is no call."""
        return []

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the bot's number and token."""
        return {"client_id": BOT_TOKEN.partition(":")[0], "bot_token": BOT_TOKEN}

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Return `initData` of a Mini App that this person opens."""
        who = self.find_person(person)
        user = {"id": number_of(who.key), "first_name": who.nickname, "last_name": "", "language_code": "en"}
        photo = {"photo_url": who.face} if who.face else {}
        fault = self.faults.take("credential")
        return {"init_data": self._sign_spoilt({**user, **photo}, fault.kind if fault else "", fault)}

    def _sign_spoilt(self, user: dict[str, Any], kind: str, fault: Fault | None) -> str:
        if kind == "missing_id":
            del user["id"]
        if kind == "id" and fault:
            user["id"] = json.loads(fault.value)
        text = self.sign(user=json.dumps(user), token="another" if kind == "wrong_sign" else BOT_TOKEN)
        return text.partition("&hash=")[0] if kind == "unsigned" else text

    def sign(self, *, token: str = BOT_TOKEN, **fields: str) -> str:
        """Return `fields` as a query string that the bot with `token` signed, with a time and an id of its own."""
        query_id = hashlib.sha256(f"{fields} {self.now()}".encode()).hexdigest()[:24]
        signed = {"query_id": query_id, "auth_date": str(int(self.now())), "signature": "made-up", **fields}
        text = "\n".join(f"{name}={signed[name]}" for name in sorted(signed))
        key = hmac.digest(b"WebAppData", token.encode(), "sha256")
        return urlencode({**signed, "hash": hmac.digest(key, text.encode(), "sha256").hex()})
