"""`OidcTokens`: the ID tokens and other signed tokens of an `OidcSandbox`, right and spoilt.

Owns the signing key and the claims. Signs with `connect_core.crypto`. Answers no request.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from connect_core.crypto import SecretKey, SigningKey, encode_part
from connect_core.sandbox.faults import Fault
from connect_core.sandbox.jwt import changed
from connect_core.sandbox.oauth2_calls import JsonObject
from connect_core.sandbox.oidc_calls import OidcGrant, logout_claims, without_none
from connect_core.sandbox.vendor_server import PEOPLE, Person, Sandbox

TOKEN_LIFE = 3600
"""Seconds that an ID token or access token is valid."""
OF_ONE_LOGIN = frozenset({"iss", "aud", "azp", "iat", "nbf", "exp", "auth_time", "nonce", "at_hash", "c_hash"})
"""Claims that belong to one login, so that those of a vendor's example fit no other."""


@cache
def get_first_key(algorithm: str) -> SigningKey:
    """Return the key with which every sandbox of this process begins: generating an RSA key takes long."""
    return SigningKey.generate(algorithm, secrets.token_hex(5).upper())  # the form of Apple's key ids


class OidcTokens(Sandbox):
    """The base class of `OidcSandbox` that signs its tokens."""

    client_id: ClassVar[str] = "sandbox-client"
    app_client_id: ClassVar[str] = "sandbox-app"
    client_secret: ClassVar[str] = "sandbox-secret-of-32-characters!"  # noqa: S105 - made up
    algorithm: str = "RS256"
    id_names: ClassVar[Collection[str]] = ("sub",)
    profile_in_token: ClassVar[bool] = False
    ends_sessions: ClassVar[bool] = False
    _RENAMED_METHODS: ClassVar[Mapping[str, str]] = {
        "hand_over": "client_parameters",
        "tell_claims": "id_token_claims",
        "tell_profile": "profile_claims",
        "tell_with_code": "response_parameters",
    }

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time.time) -> None:
        """Arguments as for `Sandbox`."""
        super().__init__(people=people, now=now)
        self.issuer = ""
        self.key = get_first_key("ES256" if self.algorithm == "HS256" else self.algorithm)

    def rotate(self) -> None:
        """Replace the signing key. The key set then has only the new one."""
        self.key = SigningKey.generate(self.key.algorithm, secrets.token_hex(4))

    def subject(self, person: str) -> str:
        """Return the claim `sub` of the person with the key `person`."""
        return hashlib.sha256(f"{type(self).__name__}\0{person}".encode()).hexdigest()[:32]

    def session_of(self, person: str) -> str:
        """Return the claim `sid` of the person with the key `person`, who has one session at this vendor."""
        return hashlib.sha256(f"session\0{self.subject(person)}".encode()).hexdigest()[:24]

    def sign_logout_token(self, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """Return a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4) with `sid` or `sub` among `claims`.

        `header` and `claims` replace what a right one has; None leaves a member out.
        """
        standard = logout_claims(self.issuer, self.client_id, int(self.now()))
        return self.sign_token({"typ": "logout+jwt", **(header or {})}, {**standard, **claims})

    def sign_token(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """Return a signed JWT with these claims. None leaves a member out, also of the standard header."""
        head = without_none({"alg": self.algorithm, "kid": self.key.kid, **header})
        return self._signed(head, json.dumps(without_none(claims)), self.algorithm, "", "")

    def profile_claims(self, person: Person) -> JsonObject:
        """Return the claims of the scope `profile` (OpenID Connect Core §5.4)."""
        return {"name": person.nickname, "picture": person.face}

    def sign_id_token(self, grant: OidcGrant, access_token: str, fault: Fault | None = None) -> str:
        """Return the ID token of `grant`, with `at_hash` of `access_token` unless that is empty, spoilt by `fault`."""
        kind, value = (fault.kind, fault.value) if fault else ("", "")
        if kind == "id_token":
            return value
        if kind == "rotated":
            self.rotate()
        claims = self.id_token_claims(grant, access_token)
        missing = json.dumps(dict.fromkeys(self.id_names))
        faults = {"claims": value, "missing_id": missing, "wrong_nonce": '{"nonce":"another-login"}'}
        claims = changed(claims, faults.get(kind, "{}"))
        if kind == "id":
            claims |= dict.fromkeys(self.id_names, json.loads(value))
        algorithm = self.algorithm_of(grant)
        header = {"alg": algorithm, "typ": "JWT", **({} if algorithm == "HS256" else {"kid": self.key.kid})}
        payload = json.dumps(claims, ensure_ascii=kind == "id")  # a lone surrogate has no other spelling
        if kind == "repeated_name":
            payload = f'{{"sub":"somebody-else",{payload[1:]}'
        return self._signed(changed(header, value if kind == "header" else "{}"), payload, algorithm, kind, value)

    def algorithm_of(self, grant: OidcGrant) -> str:
        """Return the algorithm that signs the ID token of `grant`. HS256 is keyed with the client secret."""
        return self.algorithm

    def id_token_claims(self, grant: OidcGrant, access_token: str) -> JsonObject:
        """Return the claims of the ID token of `grant` (OpenID Connect Core §2)."""
        size = "512" if self.algorithm in ("EdDSA", "Ed25519") else self.algorithm[2:]
        now, digest = int(self.now()), hashlib.new(f"sha{size}", access_token.encode()).digest()
        return {
            "iss": self.issuer,
            "sub": self.subject(grant.person.key),
            "aud": grant.link["client_id"],
            "iat": now,
            "exp": now + TOKEN_LIFE,
            **({"auth_time": now} if "max_age" in grant.link else {}),
            **({"sid": self.session_of(grant.person.key)} if self.ends_sessions else {}),
            **({"nonce": grant.link["nonce"]} if "nonce" in grant.link else {}),
            **({"at_hash": encode_part(digest[: len(digest) // 2])} if access_token else {}),
            **(self.profile_claims(grant.person) if self.profile_in_token else {}),
        }

    def _signed(self, header: JsonObject, payload: str, algorithm: str, kind: str, value: str) -> str:
        key = self.key
        if kind == "unknown_key":
            key = SigningKey.generate(key.algorithm, "nobody-knows")
            header["kid"] = key.kid
        if kind in ("unsigned", "public_key_secret"):
            header["alg"] = "none" if kind == "unsigned" else "HS256"
        data = f"{encode_part(json.dumps(header).encode())}.{encode_part(payload.encode())}"
        is_symmetric, secret = algorithm == "HS256", SecretKey(self.client_secret)
        signature = secret.sign(algorithm, data.encode()) if is_symmetric else key.sign(algorithm, data.encode())
        if kind == "unsigned":
            signature = b""
        if kind == "public_key_secret":
            text = key.public_pem() if value == "pem" else json.dumps(key.public_jwk())
            signature = hmac.digest(text.encode(), data.encode(), "sha256")
        if kind == "wrong_sign":
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        return f"{data}.{encode_part(signature)}"

    def sign_example(self, claims: Mapping[str, Any], grant: OidcGrant, access_token: str) -> str:
        """Return an ID token with the `claims` of the vendor's example; those of one login are those of `grant`."""
        fresh = self.id_token_claims(grant, access_token)
        example = {name: value for name, value in claims.items() if name not in OF_ONE_LOGIN}
        current = {name: value for name, value in fresh.items() if name in OF_ONE_LOGIN}
        algorithm = self.algorithm_of(grant)
        header = {"alg": algorithm, "typ": "JWT", **({} if algorithm == "HS256" else {"kid": self.key.kid})}
        return self._signed(header, json.dumps({**example, **current}), algorithm, "", "")
