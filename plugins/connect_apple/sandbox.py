"""Apple's sandbox: form_post, the parameter `user` at the first login only, a signed client secret.

https://developer.apple.com/documentation/signinwithapplerestapi
"""

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any

from connect_core.plugin import ClientType, NoticeKind, NoticeRequest
from connect_core.sandbox import DocumentedRequest, OidcGrant, OidcSandbox, Person, Refused, of_login, read_jwt

TEAM_ID = "SANDBOXTEA"
NOTICES = {NoticeKind.CONSENT_WITHDRAWN: "consent-revoked", NoticeKind.ACCOUNT_CLOSED: "account-delete"}
MAX_SECRET_LIFE = 15777000  # seconds: six months, as Apple documents it


class AppleSandbox(OidcSandbox):
    """One developer team with a Services ID and an App ID."""

    title = "Apple 沙箱 · Apple sandbox"
    profile_parameters = ("user",)
    client_id = "example.shop.web"
    app_client_id = "example.shop"
    paths = {"authorize": "/auth/authorize", "token": "/auth/token", "jwks": "/auth/keys"}
    document = {
        "authorization_response_iss_parameter_supported": False,
        "code_challenge_methods_supported": None,
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }
    documented = (
        # https://appleid.apple.com/.well-known/openid-configuration
        DocumentedRequest(
            "GET",
            "https://appleid.apple.com/.well-known/openid-configuration",
            answer={
                "issuer": "https://appleid.apple.com",
                "authorization_endpoint": "https://appleid.apple.com/auth/authorize",
                "token_endpoint": "https://appleid.apple.com/auth/token",
                "revocation_endpoint": "https://appleid.apple.com/auth/revoke",
                "jwks_uri": "https://appleid.apple.com/auth/keys",
                "response_types_supported": ["code"],
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "name"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "claims_supported": [
                    *("aud", "email", "email_verified", "exp", "iat", "is_private_email", "iss", "nonce"),
                    *("nonce_supported", "real_user_status", "sub", "transfer_sub"),
                ],
            },
        ),
        # https://developer.apple.com/documentation/signinwithapplerestapi/request-an-authorization-to-the-sign-in-with-apple-server.
        DocumentedRequest(
            "GET",
            "https://appleid.apple.com/auth/authorize",
            query=of_login(
                "response_type client_id redirect_uri state nonce", scope="openid name", response_mode="form_post"
            ),
        ),
        # https://developer.apple.com/documentation/signinwithapplerestapi/generate-and-validate-tokens
        DocumentedRequest(
            "POST",
            "https://appleid.apple.com/auth/token",
            form=of_login("grant_type client_id code redirect_uri", client_secret="{*}"),
        ),
        # https://developer.apple.com/documentation/signinwithapplerestapi/fetch-apples-public-key-for-verifying-token-signature
        DocumentedRequest("GET", "https://appleid.apple.com/auth/keys"),
    )

    def __init__(self, **options: Any) -> None:
        """Take the arguments of `OidcSandbox`."""
        super().__init__(**options)
        self._named_people: set[str] = set()

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the settings of the Services ID, or for a native app of the App ID."""
        settings = dict(super().settings(base_url, client_type))
        del settings["client_secret"]
        key = self.client_key
        return {**settings, "team_id": TEAM_ID, "key_id": key.kid, "private_key": key.pkcs8_pem()}

    def authenticate(self, form: Mapping[str, str], authorization: str) -> None:
        """Check the client secret: issued by the team for this client, valid for six months at most."""
        secret = form.get("client_secret", "")
        claims = read_jwt(secret, self.client_key)
        head = secret.partition(".")[0]
        if json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))).get("kid") != self.client_key.kid:
            raise Refused("invalid_client", "the client secret names another key")
        life = claims.get("exp", 0) - self.now()
        expected = {"iss": TEAM_ID, "aud": self.issuer, "sub": self.client_id}
        is_valid = 0 < life <= MAX_SECRET_LIFE and expected.items() <= claims.items()
        if not is_valid or form.get("client_id") != self.client_id:
            raise Refused("invalid_client")

    def response_parameters(self, person: Person, link: Mapping[str, str]) -> dict[str, str]:
        """Return the parameter `user` with name and e-mail, at the person's first login only."""
        if link.get("response_mode") != "form_post" or person.key in self._named_people:
            return {}
        self._named_people.add(person.key)
        name = {"firstName": person.nickname, "lastName": ""}
        return {"user": json.dumps({"name": name, "email": f"{person.key}@privaterelay.example"}, ensure_ascii=False)}

    def id_token_claims(self, grant: OidcGrant, access_token: str) -> dict[str, Any]:
        """Return the claims with an e-mail address; Apple may send booleans as texts."""
        relay = {"email": f"{grant.person.key}@privaterelay.example", "email_verified": "true"}
        return {**super().id_token_claims(grant, access_token), **relay, "is_private_email": "true"}

    def make_notice(self, client_type: ClientType, person: str, kind: NoticeKind) -> NoticeRequest | None:
        """Return Apple's notification; None for `SESSIONS_ENDED`, of which Apple tells nothing.

        https://developer.apple.com/documentation/signinwithapple/processing-changes-for-sign-in-with-apple-accounts
        """
        if kind not in NOTICES:
            return None
        event = {"type": NOTICES[kind], "sub": self.subject(person), "event_time": int(self.now() * 1000)}
        claims = self.notice_claims(self._client_of(client_type)) | {"events": json.dumps(event)}
        body = json.dumps({"payload": self.sign_token({}, claims)}).encode()
        return NoticeRequest("POST", {}, {"content-type": "application/json"}, body)

    def notice_claims(self, client_id: str) -> dict[str, Any]:
        """Return the claims of a notification but `events`."""
        return {"iss": self.issuer, "aud": client_id, "iat": int(self.now()), "jti": secrets.token_urlsafe(16)}
