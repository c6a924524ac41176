"""Tumblr's sandbox: the person inside an envelope, with blogs of others before the primary blog.

https://www.tumblr.com/docs/en/api/v2#userinfo--get-a-users-information
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_tumblr import TumblrProvider


class TumblrSandbox(OAuth2Sandbox):
    """One app."""

    title = "Tumblr 沙箱 · Tumblr sandbox"
    provider = TumblrProvider
    refusals = {"invalid_token": "401"}
    documented = (
        # https://www.tumblr.com/docs/en/api/v2#oauth2authorize---authorization-request
        DocumentedRequest(
            "GET",
            "https://www.tumblr.com/oauth2/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="basic"),
        ),
        # https://www.tumblr.com/docs/en/api/v2#v2oauth2token---authorization-code-grant-request
        DocumentedRequest(
            "POST",
            "https://api.tumblr.com/v2/oauth2/token",
            form=of_login("grant_type client_id client_secret code redirect_uri"),
            answer={
                "access_token": "nnpkdj9dJDGhd7V",
                "expires_in": 2520,
                "id_token": False,
                "scope": "basic",
                "token_type": "bearer",
            },
        ),
        # https://www.tumblr.com/docs/en/api/v2#userinfo--get-a-users-information
        # uuid: https://www.tumblr.com/docs/en/api/v2#blog-unique-identifiers ("any API response that includes a blog")
        # User-Agent: https://www.tumblr.com/docs/en/api/v2#request-user-agent
        DocumentedRequest(
            "GET",
            "https://api.tumblr.com/v2/user/info",
            headers={"Authorization": "Bearer {access_token}", "User-Agent": "{*}"},
            answer={
                "meta": {"status": 200, "msg": "OK"},
                "response": {
                    "user": {
                        "following": 263,
                        "default_post_format": "html",
                        "name": "derekg",
                        "likes": 606,
                        "blogs": [
                            {
                                "name": "derekg",
                                "title": "Derek Gottfrid",
                                "url": "https://derekg.org/",
                                "uuid": "t:0aY0xL2Fi1OFJg4YxpmegQ",
                                "tweet": "auto",
                                "primary": True,
                                "followers": 33004929,
                            },
                        ],
                    }
                },
            },
        ),
    )
    documented_ids = (PersonId.user_id("t:0aY0xL2Fi1OFJg4YxpmegQ"),)
    documented_profile = Profile(nickname="Derek Gottfrid")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer, which says that there is no ID token."""
        return {**super().token_answer(grant, token), "id_token": False}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person, whose first blog is one that several people share."""
        shared = {"name": "shared", "title": "Shared", "uuid": "t:shared", "primary": False}
        uuid = f"t:{self.open_id(person.key)[:22]}"
        primary = {"name": person.key, "title": person.nickname, "uuid": uuid, "primary": True}
        user = {"name": person.key, "likes": 606, "blogs": [shared, primary]}
        return {"meta": {"status": 200, "msg": "OK"}, "response": {"user": user}}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error: of the API with a status inside, of the token call with a word."""
        if code.isdecimal():
            return {"meta": {"status": int(code), "msg": "Unauthorized"}, "response": []}
        return super().error_answer(code)
