"""Gitee's sandbox: numeric ids, a token of one day, errors of the user call as a sentence in `message`.

https://gitee.com/api/v5/oauth_doc
User: https://gitee.com/api/v5/swagger#/getV5User, as in the tests of aspnet-contrib/AspNet.Security.OAuth.Providers
"""

import time
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_gitee import GiteeProvider


class GiteeSandbox(OAuth2Sandbox):
    """One third-party application."""

    title = "Gitee 沙箱 · Gitee sandbox"
    provider = GiteeProvider
    error_statuses = (401, 401)
    documented = (
        # https://gitee.com/api/v5/oauth_doc: step A of the authorization code mode
        DocumentedRequest(
            "GET",
            "https://gitee.com/oauth/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="user_info"),
        ),
        # the same page: the secret in the body, and a User-Agent, without which the answer is 403
        # The answer: https://www.npmjs.com/package/gitee-api-token
        DocumentedRequest(
            "POST",
            "https://gitee.com/oauth/token",
            form=of_login("grant_type client_id client_secret code redirect_uri"),
            headers={"User-Agent": "{*}"},
            answer={
                "access_token": "secret-access-token",
                "token_type": "bearer",
                "expires_in": 86400,
                "refresh_token": "secret-refresh-token",
                "scope": "user_info projects pull_requests issues notes keys hook groups gists",
                "created_at": 1527410404,
            },
        ),
        # https://gitee.com/api/v5/swagger#/getV5User (without links and counts; the id is a number in answers)
        DocumentedRequest(
            "GET",
            "https://gitee.com/api/v5/user",
            query={"access_token": "{access_token}"},
            answer={
                "id": 27630,
                "login": "loginname",
                "name": "name",
                "avatar_url": "https://gitee.com/assets/no_portrait.png",
                "url": "https://gitee.com/api/v5/users/loginname",
                "type": "User",
                "site_admin": False,
                "blog": None,
                "weibo": None,
                "bio": None,
                "created_at": "2019-09-02T13:20:32+08:00",
                "updated_at": "2020-02-05T11:21:16+08:00",
                "email": None,
            },
        ),
    )
    documented_ids = (PersonId.user_id(27630),)
    documented_profile = Profile(nickname="name", face="https://gitee.com/assets/no_portrait.png")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; the token lives for a day."""
        lifetime = {"expires_in": 86400, "created_at": int(time.time())}
        return {"access_token": token, "token_type": "bearer", "refresh_token": "r", "scope": grant.scope, **lifetime}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the user; `email` is null where it is not public."""
        shown = {"name": person.nickname, "avatar_url": person.face}
        return {"id": self.user_id(person.key), "login": person.key, **shown, "type": "User", "email": None}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error of the token call, or the sentence with which the user call refuses a token."""
        if code == "invalid_token":
            return {"message": "401 Unauthorized: Access token does not exist"}
        return {"error": code, "error_description": "made up by the sandbox"}
