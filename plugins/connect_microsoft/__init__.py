"""Microsoft login, with personal accounts and with those of every company and school.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow
Discovery: https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols-oidc
ID tokens: https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from connect_core.plugin import (
    AuthorizationResponse,
    Claims,
    Field,
    Http,
    Issuer,
    OidcProvider,
    OidcSettings,
    PersonId,
    Profile,
    is_absent,
    provider_hook,
)

PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of all personal accounts."""
GUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class MicrosoftSettings(OidcSettings):
    """One app registration."""

    issuer: Issuer = Field(
        "https://login.microsoftonline.com/common/v2.0",
        description="`common` in it: everybody; `organizations`: no personal accounts; a tenant's id: its people.",
    )
    tenants: tuple[str, ...] = Field((), description="Ids of the tenants whose people may log in; default: all.")
    pkce: Literal["auto", "force", "never"] = Field("force", description="Microsoft takes S256, but does not list it.")


class MicrosoftProvider(OidcProvider):
    """One app registration. Each tenant is an issuer of its own, named by the claim `tid`."""

    union_type = "MICROSOFT"
    titles = {"zh": "微软", "en": "Microsoft"}
    Settings = MicrosoftSettings
    algorithms = ("RS256",)
    claims = Claims(nickname="name")
    auth_method = "client_secret_post"
    settings: MicrosoftSettings

    def __init__(self, settings: MicrosoftSettings, http: Http) -> None:
        """Raises as the base provider does."""
        super().__init__(settings, http)
        root, _, audience = settings.issuer.removesuffix("/v2.0").rpartition("/")
        self.issuer_template = f"{root}/{{tenantid}}/v2.0" if audience in ("common", "organizations") else ""
        self._takes_personal = audience == "common"

    def takes_tenant(self, tenant: str) -> bool:
        """Return True for a tenant's id that the settings let in."""
        is_listed = not self.settings.tenants or tenant in self.settings.tenants
        is_let_in = is_listed and (self._takes_personal or tenant != PERSONAL)
        return is_let_in and GUID.fullmatch(tenant) is not None

    def find_profile(self, claims: Mapping[str, Any], response: AuthorizationResponse) -> Profile:
        """Return the ID token's name. User-info has no more, and is never called."""
        return self.read_profile(claims)

    def read_ids(self, claims: Mapping[str, Any]) -> tuple[PersonId, ...]:
        """Return the person by `oid`, the account in its tenant, and by `sub`, the account as this client sees it.

        E-mail address and user name are in the hands of each tenant's administrators, and no ids.
        """
        account = claims.get("oid")  # without the scope `profile` there is none
        known = () if is_absent(account) else (PersonId.union_id(account, self.find_issuer(claims) or ""),)
        return (*known, PersonId.open_id(claims.get("sub"), self.settings.client_id))


connect_register_providers = provider_hook(
    "microsoft",
    MicrosoftProvider,
    sandbox="connect_microsoft.sandbox:MicrosoftSandbox",
    icon="connect_microsoft:icon.svg",
)
