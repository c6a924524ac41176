"""A person whom a vendor vouches for and whom the shop does not know yet, until they say whether they are new.

Travels sealed, in the browser's cookie or as an app's ticket, for ten minutes; that it is used once is the database's
to say. Never touches a cookie and never writes.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from connect_core.crypto import Sealer, SealError
from connect_core.errors import StateExpired, StateInvalid
from connect_core.identity import ClientType, Identity, IdKind, PersonId, Profile
from connect_core.login.flow import Delivery

LIFE = 600
"""Seconds from the vendor's answer to the choice."""


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """A verified identity, and how its login was meant to end."""

    provider: str
    client_type: ClientType
    delivery: Delivery
    return_to: str
    device_id: str
    identity: Identity = field(repr=False)
    key: str = field(repr=False, default="")
    expiry_time: int = 0


class FirstLoginTickets:
    """Seals and opens them."""

    def __init__(self, ring: Sequence[bytes]) -> None:
        self._sealer = Sealer(ring, "pending")

    def seal(self, pending: PendingLogin, now: int) -> str:
        """Return the ticket, which lives ten minutes from `now` (epoch seconds)."""
        identity = pending.identity
        key = secrets.token_hex(16)
        parts = {
            **{
                name: getattr(pending, name)
                for name in ("provider", "client_type", "delivery", "return_to", "device_id")
            },
            "expiry_time": now + LIFE,
            "union_type": identity.union_type,
            "ids": [(one.kind, one.value, one.scope) for one in identity.ids],
            "app_id": identity.app_id,
            "profile": asdict(identity.profile or Profile()),
        }
        return f"{key}.{self._sealer.seal(json.dumps(parts).encode(), key)}"

    def open(self, ticket: str, now: int) -> PendingLogin:
        """Return whom a ticket is about. Raises `StateInvalid` and `StateExpired`."""
        key, _, sealed = ticket.partition(".")
        try:
            parts = json.loads(self._sealer.open(sealed, key))
        except SealError:
            raise StateInvalid("there is no login that waits for a choice") from None
        if parts["expiry_time"] <= now:
            raise StateExpired("the login waited more than ten minutes for a choice")
        ids = tuple(PersonId(IdKind(kind), value, scope) for kind, value, scope in parts["ids"])
        return PendingLogin(
            provider=parts["provider"],
            client_type=ClientType(parts["client_type"]),
            delivery=Delivery(parts["delivery"]),
            return_to=parts["return_to"],
            device_id=parts["device_id"],
            identity=Identity(parts["union_type"], ids, parts["app_id"], Profile(**parts["profile"])),
            key=key,
            expiry_time=parts["expiry_time"],
        )
