"""Microsoft's sandbox: one discovery document for all tenants, an issuer of its own for each.

https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference
"""

import json
from collections.abc import Callable, Mapping, Sequence
from time import time
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from connect_core.plugin import ClientType
from connect_core.sandbox import PEOPLE, DocumentedRequest, OidcGrant, OidcSandbox, Person, of_login

VENDOR = "https://login.microsoftonline.com"
PERSONAL, COMPANY = "9188040d-6c67-4c5b-b112-36a304b66dad", "aaaabbbb-0000-cccc-1111-dddd2222eeee"
DISCOVERY = "/common/v2.0/.well-known/openid-configuration"
# https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration
DOCUMENT = {
    "token_endpoint": f"{VENDOR}/common/oauth2/v2.0/token",
    "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
    "jwks_uri": f"{VENDOR}/common/discovery/v2.0/keys",
    "response_modes_supported": ["query", "fragment", "form_post"],
    "subject_types_supported": ["pairwise"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
    "scopes_supported": ["openid", "profile", "email", "offline_access"],
    "issuer": f"{VENDOR}/{{tenantid}}/v2.0",
    "request_uri_parameter_supported": False,
    "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
    "authorization_endpoint": f"{VENDOR}/common/oauth2/v2.0/authorize",
    "http_logout_supported": True,
    "frontchannel_logout_supported": True,
    "end_session_endpoint": f"{VENDOR}/common/oauth2/v2.0/logout",
    "claims_supported": [
        *("sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name"),
        *("msgraph_host", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name"),
        *("tid", "ver", "at_hash", "c_hash", "email"),
    ],
    "tenant_region_scope": None,
    "cloud_instance_name": "microsoftonline.com",
}


class MicrosoftSandbox(OidcSandbox):
    """One app registration that takes every account. Some people have a personal one, the others one of a company."""

    title = "微软沙箱 · Microsoft sandbox"
    client_id = "00001111-aaaa-2222-bbbb-3333cccc4444"
    profile_in_token = True
    discovery_path = DISCOVERY
    id_names = ("sub", "oid")
    paths = {
        "authorize": "/common/oauth2/v2.0/authorize",
        "token": "/common/oauth2/v2.0/token",
        "jwks": "/common/discovery/v2.0/keys",
    }
    documented = (
        # https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols-oidc#fetch-the-openid-configuration-document
        DocumentedRequest("GET", f"{VENDOR}{DISCOVERY}", answer=DOCUMENT),
        # https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow#request-an-authorization-code
        # nonce and scope: https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols-oidc#send-the-sign-in-request
        DocumentedRequest(
            "GET",
            "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
            query=of_login(
                "response_type client_id redirect_uri state nonce code_challenge code_challenge_method",
                response_mode="query",
                scope="openid profile",
            ),
            optional=("response_mode", "prompt", "login_hint", "domain_hint"),
        ),
        # https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow#request-an-access-token-with-a-client_secret
        # The answer's ID token is cut short there.
        DocumentedRequest(
            "POST",
            "https://login.microsoftonline.com/common/oauth2/v2.0/token",
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier", scope="openid profile"),
            optional=("scope",),
        ),
        # the discovery document (jwks_uri)
        DocumentedRequest("GET", "https://login.microsoftonline.com/common/discovery/v2.0/keys"),
    )

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time) -> None:
        """`people` are offered on the consent page; `now` returns the time in seconds since the epoch."""
        super().__init__(auth_method="client_secret_post", people=people, now=now)

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the client's settings, with the issuer `common` below `base_url`."""
        root = base_url.removesuffix("/common/v2.0")
        return {**super().settings(root, client_type), "issuer": f"{root}/common/v2.0"}

    def tenant(self, person: str) -> str:
        """Return the claim `tid` of the person with the key `person`."""
        return PERSONAL if len(person) % 2 else COMPANY

    def account(self, person: str) -> str:
        """Return the claim `oid` of the person with the key `person`, the same for every client."""
        return str(uuid5(NAMESPACE_URL, f"microsoft/{person}"))

    def id_token_claims(self, grant: OidcGrant, access_token: str) -> dict[str, Any]:
        """Return the claims of a token of version 2.0, which has no `at_hash` when it comes from the token call."""
        person = grant.person
        tenant = self.tenant(person.key)
        return {
            **super().id_token_claims(grant, ""),
            "iss": f"{self.issuer}/{tenant}/v2.0",
            "tid": tenant,
            "oid": self.account(person.key),
            "name": person.nickname,
            "preferred_username": f"{person.key}@example.com",
            "ver": "2.0",
        }

    def profile_claims(self, person: Person) -> dict[str, Any]:
        """Return the name: Microsoft's ID tokens have no picture."""
        return {"name": person.nickname}

    def discovery_answer(self) -> dict[str, Any]:
        """Return the document of all tenants."""
        return dict(json.loads(json.dumps(DOCUMENT).replace(VENDOR, self.issuer)))
