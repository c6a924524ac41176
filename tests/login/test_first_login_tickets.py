"""The ticket of a login that waits for a choice fits a browser's cookie, whatever the vendor said."""

from dataclasses import replace
from random import Random
from types import SimpleNamespace
from typing import Any

from connect_core.identity import ClientType, Identity, PersonId, Profile
from connect_core.login import first_login
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


def test_a_waiting_login_keeps_nothing_of_the_vendors_but_the_person() -> None:
    """Neither its access token nor the key of a mini program's session is in the ticket."""
    configured = SimpleNamespace(name="acme", client_type=ClientType.MINI)
    visit = SimpleNamespace(device_id="mini")
    arrival: Any = SimpleNamespace(configured=configured, delivery=Delivery.JSON, return_to="", visit=visit)
    identity = Identity("ACME", (PersonId.open_id("o", "app"),), "app", grant="t0ken", session_key="k3y")
    tickets = FirstLoginTickets(KEYS, lambda: 0)
    kept = tickets.open(tickets.seal(first_login.make_pending(arrival, identity, 0, 0))).identity
    assert (kept.ids, kept.grant, kept.session_key) == (identity.ids, "", "")
