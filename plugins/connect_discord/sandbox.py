"""Discord's sandbox: HTTP Basic authentication, ids above 2^53 as text, pictures by their hash.

https://docs.discord.com/developers/resources/user
"""

import hashlib
from typing import Any

from starlette.requests import Request

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_discord import DiscordProvider


class DiscordSandbox(OAuth2Sandbox):
    """One application."""

    title = "Discord 沙箱 · Discord sandbox"
    provider = DiscordProvider
    client_id = "157730590492196864"
    documented = (
        # https://docs.discord.com/developers/topics/oauth2#authorization-code-grant
        DocumentedRequest(
            "GET",
            "https://discord.com/oauth2/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="identify"),
            optional=("prompt", "integration_type"),
        ),
        # the same page; the table of addresses has no version in this one
        DocumentedRequest(
            "POST",
            "https://discord.com/api/oauth2/token",
            form={"grant_type": "authorization_code", "code": "{code}", "redirect_uri": "{redirect_uri}"},
            headers={"Authorization": "Basic {basic_credentials}"},
            answer={
                "access_token": "6qrZcUqja7812RVdnEKjpzOL4CvHBFG",
                "token_type": "Bearer",
                "expires_in": 604800,
                "refresh_token": "D43f5y0ahjqew82jZ4NViEr2YafMKhue",
                "scope": "identify",
            },
        ),
        # https://docs.discord.com/developers/resources/user#get-current-user (the example without decorations)
        DocumentedRequest(
            "GET",
            "https://discord.com/api/users/@me",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "id": "80351110224678912",
                "username": "Nelly",
                "global_name": None,
                "discriminator": "1337",
                "avatar": "8342729096ea3675442027381ff50dfe",
                "flags": 64,
                "banner": "06c16474723fe537c283b8efa61a30c8",
                "accent_color": 16711680,
                "public_flags": 64,
            },
        ),
    )
    documented_ids = (PersonId.user_id("80351110224678912"),)
    documented_profile = Profile(
        nickname="Nelly",
        face="https://cdn.discordapp.com/avatars/80351110224678912/8342729096ea3675442027381ff50dfe.png",
    )

    def snowflake(self, person: str) -> str:
        """Return the id of the person with the key `person`: a number of eighteen digits, as text."""
        return str(8 * 10**17 + self.user_id(person))

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; the token lives for a week."""
        return {"access_token": token, "token_type": "Bearer", "expires_in": 604800, "scope": grant.scope}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the user; who has no display name or picture has null there."""
        return {
            "id": self.snowflake(person.key),
            "username": person.key,
            "global_name": person.nickname if person.nickname != person.key else None,
            "discriminator": "0",
            "avatar": hashlib.sha256(person.face.encode()).hexdigest()[:32] if person.face else None,
        }

    def write(self, answer: dict[str, Any], request: Request, operation: str, *, is_error: bool) -> str:
        """Return an answer as JSON; an error of the API has a number and a text."""
        if is_error and operation == "userinfo":
            answer = {"message": "401: Unauthorized", "code": 0}
        return super().write(answer, request, operation, is_error=is_error)
