"""Figma login, through an OAuth app.

https://developers.figma.com/docs/rest-api/authentication
Addresses, scope, person and the member `err`: https://github.com/figma/rest-api-spec (openapi/openapi.yaml)
Parameters of the token call, from libraries, not the vendor's page: figma-api (npm), pennersr/django-allauth
"""

from connect_core.plugin import Claims, ClientType, Diagnosis, OAuth2Provider, Quirks, provider_hook


class FigmaProvider(OAuth2Provider):
    """One OAuth app with the scope that reads the person alone."""

    union_type = "FIGMA"
    titles = {"zh": "Figma", "en": "Figma"}
    authorize_url = "https://www.figma.com/oauth"
    token_url = "https://api.figma.com/v1/oauth/token"
    userinfo_url = "https://api.figma.com/v1/me"
    scope = "current_user:read"
    claims = Claims(user_id="id", nickname="handle", face="img_url")
    diagnosis = Diagnosis(ambiguous_refusals=tuple(ClientType))  # none of the vendor's errors is documented
    quirks = Quirks(client_auth="basic", scope_separator=",", error_signs={"err": ""})


connect_register_providers = provider_hook(
    "figma", FigmaProvider, sandbox="connect_figma.sandbox:FigmaSandbox", icon="connect_figma:icon.svg"
)
