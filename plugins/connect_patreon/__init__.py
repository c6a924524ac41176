"""Patreon login, through a client of the API v2.

https://docs.patreon.com/#oauth
Person: https://docs.patreon.com/#get-api-oauth2-v2-identity
All of it is from libraries that agree, not the vendor's page: pennersr/django-allauth, python-social-auth/social-core
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class PatreonProvider(OAuth2Provider):
    """One client. Patreon documents no PKCE; the user call names only the fields that it is given."""

    union_type = "PATREON"
    titles = {"zh": "Patreon", "en": "Patreon"}
    authorize_url = "https://www.patreon.com/oauth2/authorize"
    token_url = "https://www.patreon.com/api/oauth2/token"
    userinfo_url = "https://www.patreon.com/api/oauth2/v2/identity"
    scope = "identity"
    claims = Claims(user_id="data.id", nickname="data.attributes.full_name", face="data.attributes.image_url")
    quirks = Quirks(
        pkce="never",
        userinfo_parameters={"fields[user]": "full_name,image_url"},
        error_signs={"errors.0.code_name": ""},
        errors={"code_invalid": ("Unauthorized",)},
    )


connect_register_providers = provider_hook(
    "patreon", PatreonProvider, sandbox="connect_patreon.sandbox:PatreonSandbox", icon="connect_patreon:icon.svg"
)
