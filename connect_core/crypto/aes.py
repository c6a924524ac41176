"""AES in CBC mode with PKCS#7 padding (NIST SP 800-38A, RFC 5652 section 6.3), for vendors whose protocol uses it.

CBC does not protect a text from being altered: verify a signature over the cipher text before you decrypt it.
"""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

BLOCK_BITS = 128
FRAME_PADDING = 32
"""The most bytes of padding in a framed text: WeChat pads to twice a block."""


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


def decrypt_aes_frame(key: bytes, data: bytes, iv: bytes) -> tuple[bytes, bytes]:
    """Return the message in `data`, and the app for which it is, in the frame that WeChat and Baidu use.

    That is 16 random bytes, the message's length in 4 bytes, the message and the app's id, padded with up to 32 bytes.

    Raises `ValueError` as `decrypt_aes_cbc`.
    """
    if len(data) < FRAME_PADDING:
        raise ValueError("the text does not decrypt")
    # the decryption takes off up to 16 bytes of padding: a block of its own padding is put at the end
    plain = decrypt_aes_cbc(key, data + encrypt_aes_cbc(key, b"", data[-16:]), iv)
    end, length = 20 + int.from_bytes(plain[16:20], "big"), len(plain) - plain[-1]
    if not 0 < plain[-1] <= FRAME_PADDING or end > length:
        raise ValueError("the text does not decrypt")
    return plain[20:end], plain[end:length]
