"""Digests: fixed for ever, because databases hold them."""

from connect_core.crypto import keyed_hash, md5_hex, token_hash


def test_a_token_hash_is_sha256_in_hex() -> None:
    """FIPS 180-4: the digest of `abc`; a lone surrogate has one too and raises nothing."""
    assert token_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert len(token_hash("\ud800")) == 64


def test_a_keyed_hash_depends_on_key_label_and_value() -> None:
    """Without the key nobody can guess a phone number from it, and two uses never meet."""
    one = keyed_hash(b"key", "mobile", "13800000001")
    assert len(one) == 64
    assert one == keyed_hash(b"key", "mobile", "13800000001")
    others = {
        keyed_hash(b"Key", "mobile", "13800000001"),
        keyed_hash(b"key", "id", "13800000001"),
        keyed_hash(b"key", "mobile", "13800000002"),
        keyed_hash(b"key", "mobile1", "3800000001"),
    }
    assert len(others | {one}) == 5


def test_a_keyed_hash_is_hmac_sha256() -> None:
    """RFC 2104 over label, a zero byte and the value, computed here with openssl."""
    assert keyed_hash(b"key", "label", "value") == "076046f3d73a742abd6408beeafc269bc37ba5934de15fabe432569b5d6c4377"


def test_md5_keeps_its_leading_zeros() -> None:
    """32 digits always: a certificate is named by them (this text's digest begins with a zero)."""
    assert md5_hex("a") == "0cc175b9c0f1b6a831c399e269772661"
    assert md5_hex("支付宝") == "ccd097a7b57abdd91d882ff55cda3209"
