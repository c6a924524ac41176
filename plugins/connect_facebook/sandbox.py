"""Facebook's sandbox: ids of the app, errors with numbers inside `error`, calls with a proof of the secret.

https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from connect_core.plugin import ClientType, NoticeKind, NoticeRequest, PersonId, Profile, encode_form
from connect_core.sandbox import DocumentedRequest, OAuth2Sandbox, Person, Refused, of_login
from connect_facebook import FacebookProvider

APP_ID = "1234567890123456"


def app_scoped_id(person: str) -> str:
    """Return the id that the app knows the person with the key `person` by: digits, as text."""
    return str(10**16 + int(hashlib.sha256(f"facebook\0{person}".encode()).hexdigest(), 16) % 10**16)


class FacebookSandbox(OAuth2Sandbox):
    """One app, which requires the proof of its secret."""

    title = "Facebook 沙箱 · Facebook sandbox"
    provider = FacebookProvider
    client_id = APP_ID
    refusals = {"invalid_grant": "36009", "invalid_client": "101", "invalid_token": "190", "invalid_request": "100"}
    error_statuses = (400, 400)
    documented = (
        # https://developers.facebook.com/documentation/facebook-login/guides/advanced/manual-flow
        DocumentedRequest(
            "GET",
            "https://www.facebook.com/v26.0/dialog/oauth",
            query=of_login("response_type client_id redirect_uri state", scope="public_profile"),
            optional=("response_type", "scope", "auth_type"),
        ),
        # the same page, "Exchanging Code for an Access Token"
        DocumentedRequest(
            "GET",
            "https://graph.facebook.com/v26.0/oauth/access_token",
            query=of_login("client_id client_secret code redirect_uri"),
            answer={"access_token": "EAAG0123456789", "token_type": "bearer", "expires_in": 5183944},
        ),
        # https://developers.facebook.com/docs/graph-api/reference/user (fields)
        # https://developers.facebook.com/docs/graph-api/guides/secure-requests (appsecret_proof)
        DocumentedRequest(
            "GET",
            "https://graph.facebook.com/v26.0/me",
            query={
                "fields": "id,name,picture",
                "access_token": "{access_token}",
                "appsecret_proof": "{*}",
            },
            answer={
                "id": "10158912345678901",
                "name": "Jane Smith",
                "picture": {
                    "data": {
                        "height": 50,
                        "is_silhouette": False,
                        "url": "https://platform-lookaside.fbsbx.com/platform/profilepic/?asid=1",
                        "width": 50,
                    }
                },
            },
        ),
    )
    documented_ids = (PersonId.open_id("10158912345678901", "{client_id}"),)
    documented_profile = Profile(
        nickname="Jane Smith", face="https://platform-lookaside.fbsbx.com/platform/profilepic/?asid=1"
    )

    def open_id(self, person: str) -> str:
        """Return the id of the person with the key `person` for this app."""
        return app_scoped_id(person)

    def token_answer(self, grant: Any, token: str) -> dict[str, Any]:
        """Return the token answer; the token lives for about sixty days."""
        return {"access_token": token, "token_type": "bearer", "expires_in": 5183944}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the fields `id`, `name` and `picture`; a person without a picture gets Facebook's silhouette."""
        url = person.face or "https://static.example/silhouette.jpg"
        picture = {"height": 50, "is_silhouette": not person.face, "url": url, "width": 50}
        return {"id": self.open_id(person.key), "name": person.nickname, "picture": {"data": picture}}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error; 36007 and above are subcodes of the code 100."""
        numbers = {"code": 100, "error_subcode": int(code)} if code.startswith("360") else {"code": int(code)}
        error = {"message": "made up by the sandbox", "type": "OAuthException", **numbers, "fbtrace_id": "EJplcsCHuLu"}
        return {"error": error}

    def make_notice(self, client_type: ClientType, person: str, kind: NoticeKind) -> NoticeRequest | None:
        """Return the callback of a person who removed the app, or asked for the deletion; Facebook has no other.

        https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback/
        """
        return self.make_callback(person) if kind is NoticeKind.CONSENT_WITHDRAWN else None

    def make_callback(self, person: str, secret: str = "", **members: Any) -> NoticeRequest:
        """Return the callback about the person with the key `person`.

        `members` replace those of a right payload, and `secret` the app's.
        """
        right = {"user_id": self.open_id(person), "algorithm": "HMAC-SHA256", "issued_at": int(self.now())}
        payload = base64.urlsafe_b64encode(json.dumps({**right, **members}).encode()).rstrip(b"=")
        digest = hmac.digest((secret or self.client_secret).encode(), payload, "sha256")
        signature = base64.urlsafe_b64encode(digest).rstrip(b"=")
        form = encode_form({"signed_request": f"{signature.decode()}.{payload.decode()}"})
        return NoticeRequest("POST", {}, {"content-type": "application/x-www-form-urlencoded"}, form)

    def check_userinfo(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> None:
        """Check the proof of the secret."""
        token, proof = (parameters.get(name, "") for name in ("access_token", "appsecret_proof"))
        if proof != hmac.digest(self.client_secret.encode(), token.encode(), "sha256").hex():
            raise Refused("invalid_request", "appsecret_proof is missing or wrong")
