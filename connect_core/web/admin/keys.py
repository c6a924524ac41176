"""The screen *keys*: which of `secret_keys` this process has, what each is for, and how to replace one.

Shows fingerprints; no key, and nothing from which one follows.
"""

import hashlib
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role
from connect_core.crypto.sealing import derive_key
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.messages.keys import TEXTS
from connect_core.web.admin.screens import AdminRoute, Screen

PATH = "/keys"


@dataclass(frozen=True, slots=True)
class KeyView:
    """A secret key: its place in `secret_keys` from 1 on, its fingerprint, and the id of its access tokens."""

    place: int
    fingerprint: str
    token_key_id: str


def make_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the route of this screen."""

    async def page(request: Request) -> Response:
        secret_keys = admin.manager.settings.service.keys
        jwks = admin.manager.sessions.access_tokens.jwks()["keys"]
        keys = [
            KeyView(place, get_fingerprint(key), jwk["kid"])
            for place, (key, jwk) in enumerate(zip(secret_keys, jwks, strict=True), 1)
        ]
        return admin.page(request, "keys.html", keys=keys)

    return [AdminRoute("GET", PATH, Role.VIEWER, page)]


SCREEN = Screen("keys", PATH, Role.VIEWER, TEXTS, make_routes)


def get_fingerprint(key: bytes) -> str:
    """Return 16 hex digits by which two machines compare a secret key."""
    return hashlib.sha256(derive_key(key, "fingerprint")).hexdigest()[:16]
