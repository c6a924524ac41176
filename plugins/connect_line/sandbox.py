"""LINE's sandbox: ID tokens signed with HS256 and the channel secret on the web, with ES256 for native apps.

https://developers.line.biz/en/docs/line-login/verify-id-token/
"""

from collections.abc import Callable, Sequence
from time import time

from connect_core.sandbox import PEOPLE, DocumentedRequest, OidcGrant, OidcSandbox, Person


class LineSandbox(OidcSandbox):
    """One channel."""

    title = "LINE 沙箱 · LINE sandbox"
    client_id = app_client_id = "1234567890"
    profile_in_token = True
    paths = {
        "authorize": "/oauth2/v2.1/authorize",
        "token": "/oauth2/v2.1/token",
        "jwks": "/oauth2/v2.1/certs",
        "userinfo": "/oauth2/v2.1/userinfo",
    }
    document = {"authorization_response_iss_parameter_supported": False}
    documented = (
        # https://access.line.me/.well-known/openid-configuration
        DocumentedRequest(
            "GET",
            "https://access.line.me/.well-known/openid-configuration",
            answer={
                "issuer": "https://access.line.me",
                "authorization_endpoint": "https://access.line.me/oauth2/v2.1/authorize",
                "token_endpoint": "https://api.line.me/oauth2/v2.1/token",
                "revocation_endpoint": "https://api.line.me/oauth2/v2.1/revoke",
                "userinfo_endpoint": "https://api.line.me/oauth2/v2.1/userinfo",
                "scopes_supported": ["openid", "profile", "email"],
                "jwks_uri": "https://api.line.me/oauth2/v2.1/certs",
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
            },
        ),
        # https://developers.line.biz/en/docs/line-login/integrate-line-login/#making-an-authorization-request
        # PKCE: https://developers.line.biz/en/docs/line-login/integrate-pkce/
        DocumentedRequest(
            "GET",
            "https://access.line.me/oauth2/v2.1/authorize",
            query={
                "response_type": "code",
                "client_id": "{client_id}",
                "redirect_uri": "{redirect_uri}",
                "state": "{state}",
                "scope": "openid profile",
                "nonce": "{nonce}",
                "code_challenge": "{code_challenge}",
                "code_challenge_method": "S256",
            },
            optional=("prompt", "max_age", "ui_locales", "bot_prompt", "initial_amr_display", "switch_amr"),
        ),
        # https://developers.line.biz/en/reference/line-login/#issue-access-token (the answer's ID token has expired)
        DocumentedRequest(
            "POST",
            "https://api.line.me/oauth2/v2.1/token",
            form={
                "grant_type": "authorization_code",
                "code": "{code}",
                "redirect_uri": "{redirect_uri}",
                "client_id": "{client_id}",
                "client_secret": "{client_secret}",
                "code_verifier": "{code_verifier}",
            },
        ),
        # the discovery document (jwks_uri); https://developers.line.biz/en/docs/line-login/verify-id-token/#signature
        DocumentedRequest("GET", "https://api.line.me/oauth2/v2.1/certs", clients=("app",)),
    )

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time) -> None:
        """`people` are offered on the consent page; `now` returns the time in seconds since the epoch."""
        super().__init__(algorithm="HS256", auth_method="client_secret_post", people=people, now=now)

    def algorithm_of(self, grant: OidcGrant) -> str:
        """Return HS256 for a login by redirect, ES256 for one of a native app."""
        return self.algorithm if "redirect_uri" in grant.link else self.key.algorithm
