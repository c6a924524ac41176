"""CODING (coding.net) login for the people of one team.

From two libraries, not the vendor's page: justauth/JustAuth, willin/coding-sdk
"""

from connect_core.plugin import (
    Claims,
    ClientType,
    Diagnosis,
    Field,
    Http,
    OAuth2Provider,
    OAuth2Settings,
    Quirks,
    provider_hook,
)


class CodingSettings(OAuth2Settings):
    """One application of one team."""

    team: str = Field(
        pattern="^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
        description="The team's name in its address: `acme` for `acme.coding.net`.",
    )


class CodingProvider(OAuth2Provider):
    """One application of one team, which has an address below `coding.net`. CODING has no PKCE."""

    union_type = "CODING"
    titles = {"zh": "CODING", "en": "CODING"}
    Settings = CodingSettings
    authorize_url = "https://team.coding.net/oauth_authorize.html"
    token_url = "https://team.coding.net/api/oauth/access_token"
    userinfo_url = "https://team.coding.net/api/account/current_user"
    scope = "user"
    claims = Claims(open_id="id", nickname=("name", "global_key"), face="avatar")
    diagnosis = Diagnosis(ambiguous_refusals=tuple(ClientType))  # none of the vendor's errors is documented
    quirks = Quirks(
        pkce="never",
        token_method="get",
        userinfo_parameters={"access_token": "{access_token}"},
        userinfo_envelope="data",
        error_signs={"code": "0"},
    )

    def __init__(self, settings: CodingSettings, http: Http) -> None:
        """Raises as the base provider does."""
        for key in ("authorize_url", "token_url", "userinfo_url"):
            setattr(self, key, getattr(self, key).replace("://team.", f"://{settings.team.lower()}."))
        super().__init__(settings, http)


connect_register_providers = provider_hook(
    "coding", CodingProvider, sandbox="connect_coding.sandbox:CodingSandbox", icon="connect_coding:icon.svg"
)
