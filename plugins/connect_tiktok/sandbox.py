"""TikTok's sandbox: words of RFC 6749 as errors of the token call, an object `error` in every user-info answer.

Token: https://developers.tiktok.com/doc/oauth-user-access-token-management
Person: https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from connect_core.plugin import ClientType, PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_tiktok import TiktokProvider

APP_REDIRECT_URI = "https://app.shop.example/tiktok"
TOKEN_URL = "https://open.tiktokapis.com/v2/oauth/token/"
FORM = {
    "client_key": "{client_id}",
    "client_secret": "{client_secret}",
    "code": "{code}",
    "grant_type": "authorization_code",
}
TOKENS = {
    "access_token": "act.example12345Example12345Example",
    "expires_in": 86400,
    "open_id": "723f24d7-e717-40f8-a2b6-cb8464cd23b4",
    "refresh_expires_in": 31536000,
    "refresh_token": "rft.example12345Example12345Example",
    "scope": "user.info.basic,video.list",
    "token_type": "Bearer",
}


class TiktokSandbox(OAuth2Sandbox):
    """One app, which is a website, a native app and a Mini at once."""

    title = "TikTok 沙箱 · TikTok sandbox"
    provider = TiktokProvider
    client_id = "awsandbox0000002"
    refusals = {"invalid_token": "access_token_invalid"}
    documented = (
        # https://developers.tiktok.com/doc/login-kit-web
        DocumentedRequest(
            "GET",
            "https://www.tiktok.com/v2/auth/authorize/",
            query=of_login("response_type redirect_uri state", client_key="{client_id}", scope="user.info.basic"),
            optional=("disable_auto_auth",),
        ),
        # https://developers.tiktok.com/doc/oauth-user-access-token-management (the open id is that of the next example)
        DocumentedRequest(
            "POST",
            TOKEN_URL,
            form={**FORM, "redirect_uri": "{redirect_uri}"},
            answer=TOKENS,
            clients=("pc", "h5"),
        ),
        # the same page: code_verifier is for mobile and desktop apps only
        DocumentedRequest(
            "POST",
            TOKEN_URL,
            form={**FORM, "redirect_uri": "{app_redirect_uri}", "code_verifier": "{code_verifier}"},
            answer=TOKENS,
            clients=("app",),
        ),
        # https://developers.tiktok.com/doc/minis-oauth
        DocumentedRequest("POST", TOKEN_URL, form=FORM, answer=TOKENS, clients=("mini",)),
        # https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info
        # The example asks for three fields; the table has display_name.
        DocumentedRequest(
            "GET",
            "https://open.tiktokapis.com/v2/user/info/",
            query={"fields": "open_id,union_id,avatar_url,display_name"},
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "data": {
                    "user": {
                        "avatar_url": "https://p19-sign.tiktokcdn-us.com/tos-avt-0068-tx/b17f0e4b3a4f4a50993cf72cda8b88b8.jpeg",
                        "open_id": "723f24d7-e717-40f8-a2b6-cb8464cd23b4",
                        "union_id": "c9c60f44-a68e-4f5d-84dd-ce22faeb0ba1",
                        "display_name": "TikTok user",
                    }
                },
                "error": {"code": "ok", "message": "", "log_id": "20220829194722CBE87ED59D524E727021"},
            },
        ),
    )
    documented_ids = (
        PersonId.union_id("c9c60f44-a68e-4f5d-84dd-ce22faeb0ba1"),
        PersonId.open_id("723f24d7-e717-40f8-a2b6-cb8464cd23b4", "{client_id}"),
    )
    documented_profile = Profile(
        nickname="TikTok user",
        face="https://p19-sign.tiktokcdn-us.com/tos-avt-0068-tx/b17f0e4b3a4f4a50993cf72cda8b88b8.jpeg",
    )

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the client's settings, with the redirect URI of a native app."""
        of_app = {"app_redirect_uri": APP_REDIRECT_URI} if client_type is ClientType.APP else {}
        return {**super().settings(base_url, client_type), **of_app}

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Return the code of TikTok's SDK, and the code verifier of a native app's."""
        if client_type is not ClientType.APP:
            return super().client_parameters(client_type, person, login_url)
        verifier = secrets.token_urlsafe(32)
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        login = {"scope": "user.info.basic", "redirect_uri": APP_REDIRECT_URI, "code_challenge": challenge}
        return {"code": self._issue_code("code", self.find_person(person), login), "code_verifier": verifier}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the tokens and the open id."""
        lives = {"expires_in": 86400, "refresh_expires_in": 31536000}
        open_id = self.open_id(grant.person.key)
        return {"access_token": token, **lives, "open_id": open_id, "scope": grant.scope, "token_type": "Bearer"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person, beside an error that is none."""
        ids = {"open_id": self.open_id(person.key), "union_id": self.union_id(person.key)}
        user = {**ids, "avatar_url": person.face, "display_name": person.nickname}
        return {"data": {"user": user}, "error": {"code": "ok", "message": "", "log_id": "made-up"}}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error: user-info has an object, the token call a word."""
        if code == "access_token_invalid":
            return {"data": {}, "error": {"code": code, "message": "made up by the sandbox", "log_id": "made-up"}}
        return {"error": code, "error_description": "made up by the sandbox", "log_id": "made-up"}
