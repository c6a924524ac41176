"""LINE's sandbox: ID tokens signed with HS256 and the channel secret on the web, with ES256 for native apps.

https://developers.line.biz/en/docs/line-login/verify-id-token/
"""

from collections.abc import Callable, Sequence
from time import time

from connect_core.sandbox import PEOPLE, OidcGrant, OidcSandbox, Person


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

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time) -> None:
        """`people` are offered on the consent page; `now` returns the time in seconds since the epoch."""
        super().__init__(algorithm="HS256", auth_method="client_secret_post", people=people, now=now)

    def algorithm_of(self, grant: OidcGrant) -> str:
        """Return HS256 for a login by redirect, ES256 for one of a native app."""
        return self.algorithm if "redirect_uri" in grant.link else self.key.algorithm
