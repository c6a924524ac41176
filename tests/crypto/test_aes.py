"""AES-CBC: the standard's own vectors, and one answer for everything that is wrong."""

import pytest

from connect_core.crypto import decrypt_aes_cbc, encrypt_aes_cbc

KEY = bytes(range(16))
IV = bytes(16)

# NIST SP 800-38A, F.2.1 (AES-128) and F.2.5 (AES-256): the first block
NIST = (
    ("2b7e151628aed2a6abf7158809cf4f3c", "7649abac8119b246cee98e9b12e9197d"),
    ("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "f58c4c04d6e5f1ba779eabfb5f7bfbd6"),
)


@pytest.mark.parametrize(("key", "first_block"), NIST)
def test_the_cipher_is_aes_cbc(key: str, first_block: str) -> None:
    """The first block is the one that NIST prints, and the padding fills a second one."""
    plain = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
    sealed = encrypt_aes_cbc(bytes.fromhex(key), plain, bytes(range(16)))
    assert sealed[:16].hex() == first_block
    assert len(sealed) == 32


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 4096])
def test_what_was_encrypted_decrypts(length: int) -> None:
    """Every length comes back, the empty text too."""
    plain = bytes(n % 251 for n in range(length))
    assert decrypt_aes_cbc(KEY, encrypt_aes_cbc(KEY, plain, IV), IV) == plain


def wrong_inputs() -> dict[str, tuple[bytes, bytes, bytes]]:
    """Key, data and vector that do not decrypt."""
    sealed = encrypt_aes_cbc(KEY, b"mobile", IV)
    return {
        "key": (bytes(16), sealed, IV),
        "key length": (KEY[:15], sealed, IV),
        "no key": (b"", sealed, IV),
        "vector length": (KEY, sealed, IV[:15]),
        "cut off": (KEY, sealed[:-1], IV),
        "empty": (KEY, b"", IV),
        "padding": (KEY, bytes(32), IV),
        "vector": (KEY, sealed, b"\xff" * 16),
    }


@pytest.mark.parametrize(("key", "data", "iv"), wrong_inputs().values(), ids=wrong_inputs().keys())
def test_every_failure_looks_the_same(key: bytes, data: bytes, iv: bytes) -> None:
    """Whoever sees the error learns nothing about key or padding."""
    with pytest.raises(ValueError, match=r"^the text does not decrypt$") as refused:
        decrypt_aes_cbc(key, data, iv)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(("key", "iv"), [(b"short", IV), (KEY, b"short")])
def test_encrypting_refuses_what_is_no_key_or_vector(key: bytes, iv: bytes) -> None:
    """A key of another length than AES has, or a vector that is no block, is a `ValueError` without their bytes."""
    with pytest.raises(ValueError, match="does not fit AES") as refused:
        encrypt_aes_cbc(key, b"text", iv)
    assert "short" not in str(refused.value)
