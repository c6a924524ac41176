"""OSChina (开源中国) login, through an application of its open API.

From two libraries, not the vendor's page: justauth/JustAuth, SocialiteProviders/Providers
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class OschinaProvider(OAuth2Provider):
    """One application. OSChina has no PKCE."""

    union_type = "OSCHINA"
    titles = {"zh": "开源中国", "en": "OSChina"}
    authorize_url = "https://www.oschina.net/action/oauth2/authorize"
    token_url = "https://www.oschina.net/action/openapi/token"
    userinfo_url = "https://www.oschina.net/action/openapi/user"
    claims = Claims(user_id="id", nickname="name", face="avatar", sex="gender")
    quirks = Quirks(
        pkce="never",
        token_parameters={"dataType": "json"},
        userinfo_parameters={"access_token": "{access_token}", "dataType": "json"},
    )


connect_register_providers = provider_hook(
    "oschina", OschinaProvider, sandbox="connect_oschina.sandbox:OschinaSandbox", icon="connect_oschina:icon.svg"
)
