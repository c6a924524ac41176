"""RSA2, Alipay's signature: which text is signed, and how a signature is written. Knows no key and no wire.

https://opendocs.alipay.com/common/02kf5q
"""

import base64
import binascii
from collections.abc import Mapping

from connect_core.plugin import RsaPrivateKey, RsaPublicKey


def get_signed_text(parameters: Mapping[str, str]) -> str:
    """Return the text that is signed: raw `name=value` pairs in the order of their names, empty ones left out."""
    return "&".join(f"{name}={value}" for name, value in sorted(parameters.items()) if value)


def sign(key: RsaPrivateKey, data: bytes) -> str:
    """Return the signature over `data` as base64 on one line."""
    return base64.b64encode(key.sign(data)).decode()


def is_signed_by(key: RsaPublicKey, signature: str, data: bytes) -> bool:
    """Tell whether `signature` is over `data`. Of the spellings that base64 allows, only the canonical one counts."""
    try:
        content = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return base64.b64encode(content).decode() == signature and key.verify(content, data)
