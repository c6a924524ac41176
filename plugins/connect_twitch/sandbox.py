"""Twitch's sandbox: errors as a sentence in `message`, scopes as a list, the person in a list `data`.

https://dev.twitch.tv/docs/api/reference/#get-users
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_twitch import TwitchProvider

PICTURE = (
    "https://static-cdn.jtvnw.net/jtv_user_pictures/8a6381c7-d0c0-4576-b179-38bd5ce1d6af-profile_image-300x300.png"
)


class TwitchSandbox(OAuth2Sandbox):
    """One application."""

    title = "Twitch 沙箱 · Twitch sandbox"
    provider = TwitchProvider
    refusals = {
        "invalid_grant": "Invalid authorization code",
        "invalid_client": "invalid client secret",
        "invalid_token": "Unauthorized",
    }
    documented = (
        # https://dev.twitch.tv/docs/authentication/getting-tokens-oauth/#authorization-code-grant-flow
        # scope is empty for calls that need none
        DocumentedRequest(
            "GET",
            "https://id.twitch.tv/oauth2/authorize",
            query=of_login("response_type client_id redirect_uri state"),
            optional=("force_verify", "scope", "state"),
        ),
        # the same page
        DocumentedRequest(
            "POST",
            "https://id.twitch.tv/oauth2/token",
            form=of_login("grant_type client_id client_secret code redirect_uri"),
            answer={
                "access_token": "rfx2uswqe8l4g1mkagrvg5tv0ks3",
                "expires_in": 14124,
                "refresh_token": "5b93chm6hdve3mycz05zfzatkfdenfspp1h1ar2xxdalen01",
                "scope": ["channel:moderate", "chat:edit", "chat:read"],
                "token_type": "bearer",
            },
        ),
        # https://dev.twitch.tv/docs/api/reference/#get-users
        DocumentedRequest(
            "GET",
            "https://api.twitch.tv/helix/users",
            headers={"Authorization": "Bearer {access_token}", "Client-Id": "{client_id}"},
            optional=("id", "login"),
            answer={
                "data": [
                    {
                        "id": "141981764",
                        "login": "twitchdev",
                        "display_name": "TwitchDev",
                        "type": "",
                        "broadcaster_type": "partner",
                        "description": "Supporting third-party developers building Twitch integrations.",
                        "profile_image_url": PICTURE,
                        "view_count": 5980557,
                        "created_at": "2016-12-14T20:32:28Z",
                    }
                ]
            },
        ),
    )
    documented_ids = (PersonId.user_id("141981764"),)
    documented_profile = Profile(nickname="TwitchDev", face=PICTURE)

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with a list of scopes."""
        return {"access_token": token, "expires_in": 14124, "scope": grant.scope.split(), "token_type": "bearer"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return a list with the person of the token; the id is a number written as a text."""
        return {
            "data": [
                {
                    "id": str(self.user_id(person.key)),
                    "login": person.key,
                    "display_name": person.nickname,
                    "type": "",
                    "profile_image_url": person.face,
                }
            ]
        }

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error: of the token call with a status, of the API with a title too."""
        if code == self.refusals["invalid_token"]:
            return {"error": "Unauthorized", "status": 401, "message": "Invalid OAuth token"}
        return {"status": 403 if "secret" in code else 400, "message": code}
