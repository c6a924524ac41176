"""Yandex login (Yandex ID).

Code and token: https://yandex.com/dev/id/doc/en/codes/code-url
Person: https://yandex.com/dev/id/doc/en/user-information
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import Claims, OAuth2Provider, Profile, Quirks, provider_hook


class YandexProvider(OAuth2Provider):
    """One app, whose own list of permissions says what it may read."""

    union_type = "YANDEX"
    titles = {"zh": "Yandex", "en": "Yandex"}
    authorize_url = "https://oauth.yandex.com/authorize"
    token_url = "https://oauth.yandex.com/token"
    userinfo_url = "https://login.yandex.ru/info"
    claims = Claims(user_id="id", nickname=("display_name", "real_name", "login"), face="picture", sex="sex")
    quirks = Quirks(
        userinfo_parameters={"format": "json"},
        token_header={"Authorization": "OAuth {access_token}"},
        errors={"code_invalid": ("bad_verification_code",)},
    )

    def read_profile(self, answer: Mapping[str, Any]) -> Profile:
        """Return the profile; the answer has the id of the picture, which stands in its address."""
        avatar = answer.get("default_avatar_id")
        is_picture = isinstance(avatar, str) and avatar and answer.get("is_avatar_empty") is not True
        picture = f"https://avatars.yandex.net/get-yapic/{avatar}/islands-200" if is_picture else ""
        return super().read_profile({**answer, "picture": picture})


connect_register_providers = provider_hook(
    "yandex", YandexProvider, sandbox="connect_yandex.sandbox:YandexSandbox", icon="connect_yandex:icon.svg"
)
