"""Alipay's content encryption: AES-CBC with a zero vector. It proves nothing by itself; verify first, decrypt second.

https://opendocs.alipay.com/common/02mse3
"""

import base64

from connect_core.plugin import decrypt_aes_cbc, encrypt_aes_cbc

KEY_SIZES = (16, 24, 32)
ZERO_VECTOR = bytes(16)


def load_content_key(text: str) -> bytes:
    """Return the key that the console shows as base64. Raises `ValueError`."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) not in KEY_SIZES:
        raise ValueError("give the base64 text that the console shows as the AES key")
    return key


def encrypt_content(key: bytes, content: bytes) -> str:
    """Return `content` encrypted, as base64."""
    return base64.b64encode(encrypt_aes_cbc(key, content, ZERO_VECTOR)).decode()


def decrypt_content(key: bytes, text: str) -> bytes:
    """Return what `text`, a cipher text as base64, holds. Raises `ValueError`."""
    return decrypt_aes_cbc(key, base64.b64decode(text, validate=True), ZERO_VECTOR)
