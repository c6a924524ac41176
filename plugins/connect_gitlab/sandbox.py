"""GitLab's sandbox: RS256, numbers as `sub`, the profile in user-info.

https://docs.gitlab.com/integration/openid_connect_provider/
"""

import hashlib
from collections.abc import Callable, Sequence
from time import time
from typing import Any

from connect_core.sandbox import PEOPLE, DocumentedRequest, OidcSandbox, Person, of_login


class GitlabSandbox(OidcSandbox):
    """One OAuth application."""

    title = "GitLab 沙箱 · GitLab sandbox"
    paths = {
        "authorize": "/oauth/authorize",
        "token": "/oauth/token",
        "jwks": "/oauth/discovery/keys",
        "userinfo": "/oauth/userinfo",
    }
    document = {"authorization_response_iss_parameter_supported": False}
    documented = (
        # https://gitlab.com/.well-known/openid-configuration (shortened)
        DocumentedRequest(
            "GET",
            "https://gitlab.com/.well-known/openid-configuration",
            answer={
                "issuer": "https://gitlab.com",
                "authorization_endpoint": "https://gitlab.com/oauth/authorize",
                "token_endpoint": "https://gitlab.com/oauth/token",
                "revocation_endpoint": "https://gitlab.com/oauth/revoke",
                "introspection_endpoint": "https://gitlab.com/oauth/introspect",
                "userinfo_endpoint": "https://gitlab.com/oauth/userinfo",
                "jwks_uri": "https://gitlab.com/oauth/discovery/keys",
                "scopes_supported": ["api", "read_user", "openid", "profile", "email"],
                "response_types_supported": ["code"],
                "response_modes_supported": ["query", "fragment", "form_post"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "claims_supported": ["iss", "sub", "aud", "exp", "iat", "name", "nickname", "picture"],
                "code_challenge_methods_supported": ["plain", "S256"],
            },
        ),
        # https://docs.gitlab.com/api/oauth2/#authorization-code-with-proof-key-for-code-exchange-pkce
        # nonce: OpenID Connect Core §3.1.2.1
        DocumentedRequest(
            "GET",
            "https://gitlab.com/oauth/authorize",
            query=of_login(
                "response_type client_id redirect_uri state nonce code_challenge code_challenge_method",
                scope="openid profile",
            ),
        ),
        # the same page; the client secret is a parameter there (the answer's ID token is left out)
        DocumentedRequest(
            "POST",
            "https://gitlab.com/oauth/token",
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier"),
        ),
        # the discovery document (jwks_uri, userinfo_endpoint)
        DocumentedRequest("GET", "https://gitlab.com/oauth/discovery/keys"),
        # https://docs.gitlab.com/integration/openid_connect_provider/#shared-information (the claims that it lists)
        DocumentedRequest(
            "GET",
            "https://gitlab.com/oauth/userinfo",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "sub": "1",
                "name": "Sidney Jones",
                "nickname": "sidney_jones",
                "preferred_username": "sidney_jones",
                "website": "https://example.com",
                "profile": "https://gitlab.com/sidney_jones",
                "picture": "https://gitlab.com/uploads/-/system/user/avatar/1/avatar.png",
                "groups": [],
            },
        ),
    )

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time) -> None:
        """`people` are offered on the consent page; `now` returns the time in seconds since the epoch."""
        super().__init__(auth_method="client_secret_post", people=people, now=now)

    def subject(self, person: str) -> str:
        """Return the claim `sub` of the person with the key `person`: the number of the account."""
        return str(int(hashlib.sha256(f"gitlab {person}".encode()).hexdigest()[:8], 16))

    def profile_claims(self, person: Person) -> dict[str, Any]:
        """Return the claims of user-info."""
        return {
            "name": person.nickname,
            "nickname": person.key,
            "preferred_username": person.key,
            "picture": person.face,
        }
