"""Alibaba Cloud's sandbox: `login_name` for an account, `upn` for one of its RAM users.

Token: https://help.aliyun.com/document_detail/93696.html
Person: https://help.aliyun.com/document_detail/93698.html
"""

from typing import Any

from connect_aliyun import AliyunProvider
from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import PEOPLE, DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login


class AliyunSandbox(OAuth2Sandbox):
    """One web application. The first person is an account, the others are RAM users."""

    title = "阿里云沙箱 · Alibaba Cloud sandbox"
    provider = AliyunProvider
    client_id = "4567890123456789012"
    documented = (
        # https://help.aliyun.com/document_detail/93696.html, table 1
        # PKCE: https://help.aliyun.com/document_detail/93697.html, and the discovery document
        DocumentedRequest(
            "GET",
            "https://signin.aliyun.com/oauth2/v1/auth",
            query=of_login(
                "response_type client_id redirect_uri state code_challenge code_challenge_method",
                scope="openid profile",
            ),
            optional=("access_type", "prompt"),
        ),
        # the same page, table 2; the answer: https://npmjs.com/package/@alicloud/oauth2
        DocumentedRequest(
            "POST",
            "https://oauth.aliyun.com/v1/token",
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier"),
            answer={
                "access_token": "eyJraWQiOiJrMTIzNCIsImVuY...",
                "token_type": "Bearer",
                "expires_in": 3600,
                "refresh_token": "Ccx63VVeTn2dxV7ovXXfLtAqLLERAH1Bc",
                "id_token": "eyJhbGciOiJIUzI1N...",
            },
        ),
        # https://help.aliyun.com/document_detail/93698.html: the answer for a RAM user, with all three scopes
        # An account has login_name in place of upn.
        DocumentedRequest(
            "GET",
            "https://oauth.aliyun.com/v1/userinfo",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "sub": "123456789012****",
                "name": "alice",
                "upn": "alice@example.com",
                "login_name": "alice@example.com",
                "aid": "123456789012****",
                "uid": "234567890123****",
            },
        ),
    )
    documented_ids = (PersonId.user_id("123456789012****"),)
    documented_profile = Profile(nickname="alice")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; a refresh token comes with `access_type=offline` alone."""
        return {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "id_token": "made-up-id-token"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person for the scopes `openid` and `profile`."""
        login = "login_name" if person.key == PEOPLE[0].key else "upn"
        return {
            "sub": str(10**15 + self.user_id(person.key)),
            "name": person.nickname,
            login: f"{person.key}@example.com",
        }
