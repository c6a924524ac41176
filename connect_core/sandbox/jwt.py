"""Reading a JWT that a client signed, and changing the members of a JSON object as a fault says.

Owns no key: the caller names it.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from connect_core.crypto import SigningKey, VerificationKey
from connect_core.sandbox.oauth2_calls import JsonObject, Refused


def changed(answer: Mapping[str, Any], changes: str) -> JsonObject:
    """Return `answer` with the members of `changes`, the text of a JSON object; null removes a member."""
    return {name: value for name, value in {**answer, **json.loads(changes)}.items() if value is not None}


def read_jwt(token: str, key: SigningKey) -> JsonObject:
    """Return the claims of a JWT (RFC 7519) that `key` signed. Raises `Refused` for any other signature."""
    data, _, signature = token.rpartition(".")
    verifier = VerificationKey.find(key.public_jwk())
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    if verifier is None or not verifier.verify(key.algorithm, raw, data.encode()):
        raise Refused("invalid_client")
    body = data.partition(".")[2]
    return dict(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
