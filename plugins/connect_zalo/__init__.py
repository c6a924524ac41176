"""Zalo login for websites (Zalo Login v4).

Login: https://developers.zalo.me/docs/social-api/tham-khao/user-access-token-v4
Person: https://developers.zalo.me/docs/social-api/tai-lieu/thong-tin-nguoi-dung
Numbers of errors: from two projects that call these addresses, not the vendor's page.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from connect_core.plugin import (
    Claims,
    ClientAuthentication,
    Field,
    InAppBrowser,
    OAuth2Provider,
    OAuth2Settings,
    Quirks,
    SecretStr,
    provider_hook,
)


class ZaloSettings(OAuth2Settings):
    """One app: App ID and secret key."""

    client_secret: SecretStr = Field(min_length=1, description="The app's secret key.")


@dataclass(frozen=True, slots=True)
class SecretKeyInHeader:
    """Zalo's way: the id is a parameter, as `public` has it, and the secret the header `secret_key`."""

    public: ClientAuthentication
    secret: str = field(repr=False)

    def get_credentials(self, token_url: str) -> Any:
        """Return the id and that header."""
        return replace(self.public.get_credentials(token_url), headers={"secret_key": self.secret})


class ZaloProvider(OAuth2Provider):
    """One app. The code challenge is always S256, which no parameter says; there are no scopes."""

    union_type = "ZALO"
    titles = {"zh": "Zalo", "en": "Zalo"}
    own_browser = InAppBrowser.ZALO
    Settings = ZaloSettings
    authorize_url = "https://oauth.zaloapp.com/v4/permission"
    token_url = "https://oauth.zaloapp.com/v4/access_token"
    userinfo_url = "https://graph.zalo.me/v2.0/me"
    claims = Claims(open_id="id", nickname="name", face="picture.data.url")
    quirks = Quirks(
        names={"client_id": "app_id", "response_type": "", "scope": "", "code_challenge_method": ""},
        token_names={"redirect_uri": ""},
        client_auth="none",
        token_header={"access_token": "{access_token}"},
        userinfo_parameters={"fields": "id,name,picture"},
        errors={
            "code_invalid": ("-14005", "452"),  # the code; the access token
            "provider_config": ("-14002", "-14004", "-14018", "-501"),  # app, secret, grant type, a server abroad
        },
    )
    settings: ZaloSettings

    def make_authentication(self) -> ClientAuthentication:
        """Return Zalo's own way, with the secret in a header."""
        return SecretKeyInHeader(super().make_authentication(), self.settings.client_secret.get_secret_value())


connect_register_providers = provider_hook(
    "zalo", ZaloProvider, sandbox="connect_zalo.sandbox:ZaloSandbox", icon="connect_zalo:icon.svg"
)
