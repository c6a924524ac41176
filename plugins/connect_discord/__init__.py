"""Discord login.

Code and token: https://docs.discord.com/developers/topics/oauth2
Person: https://docs.discord.com/developers/resources/user
Pictures: https://docs.discord.com/developers/reference#image-formatting
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connect_core.plugin import Claims, OAuth2Provider, Profile, Quirks, provider_hook

HASH = re.compile("[0-9A-Za-z_]{1,64}")


class DiscordProvider(OAuth2Provider):
    """One application."""

    union_type = "DISCORD"
    titles = {"zh": "Discord", "en": "Discord"}
    authorize_url = "https://discord.com/oauth2/authorize"
    token_url = "https://discord.com/api/oauth2/token"
    userinfo_url = "https://discord.com/api/users/@me"
    scope = "identify"
    claims = Claims(user_id="id", nickname=("global_name", "username"))
    quirks = Quirks(pkce="never", client_auth="basic", error_signs={"code": ""})

    def read_profile(self, answer: Mapping[str, Any]) -> Profile:
        """Return the profile; `avatar` is the hash in the address of the picture, or null."""
        profile, avatar = super().read_profile(answer), answer.get("avatar")
        if not isinstance(avatar, str) or not HASH.fullmatch(avatar):
            return profile
        link = f"https://cdn.discordapp.com/avatars/{answer.get('id')}/{avatar}.png"
        return replace(profile, face=Profile.of(face=link).face)


connect_register_providers = provider_hook(
    "discord", DiscordProvider, sandbox="connect_discord.sandbox:DiscordSandbox", icon="connect_discord:icon.svg"
)
