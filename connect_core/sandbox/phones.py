"""Phone numbers of people at a vendor. A person of whom only the key is known has a made-up one.

Keeps nothing.
"""

import base64
import hashlib
import json
import secrets
from typing import Any

from connect_core.crypto import encrypt_aes_cbc
from connect_core.sandbox.vendor_server import Person


def split_mobile(mobile: str) -> tuple[str, str]:
    """Return the country code and the number of a mobile number: `852-61234567`, or one of mainland China (86)."""
    country_code, _, number = mobile.rpartition("-")
    return country_code or "86", number


def mobile_of(person: Person) -> str:
    """Return the person's mobile number; without one, a made-up number that is the same at every call."""
    digest = hashlib.sha256(f"mobile\0{person.key}".encode()).hexdigest()
    return person.mobile or f"139{int(digest[:12], 16) % 10**8:08}"


def encrypt_phone(answer: dict[str, Any], session_key: str, receiver: str = "") -> dict[str, str]:
    """Return `encryptedData` and `iv` as a mini program's phone button gives them, for the number in `answer`.

    With `receiver`, a client id, the number stands in a frame as `decrypt_aes_frame` opens it.
    """
    content, iv = json.dumps(answer).encode(), secrets.token_bytes(16)
    if receiver:
        content = secrets.token_bytes(16) + len(content).to_bytes(4, "big") + content + receiver.encode()
    data = encrypt_aes_cbc(base64.b64decode(session_key), content, iv)
    return {"encryptedData": base64.b64encode(data).decode(), "iv": base64.b64encode(iv).decode()}
