"""How the doctor and a running service prove to each other that they have the same secret keys.

The doctor sends a nonce with a code for it (HMAC-SHA-256, RFC 2104) under each of its keys. A service that knows one of
them answers with codes of its own over the same nonce. Neither says anything that is of use to somebody else, and who
has none of the keys learns nothing about the service.
"""

import hmac
from collections.abc import Sequence

from connect_core.crypto import keyed_hash
from connect_core.crypto.sealing import derive_key

PATH = "/.well-known/connect-login"
"""The path below `[service] prefix` at which a service answers."""
MARK_COOKIE = "connect_doctor"
"""The cookie that the doctor sends, to see whether cookies arrive."""
MOST_CODES = 16
"""Codes of one question that a service looks at."""


class Prover:
    """Makes and checks the codes of one key ring."""

    def __init__(self, secret_keys: Sequence[bytes]) -> None:
        """`secret_keys` are those of `[service]`, decoded."""
        self._keys = [derive_key(key, "doctor") for key in secret_keys]

    def make_question(self, nonce: str) -> str:
        """Return the codes that go with the doctor's `nonce`, one for each key, separated by dots."""
        return ".".join(self._make_codes("question", nonce))

    def is_question(self, nonce: str, codes: str) -> bool:
        """Tell whether somebody who has one of our keys asked with `nonce`."""
        ours = self._make_codes("question", nonce)
        pairs = ((mine, code) for mine in ours for code in codes.split(".", MOST_CODES)[:MOST_CODES])
        return any(hmac.compare_digest(mine.encode(), code.encode()) for mine, code in pairs)

    def make_answer(self, nonce: str) -> list[str]:
        """Return the codes with which a service answers to `nonce`, one for each key, in the order of the keys."""
        return self._make_codes("answer", nonce)

    def _make_codes(self, purpose: str, nonce: str) -> list[str]:
        return [keyed_hash(key, purpose, nonce) for key in self._keys]
