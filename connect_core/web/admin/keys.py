"""The screen *keys*: which of `secret_keys` this process has, how much is sealed with each, and how to replace one.

Shows fingerprints; no key, and nothing from which one follows.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators import secrets_at_rest
from connect_core.administrators.roles import Role
from connect_core.crypto import Sealer
from connect_core.crypto.sealing import derive_key
from connect_core.members import vendor_sessions
from connect_core.runtime_settings import stored_settings
from connect_core.store import Transaction, sealed_values
from connect_core.store.sealed_values import SealedColumn
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.messages.keys import TEXTS
from connect_core.web.admin.screens import AdminRoute, Screen

PATH = "/keys"
SEALED: Mapping[str, tuple[SealedColumn, str]] = {
    "sealed_settings": (sealed_values.SETTING_VALUES, stored_settings.PURPOSE),
    "sealed_hints": (sealed_values.LOGOUT_HINTS, vendor_sessions.PURPOSE),
    "sealed_totp": (sealed_values.TOTP_SECRETS, secrets_at_rest.PURPOSE),
}
"""What is sealed in the database: the column and its purpose, by the key of its name's text."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """A secret key: its place in `secret_keys` from 1 on, its fingerprint, and the id of its access tokens.

    `sealed` has how many values are sealed with it, in the order of `SEALED`.
    """

    place: int
    fingerprint: str
    token_key_id: str
    sealed: tuple[int, ...]


def make_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the route of this screen."""

    async def page(request: Request) -> Response:
        secret_keys = admin.manager.settings.service.keys
        jwks = admin.manager.sessions.access_tokens.jwks()["keys"]
        counts = await admin.manager.database.read(lambda tx: count_sealed(tx, secret_keys))
        keys = [
            KeyView(place, get_fingerprint(key), jwk["kid"], sealed)
            for place, (key, jwk, sealed) in enumerate(zip(secret_keys, jwks, counts[:-1], strict=True), 1)
        ]
        return admin.page(request, "keys.html", keys=keys, names=list(SEALED), others=counts[-1])

    return [AdminRoute("GET", PATH, Role.VIEWER, page)]


SCREEN = Screen("keys", PATH, Role.VIEWER, TEXTS, make_routes)


def count_sealed(tx: Transaction, secret_keys: Sequence[bytes]) -> list[tuple[int, ...]]:
    """Return how many values of each of `SEALED` each key has sealed, and last how many none of them has."""
    by_key = [
        tuple(sealed_values.count(tx, column, Sealer([key], purpose).prefix) for column, purpose in SEALED.values())
        for key in secret_keys
    ]
    totals = [sealed_values.count(tx, column) for column, _ in SEALED.values()]
    known = [sum(counts) for counts in zip(*by_key, strict=True)]
    return [*by_key, tuple(total - count for total, count in zip(totals, known, strict=True))]


def get_fingerprint(key: bytes) -> str:
    """Return 16 hex digits by which two machines compare a secret key."""
    return hashlib.sha256(derive_key(key, "fingerprint")).hexdigest()[:16]
