"""The tickets of logins that wait for a choice: somebody whom a vendor vouches for says whether they are new here.

A ticket is good for ten minutes, and once: the primary key on its key's hash lets the choice be made once. Never
touches a cookie and never writes.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace

from connect_core.crypto.tickets import TICKET_SECONDS, TicketCodec
from connect_core.identity import Identity, Profile, VendorSession
from connect_core.login.values import Arrival, PendingLogin

COOKIE_ROOM = 4000
"""Characters of a ticket: browsers keep a cookie of 4096 bytes, its name included, and drop a longer one."""
_WHAT = "the login that waits for a choice"


def make_pending(arrival: Arrival, identity: Identity, times_ended: int, now: int) -> PendingLogin:
    """Return the login that waits until the person has chosen, at most ten minutes from `now` (epoch seconds)."""
    configured = arrival.configured
    return PendingLogin(
        provider=configured.name,
        client_type=configured.client_type,
        delivery=arrival.delivery,
        return_to=arrival.return_to,
        device_id=arrival.visit.device_id,
        # the vendor's tokens are not kept: the profile is never asked for again, and a cookie holds no ID token
        identity=replace(
            identity,
            grant="",
            session_key="",
            profile=identity.profile or Profile(),
            vendor_session=_without_hint(identity),
        ),
        times_ended=times_ended,
        key=secrets.token_hex(16),
        expiry_time=now + TICKET_SECONDS,
    )


def _without_hint(identity: Identity) -> VendorSession | None:
    return replace(identity.vendor_session, hint="") if identity.vendor_session else None


class FirstLoginTickets:
    """Seals and opens waiting logins."""

    def __init__(self, keys: Sequence[bytes], now: Callable[[], int]) -> None:
        """`keys`: 32 bytes each, the first seals, all open. `now` answers seconds since the epoch."""
        self._tickets = TicketCodec(keys, PendingLogin, purpose="pending")
        self._now = now

    def seal(self, pending: PendingLogin) -> str:
        """Return the ticket; without the picture where that makes it longer than a cookie may be."""
        ticket = self._tickets.seal(pending)
        profile = pending.identity.profile
        if len(ticket) <= COOKIE_ROOM or profile is None:
            return ticket
        return self._tickets.seal(
            replace(pending, identity=replace(pending.identity, profile=replace(profile, face="")))
        )

    def open(self, ticket: str) -> PendingLogin:
        """Return the waiting login of a ticket. Raises `StateInvalid` and `StateExpired`."""
        return self._tickets.open(ticket, self._now(), what=_WHAT)

    def open_expired(self, ticket: str) -> PendingLogin:
        """Return the same, however old the ticket is. Raises `StateInvalid`."""
        return self._tickets.open_expired(ticket, what=_WHAT)
