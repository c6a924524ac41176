"""RSA2, Alipay's name for RSA with SHA-256 (PKCS#1 v1.5): the text to sign, signing and verifying.

https://opendocs.alipay.com/common/02kf5q

Holds no keys and makes no call.
"""

import base64
import binascii
from collections.abc import Mapping

from connect_core.plugin import RsaPrivateKey, RsaPublicKey


def get_signed_text(parameters: Mapping[str, str]) -> str:
    """Return the text to sign: `name=value` pairs joined by `&`, sorted by name, not encoded, empty values left out."""
    return "&".join(f"{name}={value}" for name, value in sorted(parameters.items()) if value)


def sign(key: RsaPrivateKey, data: bytes) -> str:
    """Return the signature over `data` as base64 without line breaks."""
    return base64.b64encode(key.sign(data)).decode()


def is_signed_by(key: RsaPublicKey, signature: str, data: bytes) -> bool:
    """Return whether `signature` (base64) is the key's over `data`.

    Only the canonical base64 spelling counts, so that one signature cannot be presented twice as two texts.
    """
    try:
        content = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return base64.b64encode(content).decode() == signature and key.verify(content, data)
