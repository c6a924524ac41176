"""Harbor's sandbox: discovery document, keys and signed ID tokens on loopback.

https://docs.harbor.example/login · https://docs.harbor.example/userinfo
"""

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, OidcSandbox, of_login

ISSUER = "https://id.harbor.example"


class HarborSandbox(OidcSandbox):
    """Harbor with one registered client."""

    title = "Harbor sandbox"
    auth_method = "client_secret_post"
    documented = (
        # https://docs.harbor.example/login#discovery
        DocumentedRequest(
            "GET",
            f"{ISSUER}/.well-known/openid-configuration",
            answer={
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/authorize",
                "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/keys",
                "userinfo_endpoint": "https://api.harbor.example/userinfo",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
            },
        ),
        # https://docs.harbor.example/login#authorize
        DocumentedRequest(
            "GET",
            f"{ISSUER}/authorize",
            query=of_login(
                "response_type client_id redirect_uri state nonce code_challenge code_challenge_method",
                scope="openid profile",
            ),
        ),
        # https://docs.harbor.example/login#token; the claims are those of the ID token in the example
        DocumentedRequest(
            "POST",
            f"{ISSUER}/token",
            form=of_login("grant_type client_id client_secret redirect_uri code code_verifier"),
            answer={
                "access_token": "SlAV32hkKG",
                "token_type": "Bearer",
                "expires_in": 3600,
                "id_token": {"iss": ISSUER, "sub": "24400320", "aud": "s6BhdRkqt3", "exp": 1311281970},
            },
        ),
        DocumentedRequest("GET", f"{ISSUER}/keys"),
        # https://docs.harbor.example/userinfo
        DocumentedRequest(
            "GET",
            "https://api.harbor.example/userinfo",
            headers={"Authorization": "Bearer {access_token}"},
            answer={"sub": "24400320", "name": "Jane Doe", "picture": "https://img.harbor.example/jane.jpg"},
        ),
    )
    documented_ids = (PersonId.union_id("24400320", ISSUER),)
    documented_profile = Profile.of(nickname="Jane Doe", face="https://img.harbor.example/jane.jpg")
