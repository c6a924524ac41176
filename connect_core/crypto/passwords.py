"""Passwords, hashed with Argon2id (RFC 9106) and the library's parameters.

A hash contains its parameters, so hashes with older ones stay valid.
"""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()


@cache
def _placeholder_hash() -> str:
    return _HASHER.hash("a password that is nobody's")


def hash_password(password: str) -> str:
    """Return the hash of a password, to be stored. Takes some 50 ms and 64 MiB: never call it on the event loop."""
    return _HASHER.hash(password)


def is_password(password: str, stored: str) -> bool:
    """Tell whether `password` has the hash `stored`. Takes some 50 ms: never call it on the event loop.

    An empty `stored` (no such member, or one without a password) matches no password and takes as long, so that the
    time does not show which members exist.
    """
    try:
        _HASHER.verify(stored or _placeholder_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(stored)
