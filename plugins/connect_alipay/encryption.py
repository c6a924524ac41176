"""Alipay's content encryption: AES-CBC with an initialisation vector of zeros.

https://opendocs.alipay.com/common/02mse3

It does not authenticate: whoever decrypts has to verify Alipay's signature first.
"""

import base64

from connect_core.plugin import decrypt_aes_cbc, encrypt_aes_cbc

KEY_SIZES = (16, 24, 32)
ZERO_VECTOR = bytes(16)


def load_content_key(text: str) -> bytes:
    """Return the AES key in `text`, the base64 that the console shows. Raises `ValueError` when it is none."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) not in KEY_SIZES:
        raise ValueError("give the base64 text that the console shows as the AES key")
    return key


def encrypt_content(key: bytes, content: bytes) -> str:
    """Return `content` encrypted with `key`, as base64."""
    return base64.b64encode(encrypt_aes_cbc(key, content, ZERO_VECTOR)).decode()


def decrypt_content(key: bytes, text: str) -> bytes:
    """Return the plain bytes of `text`, a cipher text in base64. Raises `ValueError` when `key` does not decrypt it."""
    return decrypt_aes_cbc(key, base64.b64decode(text, validate=True), ZERO_VECTOR)
