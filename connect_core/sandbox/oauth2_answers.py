"""`OAuth2Answers`: what an OAuth 2.0 vendor answers about made-up people, for `OAuth2Sandbox`.

Owns the answers that a subclass overrides, and the ids in them. Checks no request.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import ClassVar

from connect_core.sandbox.oauth2_calls import TOKEN_LIFE, Grant, JsonObject, digest
from connect_core.sandbox.phones import mobile_of, split_mobile
from connect_core.sandbox.vendor_server import Person, Sandbox


class OAuth2Answers(Sandbox):
    """The base class of `OAuth2Sandbox` with the methods named `…_answer` and the ids of people."""

    client_id: ClassVar[str] = "sandbox-client"
    session_key_bytes: ClassVar[int] = 16
    _RENAMED_METHODS: ClassVar[Mapping[str, str]] = {
        "hand_over": "client_parameters",
        "tell_error": "error_answer",
        "tell_ids": "id_answer",
        "tell_person": "userinfo_answer",
        "tell_tokens": "token_answer",
    }

    def token_answer(self, grant: Grant, token: str) -> JsonObject:
        """Return the answer of the token call (RFC 6749 §5.1) with the access token `token`."""
        return {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_LIFE, "scope": grant.scope}

    def id_answer(self, person: Person) -> JsonObject:
        """Return the answer of the call at `id_url`, for vendors that have one."""
        return {"open_id": self.open_id(person.key)}

    def userinfo_answer(self, person: Person) -> JsonObject:
        """Return the answer of the call at `userinfo_url`."""
        return {"id": self.user_id(person.key), "name": person.nickname}

    def code_answer(self, person: Person, token: str) -> JsonObject:
        """Return the answer of the call at `code_url`. Leave the access token `token` out where the vendor gives none.

        It is what a mini program's or app's code is redeemed for.
        """
        return {"open_id": self.open_id(person.key), "access_token": token, "expires_in": TOKEN_LIFE}

    def phone_answer(self, person: Person) -> JsonObject:
        """Return the answer of the call at `phone_url`. `mobile_of` has the number, `split_mobile` its parts.

        For a provider with `quirks.session_key` it is what the phone button encrypts with `session_key`.
        """
        country_code, number = split_mobile(mobile_of(person))
        return {"phone_number": number, "country_code": country_code}

    def app_token_answer(self, token: str) -> JsonObject:
        """Return the answer of the call at `app_token_url` (RFC 6749 §4.4.3) with the app's own token `token`."""
        return {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_LIFE}

    def error_answer(self, code: str) -> JsonObject:
        """Return the answer of any call that fails with the vendor's error `code` (RFC 6749 §5.2)."""
        return {"error": code, "error_description": "made up by the sandbox"}

    def user_id(self, person: str) -> int:
        """Return the vendor-wide id, a number, of the person with the key `person`."""
        return int(digest("user", person)[:10], 16)

    def union_id(self, person: str) -> str:
        """Return the id across one developer's apps of the person with the key `person`."""
        return "u" + digest("developer", person)[:31]

    def open_id(self, person: str) -> str:
        """Return the id for this client alone of the person with the key `person`."""
        return "o" + digest(self.client_id, person)[:31]

    def session_key(self, person: str) -> str:
        """Return the key, in base64, of the mini program's session of the person with the key `person`.

        It is the same at every login and has `session_key_bytes` bytes.
        """
        return b64encode(bytes.fromhex(digest("session", person))[: self.session_key_bytes]).decode()

    def ids_of(self, person: Person) -> dict[str, str]:
        """Return the person's ids by kind: `user_id`, `union_id` and `open_id`."""
        key = person.key
        return {"user_id": str(self.user_id(key)), "union_id": self.union_id(key), "open_id": self.open_id(key)}
