"""AES in CBC mode with PKCS#7 padding (NIST SP 800-38A, RFC 5652 section 6.3), for vendors whose protocol uses it.

CBC does not protect a text from being altered: verify a signature over the cipher text before you decrypt it.
"""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

BLOCK_BITS = 128


def encrypt_aes_cbc(key: bytes, data: bytes, iv: bytes) -> bytes:
    """Return `data` padded and encrypted; `key` has 16, 24 or 32 bytes, `iv` 16. Raises `ValueError`."""
    try:
        encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    except ValueError:
        raise ValueError("the key or the initialisation vector does not fit AES") from None
    padder = PKCS7(BLOCK_BITS).padder()
    return encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()


def decrypt_aes_cbc(key: bytes, data: bytes, iv: bytes) -> bytes:
    """Return `data` decrypted, without its padding.

    Raises `ValueError`, with the same words whether key, vector, length or padding was wrong.
    """
    try:
        decryptor = Cipher(AES(key), CBC(iv)).decryptor()
        unpadder = PKCS7(BLOCK_BITS).unpadder()
        return unpadder.update(decryptor.update(data) + decryptor.finalize()) + unpadder.finalize()
    except ValueError:
        raise ValueError("the text does not decrypt") from None
