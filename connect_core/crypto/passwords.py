"""Passwords: Argon2id (RFC 9106), with the library's parameters. A hash names its own, so they can change."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()


@cache
def _nobodys() -> str:
    return _HASHER.hash("a password that is nobody's")


def hash_password(password: str) -> str:
    """Return what may be stored of a password. It costs some 50 ms and 64 MiB: never call it on the event loop."""
    return _HASHER.hash(password)


def is_password(password: str, stored: str) -> bool:
    """Tell whether `password` belongs to the hash; an empty one is nobody's, and takes as long."""
    try:
        _HASHER.verify(stored or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(stored)
