"""A login under way: sealed for one browser, alive for ten minutes, spent once, and its code with it."""

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from connect_core.crypto import Sealer
from connect_core.crypto.tickets import TICKET_SECONDS
from connect_core.errors import CodeSeen, StateExpired, StateInvalid
from connect_core.identity import ClientType, Identity
from connect_core.login import flow
from connect_core.login.flow import CODE_MEMORY, Flows, get_code_challenge
from connect_core.login.values import LOG_IN, Delivery, Flow, PurposeKind
from connect_core.providers.provider import AuthorizationResponse, Entrance, Provider
from connect_core.providers.registry import ConfiguredProvider
from connect_core.store import Database

from ..conftest import MakeManager
from ..kit.acme import NOW, Acme, AcmeProvider, begin, come_back, rows

RING = (bytes(32), bytes(range(32)))
FLOWS = Flows(RING)


ACME = ConfiguredProvider("acme", ClientType.PC, Entrance.REDIRECT, cast("Provider", None), 0)


def start(now: int = NOW) -> Flow:
    """A flow of a PC login."""
    page = "https://shop.example/connect/acme/pc/callback"
    return flow.begin(ACME, Delivery.SESSION, page, "https://shop.example/商城", LOG_IN, now)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the tables."""
    with closing(Database(database_url)) as database:
        yield database


# minting


def test_states_are_unpredictable_and_fit_every_vendor() -> None:
    """32 base62 characters, never the same, every character in use; nonce and verifier are others."""
    begun = [start() for _ in range(500)]
    assert len({value for login in begun for value in (login.state, login.nonce, login.code_verifier)}) == 1500
    assert all(re.fullmatch("[0-9A-Za-z]{32}", value) for login in begun for value in (login.state, login.nonce))
    assert len(set("".join(login.state for login in begun))) == 62


def test_pkce_challenge_is_s256_of_a_verifier_of_the_right_form() -> None:
    """RFC 7636 §4.1: 43 to 128 unreserved characters; §4.2: base64url of SHA-256 without padding."""
    begun = start()
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", begun.code_verifier)
    digest = hashlib.sha256(begun.code_verifier.encode()).digest()
    assert base64.urlsafe_b64decode(get_code_challenge(begun) + "=") == digest
    assert "=" not in get_code_challenge(begun)


def test_a_flow_shows_nothing_that_could_be_spent() -> None:
    """State, nonce and verifier stay out of its `repr`."""
    begun = start()
    assert not [value for value in (begun.state, begun.nonce, begun.code_verifier) if value in repr(begun)]


# sealing


def test_a_flow_comes_back_as_it_was_sealed() -> None:
    """Every part survives, text beyond ASCII included."""
    begun = start()
    opened = FLOWS.open(begun.state, FLOWS.seal(begun), NOW + 1)
    assert opened == begun
    assert [type(getattr(opened, field.name)) for field in fields(Flow)] == [
        type(getattr(begun, field.name)) for field in fields(Flow)
    ]


@pytest.mark.parametrize(
    ("family", "merges", "purpose"),
    [("", False, PurposeKind.LOGIN), ("f-1", False, PurposeKind.LINK), ("f-1", True, PurposeKind.PROVE)],
)
def test_a_flow_of_the_release_before_still_opens(family: str, merges: object, purpose: PurposeKind) -> None:
    """A login that is under way while the service is upgraded is finished by the new version."""
    begun = start()
    values = [getattr(begun, field.name) for field in fields(Flow) if field.name != "state"][:-2]
    sealed = Sealer(RING, "flow").seal(json.dumps([*values, family, merges]).encode(), begun.state)
    assert FLOWS.open(begun.state, sealed, NOW) == replace(begun, bound_to=family, purpose=purpose)


def test_what_the_browser_keeps_is_opaque_and_fits_a_cookie() -> None:
    """No part can be read in it, and the longest targets stay below what a browser keeps of a cookie."""
    long = "https://shop.example/" + "a" * 1003
    begun = flow.begin(replace(ACME, name="a" * 32), Delivery.TOKEN_COOKIES, long, long, LOG_IN, NOW)
    sealed = FLOWS.seal(begun)
    assert re.fullmatch(r"[A-Za-z0-9._-]+", sealed)
    assert len(sealed) < 3500
    for part in (begun.state, begun.nonce, begun.code_verifier, "shop.example"):
        assert part not in sealed
        assert base64.urlsafe_b64encode(part.encode()).decode()[:-4] not in sealed


def test_one_browsers_flow_does_not_answer_to_anothers_state() -> None:
    """State and sealed text belong together."""
    mine, theirs = start(), start()
    with pytest.raises(StateInvalid):
        FLOWS.open(theirs.state, FLOWS.seal(mine), NOW)


@pytest.mark.parametrize("sealed", [None, "", "x", "v1.abc.def", "v1..", "..", "é", "v1." + "A" * 9000])
def test_nonsense_is_no_flow(sealed: str | None) -> None:
    """A missing, cut or made-up cookie is `state_invalid`, never an accident."""
    with pytest.raises(StateInvalid):
        FLOWS.open(start().state, sealed, NOW)


@pytest.mark.parametrize("state", ["", "a", "a" * 31, "a" * 33, "\ud800" * 32, "é" * 32, "a" * 100_000])
def test_a_state_of_another_form_is_no_flows(state: str) -> None:
    """Whatever arrives as `state` is compared, not trusted."""
    with pytest.raises(StateInvalid):
        FLOWS.open(state, FLOWS.seal(start()), NOW)


def test_every_altered_character_is_noticed() -> None:
    """A sealed flow opens whole or not at all."""
    begun = start()
    sealed = FLOWS.seal(begun)
    for place in range(0, len(sealed) - 1, 7):
        altered = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        with pytest.raises(StateInvalid):
            FLOWS.open(begun.state, altered, NOW)


def test_a_flow_lives_ten_minutes() -> None:
    """To the second, by the clock of the server that answers."""
    begun = start()
    assert FLOWS.open(begun.state, FLOWS.seal(begun), NOW + TICKET_SECONDS - 1) == begun
    assert TICKET_SECONDS == 600
    for now in (NOW + TICKET_SECONDS, NOW + 10 * TICKET_SECONDS):
        with pytest.raises(StateExpired):
            FLOWS.open(begun.state, FLOWS.seal(begun), now)


def test_workers_on_two_steps_of_a_rotation_finish_each_others_flows() -> None:
    """Added at the end, moved to the front, the old one taken away: whichever two steps run at once, no login fails."""
    old, new = RING
    steps = [Flows(ring) for ring in ([old], [old, new], [new, old], [new])]
    for earlier, later in itertools.pairwise(steps):
        for worker, other in ((earlier, later), (later, earlier)):
            begun = start()
            is_too_late = worker is steps[2] and other is steps[3]  # after the twenty minutes that the steps wait
            assert other.open(begun.state, worker.seal(begun), NOW) == begun or is_too_late


def test_a_rotated_ring_opens_what_its_older_key_sealed() -> None:
    """The first key seals, every key opens, and a key that was taken away opens nothing."""
    old, rotated, foreign = Flows(RING[1:]), Flows(RING), Flows([b"\x01" * 32])
    begun = start()
    sealed = old.seal(begun)
    assert rotated.open(begun.state, sealed, NOW) == begun
    with pytest.raises(StateInvalid):
        old.open(begun.state, rotated.seal(begun), NOW)
    with pytest.raises(StateInvalid):
        foreign.open(begun.state, sealed, NOW)


def test_a_ticket_carries_its_own_state() -> None:
    """A native app keeps one text; altered, cut or expired it opens nothing."""
    begun = start()
    ticket = FLOWS.seal_ticket(begun)
    assert FLOWS.open_ticket(ticket, NOW) == begun
    for nonsense in ("", ".", ticket[1:], ticket[:-1] + "!", ticket.partition(".")[2], begun.state):
        with pytest.raises(StateInvalid):
            FLOWS.open_ticket(nonsense, NOW)
    with pytest.raises(StateExpired):
        FLOWS.open_ticket(ticket, NOW + TICKET_SECONDS)


# spending


async def test_a_flow_is_spent_once_and_remembers_how_it_ended(database: Database) -> None:
    """The first to spend it wins; until it is closed the outcome is empty."""
    begun, other = start(), start()
    spent = [await database.write(lambda tx: flow.spend_ticket(tx, begun)) for _ in range(3)]
    assert spent == [True, False, False]
    assert await database.write(lambda tx: flow.spend_ticket(tx, other))
    assert await database.read(lambda tx: flow.find_end(tx, begun)) == ("", "")
    await database.write(lambda tx: flow.close(tx, begun, flow.DONE, "sealed"))
    ends = [await database.read(partial(flow.find_end, origin=spent_flow)) for spent_flow in (begun, other, start())]
    assert ends == [(flow.DONE, "sealed"), ("", ""), ("", "")]


async def test_a_flow_is_spent_with_its_codes_or_not_at_all(database: Database) -> None:
    """The second time it was spent already; with a code of another flow it is not, and its own code stays good."""
    mine, theirs = start(), start()

    async def spend(begun: Flow, *codes: str) -> bool:
        return await database.write(lambda tx: FLOWS.spend(tx, begun, codes, NOW))

    assert await spend(mine, "c-1", "c-1", "c-2")
    assert not await spend(mine, "c-1")
    assert not await spend(mine, "c-3")
    for codes in (("c-1",), ("c-4", "c-2")):
        with pytest.raises(CodeSeen):
            await spend(theirs, *codes)
    assert await spend(theirs, "c-4")
    assert await spend(start())


async def test_a_code_that_its_own_flow_presented_before_is_spent(database: Database) -> None:
    """As when the first attempt was refused for something else."""
    begun = start()
    await database.write(lambda tx: FLOWS.remember_code(tx, "acme", "c-1", begun.state, NOW))
    assert await database.write(lambda tx: FLOWS.spend(tx, begun, ["c-1"], NOW))


async def test_a_code_is_of_use_to_the_first_that_presents_it(database: Database) -> None:
    """Its own flow may present it again; another flow, a client or a second client may not."""

    async def present(code: str, state: str, provider: str = "acme") -> None:
        await database.write(lambda tx: FLOWS.remember_code(tx, provider, code, state, NOW))

    mine, theirs = start().state, start().state
    await present("c-1", mine)
    await present("c-1", mine)
    for state in (theirs, ""):
        with pytest.raises(CodeSeen):
            await present("c-1", state)
    await present("c-2", "")
    for state in ("", mine):
        with pytest.raises(CodeSeen):
            await present("c-2", state)
    await present("C-2", "")
    await present("c-2", "", provider="other")


async def test_states_and_codes_are_kept_as_hashes(tmp_path: Path, database: Database) -> None:
    """Neither can be read in the database, and a code's hash is keyed, so that it cannot be guessed either."""
    begun = start()
    await database.write(lambda tx: flow.spend_ticket(tx, begun))
    await database.write(lambda tx: FLOWS.remember_code(tx, "acme", "c4n4ry-code", begun.state, NOW))
    kept = rows(tmp_path, "SELECT * FROM es_connect_used_flow ORDER BY expiry_time")
    assert [row["expiry_time"] for row in kept] == [NOW + TICKET_SECONDS, NOW + CODE_MEMORY]
    assert all(re.fullmatch("[0-9a-f]{64}", row["hash"]) for row in kept)
    assert hashlib.sha256(b"c4n4ry-code").hexdigest() not in {row["hash"] for row in kept}
    content = content_of(tmp_path)
    assert begun.state.encode() not in content
    assert b"c4n4ry-code" not in content


def content_of(folder: Path) -> bytes:
    """Everything that stands in the files of `folder`."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


class Telling(AcmeProvider):
    """A plugin that notes with which registration it asks."""

    acme = Acme()

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Note it."""
        self.acme.requests.append(f"as {self.settings.app_id}")
        return await super().login_callback(response)


@pytest.mark.usefixtures("database_url")
async def test_a_registration_replaced_meanwhile_is_used_as_a_whole(make_manager: MakeManager, tmp_path: Path) -> None:
    """A flow begun before is finished with the new one, or the vendor refuses it: never with some of both."""
    before = make_manager(provider=Telling, providers={"acme": {"app_id": "old"}})
    after = make_manager(provider=Telling, providers={"acme": {"app_id": "new"}})
    await come_back(after, await begin(before))
    assert Telling.acme.requests == ["as new", "login lihua", "profile lihua"]
    [row] = rows(tmp_path, "SELECT scope FROM es_connect_alias WHERE kind = 'open_id'")
    assert row == {"scope": "new"}
