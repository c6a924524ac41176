"""AES-CBC: the standard's own vectors, and one answer for everything that is wrong."""

from base64 import b64decode

import pytest

from connect_core.crypto import decrypt_aes_cbc, decrypt_aes_frame, encrypt_aes_cbc

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


# https://smartprogram.baidu.com/docs/develop/api/open_log/ (its example in PHP)
BAIDU = (
    "OpCoJgs7RrVgaMNDixIvaCIyV2SFDBNLivgkVqtzq2GC10egsn+PKmQ/+5q+chT8xzldLUog2haTItyIkKyvzvmXonBQLIMeq54axAu9c3KG8Ihp"
    "FD6+ymHocmx07ZKi7eED3t0KyIxJgRNSDkFk5RV1ZP2mSWa7ZgCXXcAbP0RsiUcvhcJfrSwlpsm0E1YJzKpYy429xrEEGvK+gfL+Cw=="
)


def test_a_frame_has_the_message_and_for_whom_it_is() -> None:
    """The example that Baidu prints, with 24 bytes of key."""
    key, data, iv = map(b64decode, ("1df09d0a1677dd72b8325aec59576e0c", BAIDU, "1df09d0a1677dd72b8325Q=="))
    message, app = decrypt_aes_frame(key, data, iv)
    assert message == b'{"openid":"open_id","nickname":"baidu_user","headimgurl":"url of image","sex":1}'
    assert app == b"y2dTfnWfkx2OXttMEMWlGHoB1KzMogm7"


def padded(content: bytes, padding: int) -> bytes:
    """Return `content` with that many bytes of padding, encrypted; AES adds none."""
    sealed = encrypt_aes_cbc(KEY, content + bytes([padding]) * padding, IV)
    return sealed[:-16]


@pytest.mark.parametrize("padding", [1, 16, 17, 32])
def test_a_frame_may_be_padded_to_two_blocks(padding: int) -> None:
    """WeChat pads to 32 bytes, others to 16."""
    length = 64 - padding - 20 - 3
    content = bytes(16) + length.to_bytes(4, "big") + b"m" * length + b"app"
    assert decrypt_aes_frame(KEY, padded(content, padding), IV) == (b"m" * length, b"app")


@pytest.mark.parametrize(
    "data",
    [
        padded(bytes(16) + (2**32 - 1).to_bytes(4, "big") + b"m" * 11, 1),
        padded(bytes(16) + (12).to_bytes(4, "big") + b"m" * 11, 1),
        padded(bytes(31), 33)[:32],
        padded(bytes(31) + b"\x00", 16)[:32],
        padded(bytes(15), 1),
        padded(bytes(31), 1)[:-1],
        b"",
    ],
)
def test_what_is_no_frame_looks_like_what_does_not_decrypt(data: bytes) -> None:
    """A length beyond the end, a padding of 0 or of more than 32 bytes, too little, and what was cut off."""
    with pytest.raises(ValueError, match=r"^the text does not decrypt$"):
        decrypt_aes_frame(KEY, data, IV)
