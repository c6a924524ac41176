"""Reddit's sandbox: a refused code with HTTP status 200, a number as error for a client that is not known.

https://github.com/reddit-archive/reddit/wiki/OAuth2
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import ClientType, PersonId, Profile
from connect_core.sandbox import DocumentedRequest, OAuth2Sandbox, Person, of_login
from connect_reddit import RedditProvider

ICON = "https://styles.redditmedia.com/t5_abc/styles/profileIcon_abc.jpg?width=256&height=256&s=1"


class RedditSandbox(OAuth2Sandbox):
    """One web app."""

    title = "Reddit 沙箱 · Reddit sandbox"
    provider = RedditProvider
    error_statuses = (200, 401)
    refusals = {"invalid_client": "401", "invalid_token": "401"}
    documented = (
        # https://github.com/reddit-archive/reddit/wiki/OAuth2#authorization
        DocumentedRequest(
            "GET",
            "https://www.reddit.com/api/v1/authorize",
            query=of_login("response_type client_id redirect_uri state", duration="temporary", scope="identity"),
        ),
        # https://github.com/reddit-archive/reddit/wiki/OAuth2#retrieving-the-access-token
        DocumentedRequest(
            "POST",
            "https://www.reddit.com/api/v1/access_token",
            form={"grant_type": "authorization_code", "code": "{code}", "redirect_uri": "{redirect_uri}"},
            headers={"Authorization": "Basic {basic_credentials}", "User-Agent": "{user_agent}"},
            answer={
                "access_token": "J1qK1c18UUGJFAzz9xnH56584l4",
                "token_type": "bearer",
                "expires_in": 3600,
                "scope": "identity",
            },
        ),
        # https://www.reddit.com/dev/api/#GET_api_v1_me has no example: the members that two libraries read
        # raw_json: https://www.reddit.com/dev/api/#response_body_encoding
        DocumentedRequest(
            "GET",
            "https://oauth.reddit.com/api/v1/me",
            query={"raw_json": "1"},
            headers={"Authorization": "Bearer {access_token}", "User-Agent": "{user_agent}"},
            answer={"id": "1w72", "name": "reddit_bot", "icon_img": ICON, "subreddit": {"title": "Reddit Bot"}},
        ),
    )
    documented_ids = (PersonId.user_id("1w72"),)
    documented_profile = Profile(nickname="Reddit Bot", face=ICON)

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the settings with a name of the shop's own for the header `User-Agent`."""
        return {**super().settings(base_url, client_type), "user_agent": "web:shop.example:v1 (by /u/shop)"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the account; the id is a number in base 36, and so a text."""
        return {
            "id": f"r{self.user_id(person.key)}",
            "name": person.key,
            "icon_img": person.face,
            "subreddit": {"title": person.nickname},
        }

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error: a word, or a number with a message."""
        return {"message": "Unauthorized", "error": int(code)} if code.isdecimal() else {"error": code}
