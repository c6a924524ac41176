"""Google's sandbox: RS256, the profile in the ID token, native apps' tokens with the web client as audience.

https://developers.google.com/identity/openid-connect/openid-connect
"""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any, ClassVar

from connect_core.plugin import ClientType, NoticeKind, NoticeRequest
from connect_core.sandbox import DocumentedRequest, OidcGrant, OidcSandbox, of_login

KEY_REQUESTS = (
    # https://developers.google.com/identity/openid-connect/openid-connect#discovery
    DocumentedRequest(
        "GET",
        "https://accounts.google.com/.well-known/openid-configuration",
        answer={
            "issuer": "https://accounts.google.com",
            "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
            "device_authorization_endpoint": "https://oauth2.googleapis.com/device/code",
            "token_endpoint": "https://oauth2.googleapis.com/token",
            "userinfo_endpoint": "https://openidconnect.googleapis.com/v1/userinfo",
            "revocation_endpoint": "https://oauth2.googleapis.com/revoke",
            "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
            "response_types_supported": [
                *("code", "token", "id_token", "code token", "code id_token", "token id_token"),
                *("code token id_token", "none"),
            ],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": [
                *("aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name"),
                *("picture", "sub"),
            ],
            "code_challenge_methods_supported": ["plain", "S256"],
        },
    ),
    # https://developers.google.com/identity/openid-connect/openid-connect#validatinganidtoken (jwks_uri)
    DocumentedRequest("GET", "https://www.googleapis.com/oauth2/v3/certs"),
)
EVENTS = {  # https://developers.google.com/identity/protocols/risc#supported_event_types
    NoticeKind.SESSIONS_ENDED: "https://schemas.openid.net/secevent/risc/event-type/account-disabled",
    NoticeKind.CONSENT_WITHDRAWN: "https://schemas.openid.net/secevent/oauth/event-type/tokens-revoked",
    NoticeKind.ACCOUNT_CLOSED: "https://schemas.openid.net/secevent/risc/event-type/account-purged",
}


class GoogleSandbox(OidcSandbox):
    """One OAuth client. A person's `sub` is the same in all sandboxes of this class and of those derived from it."""

    title = "Google 沙箱 · Google sandbox"
    profile_in_token = True
    app_client_id = OidcSandbox.client_id
    paths = {
        "authorize": "/o/oauth2/v2/auth",
        "token": "/token",
        "jwks": "/oauth2/v3/certs",
        "userinfo": "/v1/userinfo",
    }
    document = {"authorization_response_iss_parameter_supported": False}
    documented: ClassVar[Sequence[DocumentedRequest]] = (
        *KEY_REQUESTS,
        # https://developers.google.com/identity/openid-connect/openid-connect#sendauthrequest
        # PKCE: https://developers.google.com/identity/protocols/oauth2/native-app#step1-code-verifier
        DocumentedRequest(
            "GET",
            "https://accounts.google.com/o/oauth2/v2/auth",
            query=of_login(
                "response_type client_id redirect_uri state nonce code_challenge code_challenge_method",
                scope="openid profile",
            ),
            optional=("access_type", "display", "hd", "include_granted_scopes", "login_hint", "prompt"),
        ),
        # https://developers.google.com/identity/openid-connect/openid-connect#exchangecode has the secret in the form.
        # The discovery document permits the header too, which RFC 6749 §2.3.1 prefers. The answer's ID token is a word.
        DocumentedRequest(
            "POST",
            "https://oauth2.googleapis.com/token",
            form=of_login("grant_type code redirect_uri code_verifier"),
            headers={"Authorization": "Basic {basic_credentials}"},
        ),
    )

    def subject(self, person: str) -> str:
        """Return the claim `sub` of the person with the key `person`: 21 digits."""
        return str(10**20 + int(hashlib.sha256(person.encode()).hexdigest(), 16) % 10**20)

    def id_token_claims(self, grant: OidcGrant, access_token: str) -> dict[str, Any]:
        """Return the claims with `azp`; in tokens for native apps the issuer stands without `https://`."""
        claims = super().id_token_claims(grant, access_token)
        issuer = self.issuer if access_token else self.issuer.partition("://")[2]
        return {**claims, "iss": issuer, "azp": grant.link["client_id"]}

    def make_notice(self, client_type: ClientType, person: str, kind: NoticeKind) -> NoticeRequest | None:
        """Return Google's security event token, of an account that was taken over (`hijacking`) for `SESSIONS_ENDED`.

        https://developers.google.com/identity/protocols/risc
        """
        subject = {"subject_type": "iss-sub", "iss": f"{self.issuer}/", "sub": self.subject(person)}
        more = {"reason": "hijacking"} if kind is NoticeKind.SESSIONS_ENDED else {}
        return self.send_event({EVENTS[kind]: {"subject": subject, **more}})

    def send_event(self, events: dict[str, Any], **claims: Any) -> NoticeRequest:
        """Return a token with these events; `claims` replace what a right one has, and None leaves one out."""
        standard = {"iss": f"{self.issuer}/", "aud": self.client_id, "iat": int(self.now())}
        token = self.sign_token(
            {"typ": "secevent+jwt"}, {**standard, "jti": secrets.token_hex(16), "events": events, **claims}
        )
        return NoticeRequest("POST", {}, {"content-type": "application/secevent+jwt"}, token.encode())


class OneTapSandbox(GoogleSandbox):
    """The same OAuth client, for pages with One Tap: they hand in an ID token, so only Google's keys are fetched."""

    documented = KEY_REQUESTS
