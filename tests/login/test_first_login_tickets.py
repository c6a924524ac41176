"""The ticket of a login that waits for a choice fits a browser's cookie, whatever the vendor said."""

from dataclasses import replace
from random import Random

from connect_core.identity import ClientType, Identity, PersonId, Profile
from connect_core.login.first_login import COOKIE_ROOM, FirstLoginTickets
from connect_core.login.values import Delivery, PendingLogin

KEYS = [bytes(range(32))]


def make_pending(face: str) -> PendingLogin:
    """Return a waiting login with as much in it as there can be."""
    ids = (PersonId.user_id("u" * 200), PersonId.union_id("n" * 200), PersonId.open_id("o" * 200, "app"))
    identity = Identity("ACME", ids, "app", Profile.of(nickname="\U0001fae8" * 64, face=face, city="杭" * 32))
    return PendingLogin("acme", ClientType.PC, Delivery.SESSION, "/" + "r" * 500, "d" * 64, 0, identity, "k" * 32, 600)


def test_a_long_picture_link_costs_no_login() -> None:
    """Browsers drop a cookie above 4 KiB: a ticket is compressed, and goes without the picture if still too long."""
    tickets = FirstLoginTickets(KEYS, lambda: 0)
    for length, is_kept in ((300, True), (2048, True), (8000, False)):
        face = "https://i.example/" + Random(1).randbytes(length).hex()[: length - 18]  # no two parts are alike
        pending = make_pending(face)
        profile = replace(pending.identity.profile or Profile(), face=face)
        pending = replace(pending, identity=replace(pending.identity, profile=profile))
        ticket = tickets.seal(pending)
        assert len(ticket) <= COOKIE_ROOM
        assert tickets.open(ticket).identity.profile == (profile if is_kept else replace(profile, face=""))
