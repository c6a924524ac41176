"""Twitch login.

https://dev.twitch.tv/docs/authentication/getting-tokens-oauth/#authorization-code-grant-flow
Person: https://dev.twitch.tv/docs/api/reference/#get-users
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from connect_core.plugin import (
    Answer,
    Claims,
    OAuth2Provider,
    ProviderBadResponse,
    Quirks,
    parse_object,
    provider_hook,
)


class TwitchProvider(OAuth2Provider):
    """One application. It asks for no scope; every call of the API has the client id in a header."""

    union_type = "TWITCH"
    titles = {"zh": "Twitch", "en": "Twitch"}
    authorize_url = "https://id.twitch.tv/oauth2/authorize"
    token_url = "https://id.twitch.tv/oauth2/token"
    userinfo_url = "https://api.twitch.tv/helix/users"
    claims = Claims(
        user_id="data.0.id", nickname=("data.0.display_name", "data.0.login"), face="data.0.profile_image_url"
    )
    quirks = Quirks(
        pkce="never",
        headers={"Client-Id": "{client_id}"},
        errors={
            "code_invalid": ("Invalid authorization code", "Unauthorized"),
            "provider_config": (
                *("invalid client", "invalid client secret", "missing client id", "missing client secret"),
                "Parameter redirect_uri does not match registered URI",
            ),
        },
    )

    def read_answer(self, operation: str, answer: Answer) -> Mapping[str, Any]:
        """Return the object in an answer, as the base provider does.

        The token call has no error code, but a sentence in `message`. It counts where it is a known one: any other
        might repeat what was sent.
        """
        if answer.status >= 400:
            with suppress(ProviderBadResponse):
                sentence = parse_object(answer.content.decode(errors="replace")).get("message")
                if isinstance(sentence, str) and sentence in self.quirks.outcomes:
                    answer = replace(answer, content=json.dumps({"error": sentence}).encode())
        return super().read_answer(operation, answer)


connect_register_providers = provider_hook(
    "twitch", TwitchProvider, sandbox="connect_twitch.sandbox:TwitchSandbox", icon="connect_twitch:icon.svg"
)
