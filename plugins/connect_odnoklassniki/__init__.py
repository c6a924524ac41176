"""Odnoklassniki login (OK.ru).

https://apiok.ru/en/ext/oauth/server
Signatures: https://apiok.ru/en/dev/methods/
Person: https://apiok.ru/en/dev/methods/rest/users/users.getCurrentUser
Errors: https://apiok.ru/en/dev/errors
"""

from collections.abc import Mapping

from connect_core.plugin import Claims, Field, OAuth2Provider, OAuth2Settings, Quirks, md5_hex, provider_hook


class OdnoklassnikiSettings(OAuth2Settings):
    """One app, which has a public key besides its id and its secret."""

    application_key: str = Field(pattern=r"^\w+$", description="The public key of the app (`CBA…`).")


class OdnoklassnikiProvider(OAuth2Provider):
    """One app. Calls of the API are signed with a key that is made of the token and the secret."""

    union_type = "ODNOKLASSNIKI"
    titles = {"zh": "Odnoklassniki", "en": "Odnoklassniki"}
    Settings = OdnoklassnikiSettings
    settings: OdnoklassnikiSettings
    authorize_url = "https://connect.ok.ru/oauth/authorize"
    token_url = "https://api.ok.ru/oauth/token.do"
    userinfo_url = "https://api.ok.ru/fb.do"
    scope = "VALUABLE_ACCESS"
    claims = Claims(user_id="uid", nickname=("name", "first_name"), face=("pic_3", "pic_2", "pic_1"), sex="gender")
    quirks = Quirks(
        scope_separator=";",
        pkce="never",
        authorize_h5={"layout": "m"},
        userinfo_parameters={
            "access_token": "{access_token}",
            "format": "json",
            "method": "users.getCurrentUser",
        },
        error_signs={"error_code": ""},
        errors={
            "code_invalid": ("102", "103"),  # the session has expired, or is none
            "provider_config": ("10", "101", "104"),  # no right to the call; a wrong public key; a wrong signature
        },
    )

    def complete_parameters(self, operation: str, parameters: Mapping[str, str], token: str) -> Mapping[str, str]:
        """Add the public key and the signature, which covers every parameter but the token."""
        sent = {**parameters, "application_key": self.settings.application_key}
        text = "".join(f"{name}={value}" for name, value in sorted(sent.items()) if name != "access_token")
        return {**sent, "sig": md5_hex(f"{text}{md5_hex(token + self.client_secret)}")}


connect_register_providers = provider_hook(
    "odnoklassniki",
    OdnoklassnikiProvider,
    sandbox="connect_odnoklassniki.sandbox:OdnoklassnikiSandbox",
    icon="connect_odnoklassniki:icon.svg",
)
