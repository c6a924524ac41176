"""Passwords: what proves one, what does not, and that nobody learns from the clock whether there is one."""

import time

import pytest

from connect_core.crypto import hash_password, is_password
from connect_core.crypto.passwords import _placeholder_hash


def test_a_password_is_the_one_that_was_hashed() -> None:
    """Byte for byte."""
    stored = hash_password("Ünlock me")
    assert is_password("Ünlock me", stored)
    for other in ("", "unlock me", "Ünlock me ", "U\u0308nlock me", stored):
        assert not is_password(other, stored)


@pytest.mark.parametrize(
    "password", ["", "x", "a password that is nobody's", _placeholder_hash()], ids=["empty", "short", "plain", "hash"]
)
def test_no_password_opens_an_account_without_one(password: str) -> None:
    """Not even the one whose hash stands in for it, which can be read in our source; nor a hash that is none."""
    assert not is_password(password, "")
    assert not is_password(password, "$argon2id$v=19$nonsense")
    assert not is_password(password, password or "x")


def test_an_account_without_a_password_takes_as_long() -> None:
    """Whoever measures learns neither which names there are nor who has a password."""

    def took(stored: str) -> float:
        began = time.process_time()
        assert not is_password("wrong", stored)
        return time.process_time() - began

    stored = hash_password("right")
    took("")  # the stand-in is made at its first use
    nobodys, somebodys = (min(took(one) for _ in range(5)) for one in ("", stored))
    assert 0.5 < nobodys / somebodys < 2
