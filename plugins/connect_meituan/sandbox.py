"""Meituan Waimai's sandbox: POSTed calls with id and secret, a number `error_code` in every refusal.

From third parties, not the vendor's page; see the provider.
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_meituan import MeituanProvider


class MeituanSandbox(OAuth2Sandbox):
    """One application."""

    title = "美团沙箱 · Meituan sandbox"
    provider = MeituanProvider
    error_statuses = (200, 200)
    refusals = {"invalid_client": "1", "invalid_grant": "1", "invalid_token": "1", "invalid_request": "1"}
    no_outcomes = "no source lists Meituan's numbers of errors"
    documented = (
        # JustAuth has client_id, an application that uses the login has app_id beside it
        DocumentedRequest(
            "GET",
            "https://openapi.waimai.meituan.com/oauth/authorize",
            query=of_login("response_type client_id redirect_uri state", app_id="{client_id}"),
            optional=("scope",),
        ),
        # justauth/JustAuth, AuthMeituanRequest.java
        DocumentedRequest(
            "POST",
            "https://openapi.waimai.meituan.com/oauth/access_token",
            form={
                "app_id": "{client_id}",
                "secret": "{client_secret}",
                "code": "{code}",
                "grant_type": "authorization_code",
            },
            answer={"access_token": "A", "refresh_token": "R", "expires_in": 7200},
        ),
        # the same; the values are made up
        DocumentedRequest(
            "POST",
            "https://openapi.waimai.meituan.com/oauth/userinfo",
            form={"app_id": "{client_id}", "secret": "{client_secret}", "access_token": "{access_token}"},
            answer={
                "openid": "3b0b2b1a9d7c4e55",
                "nickname": "小美",
                "avatar": "https://img.meituan.net/avatar/1.jpg",
                "desensitization_phone": "138****0000",
            },
        ),
    )
    documented_ids = (PersonId.open_id("3b0b2b1a9d7c4e55", "{client_id}"),)
    documented_profile = Profile(nickname="小美", face="https://img.meituan.net/avatar/1.jpg")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer."""
        return {"access_token": token, "refresh_token": "r", "expires_in": 7200}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person."""
        return {"openid": self.open_id(person.key), "nickname": person.nickname, "avatar": person.face}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return a refusal with its number."""
        return {"error_code": int(code), "error_msg": "made up by the sandbox"}

    def get_outcomes(self) -> Mapping[str, str]:
        """Return nothing: see `no_outcomes`."""
        return {}
