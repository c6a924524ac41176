"""Which passwords members may choose, after NIST SP 800-63B §5.1.1.2: by length and by what is guessed first.

No mixture of letters, digits and signs is asked for. Never hashes, stores or logs a password.
"""

import gzip
from functools import cache
from pathlib import Path

from connect_core.errors import PasswordRefused

PASSWORD_LENGTHS = range(8, 129)
"""Characters of a password: at least 8, at most 128."""
COMMON_PASSWORDS = Path(__file__).with_name("common_passwords.txt.gz")
"""The passwords of at least 8 characters among the 20,000 commonest, lower-case: Django's list, BSD-3-Clause."""


def check_password(password: str, *names: str) -> None:
    """Raise `PasswordRefused` unless a member may choose `password`.

    `names` are the member's own: a password must not be one of them, nor one with digits and signs around it. Upper and
    lower case are the same in this comparison and in that with the commonest passwords.
    """
    if len(password) < PASSWORD_LENGTHS.start:
        raise PasswordRefused("too_short", f"a password has at least {PASSWORD_LENGTHS.start} characters")
    if len(password) >= PASSWORD_LENGTHS.stop:
        raise PasswordRefused("too_long", f"a password has at most {PASSWORD_LENGTHS.stop - 1} characters")
    folded = password.casefold()
    if folded in _load_common():
        raise PasswordRefused("common", "this is one of the passwords that are guessed first")
    own_names = {name.casefold() for name in names if name}
    if folded in own_names or _strip(folded) in {_strip(name) for name in own_names} - {""}:
        raise PasswordRefused("name", "a password is not the member's own name")


@cache
def _load_common() -> frozenset[str]:
    return frozenset(gzip.decompress(COMMON_PASSWORDS.read_bytes()).decode().splitlines())


def _strip(text: str) -> str:
    """Return `text` without what surrounds its letters, such as a year or an exclamation mark."""
    letters = [place for place, character in enumerate(text) if character.isalpha()]
    return text[letters[0] : letters[-1] + 1] if letters else ""
