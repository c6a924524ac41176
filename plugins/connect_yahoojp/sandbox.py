"""Yahoo! JAPAN's sandbox: RS256, an ID token without a profile, ids of 50 characters.

https://developer.yahoo.co.jp/yconnect/v2/authorization_code/
"""

import hashlib
from collections.abc import Collection, Sequence
from typing import Any

from starlette.routing import BaseRoute, Route

from connect_core.sandbox import DocumentedRequest, OidcSandbox, Person, of_login

ISSUER = "https://auth.login.yahoo.co.jp/yconnect/v2"


class YahooJpSandbox(OidcSandbox):
    """One application, with the right to user-info."""

    title = "Yahoo! JAPAN 沙箱 · Yahoo! JAPAN sandbox"
    paths = {
        "authorize": "/yconnect/v2/authorization",
        "token": "/yconnect/v2/token",
        "jwks": "/yconnect/v2/jwks",
        "userinfo": "/yconnect/v2/attribute",
    }
    document = {"authorization_response_iss_parameter_supported": False}
    documented = (
        # https://developer.yahoo.co.jp/yconnect/v2/authorization_code/configuration.html
        DocumentedRequest(
            "GET",
            f"{ISSUER}/.well-known/openid-configuration",
            answer={
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/authorization",
                "token_endpoint": f"{ISSUER}/token",
                "userinfo_endpoint": "https://userinfo.yahooapis.jp/yconnect/v2/attribute",
                "jwks_uri": f"{ISSUER}/jwks",
                "response_types_supported": [
                    *("code", "token", "id_token", "code token", "code id_token", "token id_token"),
                    "code token id_token",
                ],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "profile", "address"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "claims_supported": [
                    *("sub", "name", "given_name", "family_name", "email", "email_verified", "gender", "birthdate"),
                    *("zoneinfo", "locale", "address", "iss", "aud", "exp", "iat", "nickname", "picture"),
                ],
                "display_values_supported": ["page", "popup", "touch"],
            },
        ),
        # https://developer.yahoo.co.jp/yconnect/v2/authorization_code/authorization.html
        DocumentedRequest(
            "GET",
            f"{ISSUER}/authorization",
            query=of_login(
                "response_type client_id redirect_uri state nonce code_challenge code_challenge_method",
                bail="1",
                scope="openid",
            ),
            optional=("display", "prompt", "max_age"),
        ),
        # https://developer.yahoo.co.jp/yconnect/v2/authorization_code/token.html (the answer's ID token has expired)
        DocumentedRequest(
            "POST",
            f"{ISSUER}/token",
            form=of_login("grant_type code redirect_uri code_verifier"),
            headers={"Authorization": "Basic {basic_credentials}"},
        ),
        # https://developer.yahoo.co.jp/yconnect/v2/authorization_code/jwks.html
        DocumentedRequest("GET", f"{ISSUER}/jwks"),
    )

    def routes(self) -> Sequence[BaseRoute]:
        """Return the discovery document below the vendor's issuer too, and the endpoints that it names."""
        path = "/yconnect/v2/.well-known/openid-configuration"
        return [Route(path, self._call("discovery", lambda _, __: self.discovery_answer())), *super().routes()]

    def subject(self, person: str) -> str:
        """Return a PPID: 50 characters out of `[0-9a-zA-Z_-]`."""
        return hashlib.sha256(f"ppid\0{person}".encode()).hexdigest()[:50]

    def profile_claims(self, person: Person) -> dict[str, Any]:
        """Return what the scope `profile` gives; a person who stated no sex has none."""
        sex = {} if person.sex is None else {"gender": ("female", "male")[person.sex]}
        return {"name": person.nickname, "nickname": person.nickname, "picture": person.face, **sex}

    def get_untrusted(self) -> Collection[str]:
        """Return the faults of an ID token: with the plugin's scope user-info is not called."""
        return tuple(fault for fault in super().get_untrusted() if fault != "swapped_id")
