"""Sealing: a text opens for its purpose, its associated data and its ring, or not at all."""

import base64

import pytest

from connect_core.crypto import Sealer, SealError
from connect_core.crypto.sealing import derive_key

FIRST, SECOND = bytes(32), bytes(range(32))
SEALER = Sealer([FIRST], "flow")


def test_what_was_sealed_opens() -> None:
    """Bytes come back as they were, the empty ones too."""
    for plain in (b"", b"state", "返回".encode(), bytes(range(256))):
        assert SEALER.open(SEALER.seal(plain, "name"), "name") == plain


def test_sealing_twice_gives_two_texts() -> None:
    """The nonce is fresh each time, and nothing of the plain text shows."""
    one, two = SEALER.seal(b"plain text", "a"), SEALER.seal(b"plain text", "a")
    assert one != two
    assert "plain" not in one
    assert b"plain" not in base64.urlsafe_b64decode(one.split(".")[2] + "==")


def test_a_sealed_text_fits_a_cookie() -> None:
    """Version, key id and base64url: no character that a cookie or URL would quote."""
    version, key_id, body = SEALER.seal(b"\xff" * 40, "a").split(".")
    assert (version, len(key_id)) == ("v1", 8)
    assert body.replace("-", "").replace("_", "").isalnum()


def test_another_purpose_does_not_open() -> None:
    """The keys of two purposes have nothing in common, though the ring is one."""
    with pytest.raises(SealError):
        Sealer([FIRST], "setting").open(SEALER.seal(b"x", "a"), "a")


def test_other_associated_data_do_not_open() -> None:
    """A text sealed for one flow is worthless in another."""
    with pytest.raises(SealError):
        SEALER.open(SEALER.seal(b"x", "flow-1"), "flow-2")


def test_rotation_opens_old_texts_and_seals_with_the_new_key() -> None:
    """The first key of the ring seals, every key opens; a key that left the ring opens nothing."""
    old = SEALER.seal(b"x", "a")
    both = Sealer([SECOND, FIRST], "flow")
    assert both.open(old, "a") == b"x"
    new = both.seal(b"y", "a")
    assert Sealer([SECOND], "flow").open(new, "a") == b"y"
    with pytest.raises(SealError):
        SEALER.open(new, "a")
    with pytest.raises(SealError):
        Sealer([SECOND], "flow").open(old, "a")


def damaged_texts() -> list[str]:
    """A sealed text after somebody's fingers."""
    version, key_id, body = SEALER.seal(b"some plain text", "a").split(".")
    flipped = ("B" if body[20] == "A" else "A").join((body[:20], body[21:]))
    return [
        "",
        ".",
        "v1..",
        f"{version}.{key_id}",
        f"v2.{key_id}.{body}",
        f"{version}.00000000.{body}",
        f"{version}.{key_id}.{flipped}",
        f"{version}.{key_id}.{body[:-4]}",
        f"{version}.{key_id}.{body}.more",
        f"{version}.{key_id}.é",
        f"{version}.{key_id}.A",
        f"{version}.{key_id}.",
    ]


@pytest.mark.parametrize("text", damaged_texts(), ids=range(len(damaged_texts())))
def test_a_damaged_text_does_not_open(text: str) -> None:
    """Whatever was altered, the error is the same, has the same words and hangs no cause."""
    with pytest.raises(SealError, match=r"^the sealed text does not open$") as refused:
        SEALER.open(text, "a")
    assert refused.value.__suppress_context__


def test_derived_keys_differ_by_purpose_and_length_holds() -> None:
    """HKDF: the same key and purpose give the same bytes, another purpose gives others."""
    assert derive_key(FIRST, "a") == derive_key(FIRST, "a") != derive_key(FIRST, "b")
    assert derive_key(FIRST, "a") != derive_key(SECOND, "a")
    assert len(derive_key(FIRST, "a", 16)) == 16
