"""Sealing: authenticated encryption with AES-256-GCM and associated data (NIST SP 800-38D).

A sealed text is `v1.<key id>.<base64url of nonce and ciphertext>`. The first of the shop's secret keys seals, each of
them opens. Every purpose has keys of its own, derived from the secret keys (HKDF, RFC 5869), so that a text sealed for
one purpose does not open for another.
"""

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_KEY_ID = re.compile("[0-9a-f]{8}")


class SealError(ValueError):
    """The text was not sealed with one of these keys, for this purpose and with these associated data."""


class UnknownKey(SealError):
    """The text names a key that is none of these."""


def derive_key(key: bytes, purpose: str, length: int = 32) -> bytes:
    """Return `length` bytes for one purpose, derived from a secret key; `purpose` is a constant such as `flow`."""
    return HKDF(SHA256(), length, salt=None, info=f"connect-login {purpose}".encode()).derive(key)


class Sealer:
    """Seals and opens texts for one purpose."""

    def __init__(self, secret_keys: Sequence[bytes], purpose: str) -> None:
        """`secret_keys` are 32 bytes each, and the first one seals; `purpose` is a constant such as `flow`."""
        keys = [derive_key(key, purpose) for key in secret_keys]
        self._keys = {hashlib.sha256(key).hexdigest()[:8]: AESGCM(key) for key in keys}
        self._sealing_id = next(iter(self._keys))

    @property
    def prefix(self) -> str:
        """What a text begins with that the first key has sealed."""
        return f"v1.{self._sealing_id}."

    def seal(self, plain: bytes, associated: str) -> str:
        """Return `plain` sealed; it opens only with the same `associated` data, which are not part of the text."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._keys[self._sealing_id].encrypt(nonce, plain, associated.encode())
        return f"{self.prefix}{base64.urlsafe_b64encode(sealed).rstrip(b'=').decode()}"

    def open(self, text: str, associated: str) -> bytes:
        """Return what was sealed. Raises `SealError`, with the same text whatever was wrong; `UnknownKey` is one."""
        failure = SealError
        try:
            version, key_id, body = text.split(".")
            sealed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            if version != "v1":
                raise ValueError
            if key_id not in self._keys and _KEY_ID.fullmatch(key_id):
                failure = UnknownKey
            return self._keys[key_id].decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], associated.encode())
        except (ValueError, KeyError, binascii.Error, InvalidTag):
            raise failure("the sealed text does not open") from None
