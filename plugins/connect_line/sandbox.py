"""LINE's sandbox: ID tokens signed with HS256 and the channel secret on the web, with ES256 for native and LIFF apps.

https://developers.line.biz/en/docs/line-login/verify-id-token/
Verification by LINE: https://developers.line.biz/en/reference/line-login/#verify-id-token
"""

import json
from collections.abc import Callable, Mapping, Sequence
from time import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connect_core.plugin import ClientType, PersonId, Profile
from connect_core.sandbox import (
    PEOPLE,
    DocumentedRequest,
    Fault,
    FaultMisfired,
    OidcGrant,
    OidcSandbox,
    Person,
    Refused,
    changed,
    of_login,
    read_jwt,
)

VERIFY = "/oauth2/v2.1/verify"


class LineSandbox(OidcSandbox):
    """One channel."""

    title = "LINE 沙箱 · LINE sandbox"
    client_id = app_client_id = "1234567890"
    profile_in_token = True
    operations = (*OidcSandbox.operations, "verify")
    paths = {
        "authorize": "/oauth2/v2.1/authorize",
        "token": "/oauth2/v2.1/token",
        "jwks": "/oauth2/v2.1/certs",
        "userinfo": "/oauth2/v2.1/userinfo",
    }
    document = {"authorization_response_iss_parameter_supported": False}
    documented = (
        # https://access.line.me/.well-known/openid-configuration
        DocumentedRequest(
            "GET",
            "https://access.line.me/.well-known/openid-configuration",
            answer={
                "issuer": "https://access.line.me",
                "authorization_endpoint": "https://access.line.me/oauth2/v2.1/authorize",
                "token_endpoint": "https://api.line.me/oauth2/v2.1/token",
                "revocation_endpoint": "https://api.line.me/oauth2/v2.1/revoke",
                "userinfo_endpoint": "https://api.line.me/oauth2/v2.1/userinfo",
                "scopes_supported": ["openid", "profile", "email"],
                "jwks_uri": "https://api.line.me/oauth2/v2.1/certs",
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
            },
        ),
        # https://developers.line.biz/en/docs/line-login/integrate-line-login/#making-an-authorization-request
        # PKCE: https://developers.line.biz/en/docs/line-login/integrate-pkce/
        DocumentedRequest(
            "GET",
            "https://access.line.me/oauth2/v2.1/authorize",
            query=of_login(
                "response_type client_id redirect_uri state nonce code_challenge code_challenge_method",
                scope="openid profile",
            ),
            optional=("prompt", "max_age", "ui_locales", "bot_prompt", "initial_amr_display", "switch_amr"),
        ),
        # https://developers.line.biz/en/reference/line-login/#issue-access-token (the answer's ID token has expired)
        DocumentedRequest(
            "POST",
            "https://api.line.me/oauth2/v2.1/token",
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier"),
        ),
        # the discovery document (jwks_uri); https://developers.line.biz/en/docs/line-login/verify-id-token/#signature
        DocumentedRequest("GET", "https://api.line.me/oauth2/v2.1/certs", clients=("app",)),
        # https://developers.line.biz/en/reference/line-login/#verify-id-token
        DocumentedRequest(
            "POST",
            "https://api.line.me/oauth2/v2.1/verify",
            form={"id_token": "{id_token}", "client_id": "{client_id}"},
            clients=("mini",),
            answer={
                "iss": "https://access.line.me",
                "sub": "U1234567890abcdef1234567890abcdef",
                "aud": "1234567890",
                "exp": 1504169092,
                "iat": 1504263657,
                "nonce": "0987654asdf",
                "amr": ["pwd"],
                "name": "Taro Line",
                "picture": "https://sample_line.me/aBcdefg123456",
                "email": "taro.line@example.com",
            },
        ),
    )
    documented_ids = (PersonId.union_id("U1234567890abcdef1234567890abcdef", "https://access.line.me"),)
    documented_profile = Profile.of(nickname="Taro Line", face="https://sample_line.me/aBcdefg123456")

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time) -> None:
        """`people` are offered on the consent page; `now` returns the time in seconds since the epoch."""
        super().__init__(algorithm="HS256", auth_method="client_secret_post", people=people, now=now)

    def algorithm_of(self, grant: OidcGrant) -> str:
        """Return HS256 for a login by redirect, ES256 for one of a native app."""
        return self.algorithm if "redirect_uri" in grant.link else self.key.algorithm

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the channel's settings; at LINE's own issuer the address that verifies ID tokens is LINE's, too."""
        address = {} if base_url == "https://access.line.me" else {"verify_url": base_url + VERIFY}
        return {**super().settings(base_url, client_type), **address}

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Return the ID token of the SDK, or of a LIFF app, which has no nonce."""
        if client_type is not ClientType.MINI:
            return super().client_parameters(client_type, person, login_url)
        grant = OidcGrant(self.find_person(person), {"client_id": self.client_id}, 0)
        return {"id_token": self.sign_id_token(grant, "")}

    def routes(self) -> Sequence[BaseRoute]:
        """Return the endpoints of the discovery document, and the one that verifies ID tokens."""
        return [*super().routes(), Route(VERIFY, self._verify, methods=["POST"])]

    async def _verify(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        return await self.answer("verify", form, lambda fault: self._reply_to_verify(form, fault))

    def _reply_to_verify(self, form: Mapping[str, str], fault: Fault | None) -> Response:
        kind, value = (fault.kind, fault.value) if fault else ("", "")
        changes = {"": "{}", "missing_id": '{"sub": null}', "answer": value, "id": "{}"}
        if kind == "error":
            return self._refuse_token("made up by the sandbox", value)
        if kind not in changes:
            raise FaultMisfired
        try:
            claims = read_jwt(form.get("id_token", ""), self.key)
        except (Refused, ValueError):
            return self._refuse_token("Invalid IdToken.")
        if claims["exp"] <= self.now():
            return self._refuse_token("IdToken expired.")
        if claims["aud"] != form.get("client_id"):
            return self._refuse_token("Invalid IdToken Audience.")
        answer = changed(claims, changes[kind])
        text = json.dumps({**answer, "sub": json.loads(value)} if kind == "id" else answer)
        return Response(text, media_type="application/json")

    def _refuse_token(self, description: str, word: str = "invalid_request") -> Response:
        return JSONResponse({"error": word, "error_description": description}, 400)
