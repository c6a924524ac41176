"""The ticket of a login that waits for a choice fits a browser's cookie, whatever the vendor said."""

from dataclasses import replace

from connect_core.identity import ClientType, Identity, PersonId, Profile
from connect_core.login.first_login import COOKIE_ROOM, FirstLoginTickets
from connect_core.login.values import Delivery, PendingLogin

KEYS = [bytes(range(32))]


def make_pending(face: str) -> PendingLogin:
    """Return a waiting login with as much in it as there can be."""
    ids = (PersonId.user_id("u" * 200), PersonId.union_id("n" * 200), PersonId.open_id("o" * 200, "app"))
    identity = Identity("ACME", ids, "app", Profile.of(nickname="\U0001fae8" * 64, face=face, city="杭" * 32))
    return PendingLogin("acme", ClientType.PC, Delivery.SESSION, "/" + "r" * 500, "d" * 64, identity, "k" * 32, 600)


def test_a_long_picture_link_costs_no_login() -> None:
    """Browsers drop a cookie above 4 KiB: the picture goes first, and a shorter link stays."""
    tickets = FirstLoginTickets(KEYS, lambda: 0)
    for length, is_kept in ((300, True), (2048, False)):
        face = "https://i.example/".ljust(length, "x")
        pending = make_pending(face)
        ticket = tickets.seal(pending)
        assert len(ticket) <= COOKIE_ROOM
        assert pending.identity.profile is not None
        kept = pending.identity.profile if is_kept else replace(pending.identity.profile, face="")
        assert tickets.open(ticket).identity.profile == kept
