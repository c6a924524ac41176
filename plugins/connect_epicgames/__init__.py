"""Epic Games login (Epic Account Services).

https://dev.epicgames.com/docs/web-api-ref/authentication
Addresses and members also from a library, not the vendor's page: SocialiteProviders/Providers.
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class EpicgamesProvider(OAuth2Provider):
    """One client of a product. The token answer has the person's id already; there is no picture."""

    union_type = "EPICGAMES"
    titles = {"zh": "Epic Games", "en": "Epic Games"}
    authorize_url = "https://www.epicgames.com/id/authorize"
    token_url = "https://api.epicgames.dev/epic/oauth/v2/token"
    userinfo_url = "https://api.epicgames.dev/epic/oauth/v2/userInfo"
    scope = "basic_profile"
    id_claims = Claims(user_id="account_id")
    claims = Claims(user_id="sub", nickname="preferred_username")
    quirks = Quirks(
        pkce="never",
        client_auth="basic",
        error_signs={"errorCode": ""},
        errors={
            "code_invalid": ("errors.com.epicgames.account.oauth.authorization_code_not_found",),
            "provider_config": ("errors.com.epicgames.account.invalid_client_credentials",),
        },
    )


connect_register_providers = provider_hook(
    "epicgames",
    EpicgamesProvider,
    sandbox="connect_epicgames.sandbox:EpicgamesSandbox",
    icon="connect_epicgames:icon.svg",
)
