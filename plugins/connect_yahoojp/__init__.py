"""Yahoo! JAPAN login (Yahoo! ID連携 v2), by OpenID Connect.

https://developer.yahoo.co.jp/yconnect/v2/authorization_code/
Discovery: https://developer.yahoo.co.jp/yconnect/v2/authorization_code/configuration.html
Profile: https://developer.yahoo.co.jp/yconnect/v2/userinfo.html
Ids: https://developer.yahoo.co.jp/yconnect/faq.html
"""

from typing import Literal

from connect_core.plugin import Claims, Field, Identity, Issuer, OidcProvider, OidcSettings, provider_hook


class YahooJpSettings(OidcSettings):
    """One server-side application: Client ID and secret."""

    issuer: Issuer = Field(
        "https://auth.login.yahoo.co.jp/yconnect/v2",
        description="The issuer of Yahoo! JAPAN; change it only for a sandbox.",
    )
    pkce: Literal["auto", "force", "never"] = Field(
        "force", description="Yahoo! JAPAN takes a code challenge, and its discovery document does not say so."
    )


class YahooJpProvider(OidcProvider):
    """One application. A person has the same id in all applications of one developer account."""

    union_type = "YAHOOJP"
    titles = {"zh": "Yahoo! JAPAN", "en": "Yahoo! JAPAN"}
    Settings = YahooJpSettings
    algorithms = ("RS256",)
    auth_method = "client_secret_basic"
    scope = "openid"
    authorize = {"bail": "1"}  # without it a person who refuses lands on Yahoo's front page
    refuses_without_code = True
    claims = Claims(nickname=("nickname", "name"), face="picture", sex="gender")

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Return `identity` with the profile of user-info, which is called only where `scope` has `profile`.

        Yahoo! JAPAN opens user-info to reviewed applications alone. Raises as the base provider does.
        """
        return await super().fetch_profile(identity) if "profile" in self.scope.split() else identity


connect_register_providers = provider_hook(
    "yahoojp", YahooJpProvider, sandbox="connect_yahoojp.sandbox:YahooJpSandbox", icon="connect_yahoojp:icon.svg"
)
