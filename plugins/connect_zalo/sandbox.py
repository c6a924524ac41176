"""Zalo's sandbox: errors with HTTP status 200 and negative numbers, the secret in a header, lives as texts.

https://developers.zalo.me/docs/social-api/tham-khao/user-access-token-v4
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, Refused, of_login
from connect_zalo import ZaloProvider

NAMES = {-14002: "Invalid appId", -14004: "Invalid secret key", -14005: "Invalid code", -14018: "Invalid grant type"}


class ZaloSandbox(OAuth2Sandbox):
    """One app."""

    title = "Zalo 沙箱 · Zalo sandbox"
    provider = ZaloProvider
    client_id = "1234567890123456789"
    error_statuses = (200, 200)
    refusals = {
        "invalid_client": "-14004",
        "invalid_grant": "-14005",
        "invalid_token": "452",
        "unsupported_grant_type": "-14018",
    }
    requires_pkce = True
    documented = (
        # https://developers.zalo.me/docs/social-api/tham-khao/user-access-token-v4 (step 3)
        DocumentedRequest(
            "GET",
            "https://oauth.zaloapp.com/v4/permission",
            query=of_login("redirect_uri state code_challenge", app_id="{client_id}"),
        ),
        # the same page, step 4
        DocumentedRequest(
            "POST",
            "https://oauth.zaloapp.com/v4/access_token",
            form=of_login("grant_type code code_verifier", app_id="{client_id}"),
            headers={"secret_key": "{client_secret}"},
            answer={
                "access_token": "user_access_token",
                "refresh_token": "user_refresh_token",
                "expires_in": "3600",
                "refresh_token_expires_in": "2592000",
            },
        ),
        # https://developers.zalo.me/docs/social-api/tai-lieu/thong-tin-nguoi-dung
        DocumentedRequest(
            "GET",
            "https://graph.zalo.me/v2.0/me",
            query={"fields": "id,name,picture"},
            headers={"access_token": "{access_token}"},
            answer={
                "id": "1234567890123456789",
                "name": "Nguyen Van A",
                "picture": {"data": {"url": "https://s120-ava-talk.zadn.vn/default"}},
                "error": 0,
                "message": "Success",
            },
        ),
    )
    documented_ids = (PersonId.open_id("1234567890123456789", "{client_id}"),)
    documented_profile = Profile(nickname="Nguyen Van A", face="https://s120-ava-talk.zadn.vn/default")

    def get_outcomes(self) -> Mapping[str, str]:
        """Return what a wrong code, app, secret and a server abroad are to connect-login."""
        config = dict.fromkeys(("-14002", "-14004", "-501"), "provider_config")
        return {"-14005": "code_invalid", **config}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; all values are texts."""
        lives = {"expires_in": "3600", "refresh_token_expires_in": "2592000"}
        return {"access_token": token, "refresh_token": f"{token}-r", **lives}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person with the `error` that means none."""
        picture = {"data": {"url": person.face}}
        return {"id": self.open_id(person.key), "name": person.nickname, "picture": picture, "error": 0}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return the number, with its name in the token call."""
        number = int(code) if code.lstrip("-").isdigit() else -1
        return {"error": number, "error_name": NAMES.get(number, "refused"), "error_description": "made up"}

    def check_login(self, login: Mapping[str, str]) -> None:
        """Judge a login page's address; Zalo knows neither parameter."""
        super().check_login({**login, "response_type": "code", "code_challenge_method": "S256"})

    def _authenticate(self, call: Mapping[str, str], headers: Mapping[str, str]) -> None:
        super()._authenticate(call, headers)
        if headers.get("secret_key") != self.client_secret:
            raise Refused("invalid_client", "the header secret_key is missing or wrong")
