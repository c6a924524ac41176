"""Spotify's sandbox: HTTP Basic authentication, ids that are texts, errors of the API as an object with a status.

https://developer.spotify.com/documentation/web-api/concepts/api-calls#response-error
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, OAuth2Sandbox, Person, of_login
from connect_spotify import SpotifyProvider


class SpotifySandbox(OAuth2Sandbox):
    """One app."""

    title = "Spotify 沙箱 · Spotify sandbox"
    provider = SpotifyProvider
    refusals = {"invalid_token": "401"}
    documented = (
        # https://developer.spotify.com/documentation/web-api/tutorials/code-flow#request-user-authorization
        # the challenge: https://developer.spotify.com/documentation/web-api/tutorials/code-pkce-flow
        DocumentedRequest(
            "GET",
            "https://accounts.spotify.com/authorize",
            query=of_login("response_type client_id redirect_uri state code_challenge code_challenge_method"),
            optional=("scope", "show_dialog"),
        ),
        # https://developer.spotify.com/documentation/web-api/tutorials/code-flow#request-an-access-token
        DocumentedRequest(
            "POST",
            "https://accounts.spotify.com/api/token",
            form=of_login("grant_type code redirect_uri code_verifier"),
            headers={"Authorization": "Basic {basic_credentials}"},
            answer={
                "access_token": "NgCXRKcMzYjw",
                "token_type": "Bearer",
                "scope": "user-read-private user-read-email",
                "expires_in": 3600,
                "refresh_token": "NgAagAUm_SHo",
            },
        ),
        # https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile (shortened)
        DocumentedRequest(
            "GET",
            "https://api.spotify.com/v1/me",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "display_name": "Smed",
                "external_urls": {"spotify": "https://open.spotify.com/user/smedjan"},
                "href": "https://api.spotify.com/v1/users/smedjan",
                "id": "smedjan",
                "images": [
                    {
                        "url": "https://i.scdn.co/image/ab67616d00001e02ff9ca10b55ce82ae553c8228",
                        "height": 300,
                        "width": 300,
                    }
                ],
                "type": "user",
                "uri": "spotify:user:smedjan",
            },
        ),
    )
    documented_ids = (PersonId.user_id("smedjan"),)
    documented_profile = Profile(
        nickname="Smed", face="https://i.scdn.co/image/ab67616d00001e02ff9ca10b55ce82ae553c8228"
    )

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person; `images` is empty for one without a picture."""
        uid = f"31{self.user_id(person.key)}"
        return {
            "display_name": person.nickname or None,
            "external_urls": {"spotify": f"https://open.spotify.com/user/{uid}"},
            "id": uid,
            "images": [{"url": person.face, "height": 300, "width": 300}] if person.face else [],
            "type": "user",
        }

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error: of the API with a status inside, of the token call with a word."""
        if code.isdecimal():
            return {"error": {"status": int(code), "message": "The access token expired"}}
        return super().error_answer(code)
