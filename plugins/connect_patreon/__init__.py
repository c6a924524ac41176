"""Patreon login, through a client of the API v2.

https://docs.patreon.com/#oauth
Person: https://docs.patreon.com/#get-api-oauth2-v2-identity
Both are checked against the pages' source, https://github.com/Patreon/platform-documentation (in source/includes:
_oauth.md, _endpoints_v2.md). The list of errors is from _rate_limits.md there; the word `Unauthorized` is from
https://github.com/Patreon/patreon-js/issues/28, not from a page.
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
