"""Acme login: OAuth 2.0 with Acme's own parameter names and envelopes.

Code and token: https://docs.acme.example/login · Person: https://docs.acme.example/me
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class AcmeProvider(OAuth2Provider):
    """One shop's client. The token answer has the person's number; only user-info has the name."""

    union_type = "ACME"
    titles = {"zh": "顶点", "en": "Acme"}
    authorize_url = "https://id.acme.example/oauth2/authorize"
    token_url = "https://id.acme.example/oauth2/token"
    userinfo_url = "https://api.acme.example/v1/me"
    scope = "basic profile"
    id_claims = Claims(user_id="account.number")
    claims = Claims(user_id="account.number", nickname=("display_name", "login"), face="avatar.large")
    quirks = Quirks(
        names={"client_id": "client_key"},
        scope_separator=",",
        token_envelope="data",
        userinfo_envelope="data",
        userinfo_parameters={"token": "{access_token}", "fields": "account,display_name,login,avatar"},
        error_signs={"status": "ok"},
        errors={"code_invalid": ("E_CODE",), "provider_config": ("E_CLIENT",), "provider_denied": ("E_BANNED",)},
    )


connect_register_providers = provider_hook(
    "acme",
    AcmeProvider,
    sandbox="connect_acme.sandbox:AcmeSandbox",
    icon="connect_acme:acme.svg",
)
