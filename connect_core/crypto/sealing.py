"""Sealing: AES-256-GCM with associated data under a ring of keys (NIST SP 800-38D).

A sealed text is `v1.<key id>.<base64url of nonce and ciphertext>`. The first key seals, every key opens. A purpose has
keys of its own, derived from the ring's (HKDF, RFC 5869), so a text sealed for one never opens for another.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class SealError(ValueError):
    """The text was not sealed by this ring for this purpose and these associated data."""


def derive_key(key: bytes, purpose: str, length: int = 32) -> bytes:
    """Derive `length` bytes for one purpose from a key of the ring."""
    return HKDF(SHA256(), length, salt=None, info=f"connect-login {purpose}".encode()).derive(key)


class Sealer:
    """Seals and opens for one purpose."""

    def __init__(self, ring: Sequence[bytes], purpose: str) -> None:
        """`ring`: 32 bytes each, the first seals; `purpose`: a constant such as `flow`."""
        keys = [derive_key(key, purpose) for key in ring]
        self._ring = {hashlib.sha256(key).hexdigest()[:8]: AESGCM(key) for key in keys}
        self._first = next(iter(self._ring))

    def seal(self, plain: bytes, associated: str) -> str:
        """Return `plain` sealed; it opens only with the same `associated` text."""
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._ring[self._first].encrypt(nonce, plain, associated.encode())
        return f"v1.{self._first}.{base64.urlsafe_b64encode(sealed).rstrip(b'=').decode()}"

    def open(self, text: str, associated: str) -> bytes:
        """Return what was sealed. Raises `SealError`, always with the same words."""
        try:
            version, key_id, body = text.split(".")
            sealed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            if version != "v1":
                raise ValueError
            return self._ring[key_id].decrypt(sealed[:_NONCE], sealed[_NONCE:], associated.encode())
        except (ValueError, KeyError, binascii.Error, InvalidTag):
            raise SealError("the sealed text does not open") from None
