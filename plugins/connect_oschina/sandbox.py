"""OSChina's sandbox: the format of answers is a parameter, and user-info takes the token as one.

From two libraries, not the vendor's page: justauth/JustAuth, SocialiteProviders/Providers
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_oschina import OschinaProvider


class OschinaSandbox(OAuth2Sandbox):
    """One application."""

    title = "开源中国沙箱 · OSChina sandbox"
    provider = OschinaProvider
    documented = (
        # both libraries
        DocumentedRequest(
            "GET",
            "https://www.oschina.net/action/oauth2/authorize",
            query=of_login("response_type client_id redirect_uri state"),
            optional=("scope",),
        ),
        # SocialiteProviders/Providers, src/OSChina; the members of the answer: justauth/JustAuth
        DocumentedRequest(
            "POST",
            "https://www.oschina.net/action/openapi/token",
            form=of_login("grant_type client_id client_secret code redirect_uri", dataType="json"),
            answer={
                "access_token": "AT",
                "refresh_token": "RT",
                "token_type": "bearer",
                "expires_in": 604799,
                "uid": 12,
            },
        ),
        # both libraries; the values are made up
        DocumentedRequest(
            "GET",
            "https://www.oschina.net/action/openapi/user",
            query={"access_token": "{access_token}", "dataType": "json"},
            answer={
                "id": 12,
                "email": "who@example.com",
                "name": "红薯",
                "gender": "male",
                "avatar": "https://www.oschina.net/uploads/user/0/12_50.jpg",
                "location": "广东 深圳",
                "url": "https://my.oschina.net/example",
            },
        ),
    )
    documented_ids = (PersonId.user_id(12),)
    documented_profile = Profile(nickname="红薯", sex=1, face="https://www.oschina.net/uploads/user/0/12_50.jpg")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with the person's number."""
        uid = self.user_id(grant.person.key)
        return {"access_token": token, "token_type": "bearer", "expires_in": 604799, "uid": uid}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person."""
        sexes = {1: "male", 0: "female", None: ""}
        shown = {"name": person.nickname, "avatar": person.face, "gender": sexes[person.sex]}
        return {"id": self.user_id(person.key), **shown, "location": ""}
