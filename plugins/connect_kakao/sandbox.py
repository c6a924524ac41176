"""Kakao's sandbox: RS256, `nickname` and `picture` in the ID token, numbers as `sub`, the secret in the form.

https://developers.kakao.com/docs/latest/en/kakaologin/rest-api
"""

from collections.abc import Callable, Sequence
from time import time
from typing import Any

from connect_core.sandbox import PEOPLE, DocumentedRequest, OidcSandbox, Person, of_login


class KakaoSandbox(OidcSandbox):
    """One app with OpenID Connect switched on."""

    title = "Kakao 沙箱 · Kakao sandbox"
    app_client_id = "sandbox-native-app-key"
    profile_in_token = True
    paths = {
        "authorize": "/oauth/authorize",
        "token": "/oauth/token",
        "jwks": "/.well-known/jwks.json",
        "userinfo": "/v1/oidc/userinfo",
    }
    document = {"authorization_response_iss_parameter_supported": False}
    documented = (
        # https://kauth.kakao.com/.well-known/openid-configuration
        DocumentedRequest(
            "GET",
            "https://kauth.kakao.com/.well-known/openid-configuration",
            answer={
                "issuer": "https://kauth.kakao.com",
                "authorization_endpoint": "https://kauth.kakao.com/oauth/authorize",
                "token_endpoint": "https://kauth.kakao.com/oauth/token",
                "userinfo_endpoint": "https://kapi.kakao.com/v1/oidc/userinfo",
                "jwks_uri": "https://kauth.kakao.com/.well-known/jwks.json",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "request_uri_parameter_supported": False,
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "claims_supported": [
                    *("iss", "aud", "sub", "auth_time", "exp", "iat", "nonce"),
                    *("nickname", "picture", "email"),
                ],
            },
        ),
        # https://developers.kakao.com/docs/latest/en/kakaologin/rest-api#request-code
        # the code challenge is in the discovery document alone
        DocumentedRequest(
            "GET",
            "https://kauth.kakao.com/oauth/authorize",
            query=of_login(
                "response_type client_id redirect_uri state nonce code_challenge code_challenge_method",
                scope="openid profile_nickname profile_image",
            ),
            optional=("prompt", "login_hint", "service_terms"),
        ),
        # https://developers.kakao.com/docs/latest/en/kakaologin/rest-api#request-token (the ID token has expired)
        DocumentedRequest(
            "POST",
            "https://kauth.kakao.com/oauth/token",
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier"),
        ),
        # the discovery document (jwks_uri)
        DocumentedRequest("GET", "https://kauth.kakao.com/.well-known/jwks.json"),
    )

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time) -> None:
        """Arguments as for `Sandbox`."""
        super().__init__(auth_method="client_secret_post", people=people, now=now)

    def subject(self, person: str) -> str:
        """Return the service user ID: a number of ten digits, as a text."""
        return str(10**9 + int(super().subject(person)[:7], 16))

    def profile_claims(self, person: Person) -> dict[str, Any]:
        """Return what the consent items nickname and picture give."""
        return {"nickname": person.nickname, "picture": person.face}
