"""Sessions: opened, found, rotated and ended; what is kept of a token is its hash."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from connect_core.crypto import token_hash
from connect_core.errors import TokenInvalid
from connect_core.identity import ClientType
from connect_core.sessions import (
    REUSE_GRACE,
    SEEN_STEP,
    LiveSession,
    NewSession,
    OpenSession,
    Sessions,
    TokenKind,
    Tokens,
)
from connect_core.settings import SessionLifetimes as Lifetimes
from connect_core.store import Database, Transaction, schema

from .kit.acme import NOW, rows, url_of
from .kit.databases import named_server
from .kit.falling_ids import let_ids_fall

pytestmark = [
    pytest.mark.usefixtures("database_url"),
    pytest.mark.breaks("session_without_member"),  # there are sessions alone
]

T = TypeVar("T")
RING = (bytes(range(32)),)
ISSUER = "https://shop.example"


class TriedOut(Exception):
    """Rolls a rotation back."""

    def __init__(self, *, is_usable: bool) -> None:
        super().__init__()
        self.is_usable = is_usable


class Desk:
    """Sessions over a file, one transaction a call."""

    def __init__(self, folder: Path, **lifetimes: int) -> None:
        self.folder = folder
        self.sessions = Sessions(RING, ISSUER, Lifetimes(**lifetimes))
        self.database = Database(url_of(folder))
        schema.prepare(self.database)

    async def run(self, work: Callable[[Transaction], T]) -> T:
        """Run one unit of work."""
        return await self.database.write(work)

    async def open(self, member_id: int = 1, now: int = NOW, kind: TokenKind = TokenKind.REFRESH) -> OpenSession:
        """A login on a phone."""
        session = NewSession(member_id, ClientType.APP, "phone-1", kind=kind)
        return await self.run(lambda tx: self.sessions.open(tx, session, now))

    async def rotate(self, opened: OpenSession, now: int) -> OpenSession | None:
        """Present the refresh token."""
        return await self.run(lambda tx: self.sessions.rotate(tx, opened.token, now))

    async def find(self, token: str, now: int) -> tuple[LiveSession | None, bool]:
        """Present a browser's token."""
        return await self.run(lambda tx: self.sessions.find(tx, token, now))

    async def find_by(self, tokens: Tokens, now: int) -> LiveSession | None:
        """Present an access token."""
        return await self.run(lambda tx: self.sessions.find_by_access_token(tx, tokens.access_token, now))

    async def is_usable(self, opened: OpenSession, now: int) -> bool:
        """Tell whether a refresh token still gets a successor; it does not keep it."""

        def try_out(tx: Transaction) -> None:
            raise TriedOut(is_usable=self.sessions.rotate(tx, opened.token, now) is not None)

        try:
            await self.database.write(try_out)
        except TriedOut as tried_out:
            return tried_out.is_usable
        except TokenInvalid:
            return False
        raise AssertionError


@pytest.fixture(params=["ids rise", "ids fall"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """Sessions with the default lifetimes. Each rule holds where a later row has a lower id, too."""
    if request.param == "ids fall" and named_server():
        pytest.skip("ids fall on SQLite")
    desk = Desk(tmp_path)
    if request.param == "ids fall":
        let_ids_fall(tmp_path, "es_member_session")
    yield desk
    desk.database.close()


async def rotated(desk: Desk, opened: OpenSession, now: int) -> OpenSession:
    """The successor, which there must be."""
    successor = await desk.rotate(opened, now)
    assert successor is not None
    return successor


# what is kept


@pytest.mark.usefixtures("sqlite_alone")
async def test_nothing_that_could_be_presented_is_stored(desk: Desk) -> None:
    """No refresh, session or access token stands in the database file or its log, whole or in part."""
    opened = await desk.open()
    tokens = [opened.token, desk.sessions.issue_tokens(opened, NOW).access_token]
    for step in range(3):
        opened = await rotated(desk, opened, NOW + step)
        tokens += [opened.token, desk.sessions.issue_tokens(opened, NOW).access_token]
    await desk.run(lambda tx: desk.sessions.end_all(tx, [opened.token], NOW))
    content = b"".join(path.read_bytes() for path in desk.folder.iterdir())
    assert {path.name for path in desk.folder.iterdir()} >= {"connect.db", "connect.db-wal"}
    assert opened.row.family.encode() in content
    assert [token for token in tokens if token.encode() in content or token[:16].encode() in content] == []
    hashes = {row["token_hash"] for row in rows(desk.folder, "SELECT token_hash FROM es_member_session")}
    assert len(hashes) == 4
    assert all(re.fullmatch("[0-9a-f]{64}", hash_) for hash_ in hashes)
    for hash_ in hashes:
        assert await desk.find(hash_, NOW) == (None, False)


async def test_tokens_are_long_random_and_shown_once(desk: Desk) -> None:
    """256 random bits each, and none in a `repr`."""
    opened = [await desk.open() for _ in range(20)]
    assert len({session.token for session in opened}) == len({session.row.family for session in opened}) == 20
    assert all(re.fullmatch("r_[A-Za-z0-9_-]{43}", session.token) for session in opened)
    tokens = desk.sessions.issue_tokens(opened[0], NOW)
    shown = f"{opened[0]!r}{tokens!r}"
    assert opened[0].token not in shown
    assert tokens.access_token not in shown


async def test_the_token_answer_has_the_forms_of_its_rfc(desk: Desk) -> None:
    """RFC 6749 §5.1, and who it is."""
    answer = desk.sessions.issue_tokens(await desk.open(member_id=7), NOW).answer()
    assert list(answer) == ["access_token", "refresh_token", "token_type", "expires_in", "uid"]
    assert (answer["token_type"], answer["expires_in"], answer["uid"]) == ("Bearer", 1200, 7)


# a browser's session


async def test_a_session_is_found_until_it_idles_or_ends(desk: Desk) -> None:
    """Both limits hold, to the second."""
    opened, lifetimes = await desk.open(kind=TokenKind.SESSION), desk.sessions.lifetimes
    live = LiveSession(1, ClientType.APP, opened.row.family, NOW)
    assert await desk.find(opened.token, NOW) == (live, False)
    assert (await desk.find(opened.token, NOW + lifetimes.idle - 1))[0] == live
    assert (await desk.find(opened.token, NOW + lifetimes.idle))[0] is None
    for used in range(NOW, NOW + lifetimes.absolute, lifetimes.idle - 1):
        await desk.run(lambda tx, used=used: desk.sessions.note_use(tx, opened.token, used))  # type: ignore[misc]
        assert (await desk.find(opened.token, used))[0] == live
    assert (await desk.find(opened.token, NOW + lifetimes.absolute - 1))[0] == live
    assert (await desk.find(opened.token, NOW + lifetimes.absolute))[0] is None


async def test_last_use_is_written_once_a_minute(desk: Desk) -> None:
    """A busy session costs no write a request; a short-lived one is written more often, or it would idle in use."""
    opened = await desk.open(kind=TokenKind.SESSION)
    assert [(await desk.find(opened.token, NOW + after))[1] for after in (0, SEEN_STEP - 1, SEEN_STEP)] == [
        False,
        False,
        True,
    ]
    desk.sessions.lifetimes = Lifetimes(idle=60)
    assert (await desk.find(opened.token, NOW + 15))[1]


@pytest.mark.parametrize("token", ["", "x", "\ud800", "a" * 100_000, "' OR 1=1 --"])
async def test_nonsense_is_nobodys_session(desk: Desk, token: str) -> None:
    """Whatever a cookie or header holds is looked up by its hash."""
    await desk.open()
    assert await desk.find(token, NOW) == (None, False)
    assert await desk.run(lambda tx: desk.sessions.find_families(tx, [token], NOW)) == []
    with pytest.raises(TokenInvalid):
        await desk.run(lambda tx: desk.sessions.rotate(tx, token, NOW))
    assert await desk.run(lambda tx: desk.sessions.find_by_access_token(tx, token, NOW)) is None


def test_lifetimes_are_always_set() -> None:
    """There is no endless login, and none so short that nobody could use it."""
    assert Lifetimes() == Lifetimes(access_token=1200, idle=7 * 86400, absolute=30 * 86400)
    for name in ("access_token", "idle", "absolute"):
        for value in (0, -1, 59, None):
            with pytest.raises(ValueError, match=name):
                Lifetimes(**{name: value})  # type: ignore[arg-type]


# rotation


async def test_a_refresh_token_is_used_once(desk: Desk) -> None:
    """Each rotation gives another token of the same login, which ends when the first one does."""
    first = await desk.open()
    second = await rotated(desk, first, NOW + 100)
    assert second.token != first.token
    assert (second.row.family, second.row.member_id, second.row.device_id) == (first.row.family, 1, "phone-1")
    assert (second.row.create_time, second.row.expiry_time) == (first.row.create_time, first.row.expiry_time)
    assert await desk.find(first.token, NOW + 100) == (None, False)
    assert (await rotated(desk, second, NOW + 200)).row.family == first.row.family


async def test_two_tabs_each_get_a_successor_of_their_own(desk: Desk) -> None:
    """Within ten seconds of its rotation a token still works, and both successors go on."""
    first = await desk.open()
    first_successor, second_successor = await rotated(desk, first, NOW), await rotated(desk, first, NOW + REUSE_GRACE)
    assert REUSE_GRACE == 10
    assert first_successor.token != second_successor.token
    for successor in (first_successor, second_successor):
        assert (await rotated(desk, successor, NOW + 500)).row.family == first.row.family


async def test_the_grace_counts_from_the_first_rotation(desk: Desk) -> None:
    """Using it again does not keep a spent token alive."""
    first = await desk.open()
    successors = [await rotated(desk, first, NOW + after) for after in (0, 6, 10)]
    await rotated(desk, successors[0], NOW + 11)
    assert await desk.rotate(first, NOW + 12) is None


async def test_a_lost_answer_is_given_again(desk: Desk) -> None:
    """As long as no successor was used, within the idle life; the lost ones hold no more."""
    first = await desk.open()
    lost = await rotated(desk, first, NOW)
    lost_too = await rotated(desk, first, NOW + 35)
    arrived = await rotated(desk, first, NOW + 3600)
    assert await desk.is_usable(arrived, NOW + 3600)
    assert not await desk.is_usable(lost, NOW + 3600)
    assert not await desk.is_usable(lost_too, NOW + 3600)
    later = await rotated(desk, arrived, NOW + 3700)
    assert (later.row.family, later.row.expiry_time) == (first.row.family, first.row.expiry_time)
    assert await desk.rotate(first, NOW + 3720) is None
    assert not await desk.is_usable(later, NOW + 3720)


async def test_a_lost_answer_further_on_is_given_again(desk: Desk) -> None:
    """What was used before the token that is asked about does not count: the chain behind it is its own."""
    first = await desk.open()
    second = await rotated(desk, first, NOW)
    await rotated(desk, second, NOW)
    assert await desk.is_usable(await rotated(desk, second, NOW + 35), NOW + 36)


async def test_two_tabs_that_ask_again_each_get_a_successor(desk: Desk) -> None:
    """The later one does not take the earlier one's away."""
    first = await desk.open()
    await rotated(desk, first, NOW)
    one, other = await rotated(desk, first, NOW + 35), await rotated(desk, first, NOW + 36)
    for successor in (one, other):
        assert await desk.is_usable(successor, NOW + 37)


async def test_a_replaced_successor_that_is_used_ends_the_login(desk: Desk) -> None:
    """Two clients have it: one is a thief, and nobody knows which."""
    first = await desk.open()
    second = await rotated(desk, first, NOW)
    third = await rotated(desk, first, NOW + 35)
    assert await desk.rotate(second, NOW + 40) is None
    assert not await desk.is_usable(third, NOW + 40)
    with pytest.raises(TokenInvalid):
        await desk.rotate(second, NOW + 41)


async def test_a_lost_answer_is_not_given_after_the_idle_life(desk: Desk) -> None:
    """A rotated token that lay about for a week is reuse."""
    first = await desk.open()
    successor = await rotated(desk, first, NOW)
    assert await desk.rotate(first, NOW + desk.sessions.lifetimes.idle) is None
    assert not await desk.is_usable(successor, NOW + desk.sessions.lifetimes.idle - 1)


async def test_a_token_counts_as_what_it_was_given_out_as(desk: Desk) -> None:
    """A session token gets no successor, a refresh token is no session; those of release 0.1 count as either."""
    session, refresh = await desk.open(kind=TokenKind.SESSION), await desk.open()
    assert (await desk.find(session.token, NOW))[0]
    assert await desk.find(refresh.token, NOW) == (None, False)
    with pytest.raises(TokenInvalid):
        await desk.rotate(session, NOW)
    for stripped in (session.token[2:], f"r_{session.token[2:]}"):
        assert not await desk.is_usable(replace(session, token=stripped), NOW)
    old = (token_hash("k" * 43), session.row.token_hash)
    rows(desk.folder, "UPDATE es_member_session SET token_hash = ? WHERE token_hash = ?", *old)
    assert (await desk.find("k" * 43, NOW))[0]
    assert await desk.is_usable(replace(session, token="k" * 43), NOW)


async def test_a_reused_refresh_token_ends_its_whole_login(desk: Desk) -> None:
    """RFC 9700 §4.14.2: later than the grace it was stolen, so every token of the family is dead, and no other's."""
    first, stranger = await desk.open(), await desk.open(member_id=2)
    second = await rotated(desk, first, NOW)
    third = await rotated(desk, second, NOW + 60)
    access = desk.sessions.issue_tokens(third, NOW + 60)
    assert await desk.find_by(access, NOW + 60)
    assert await desk.rotate(first, NOW + REUSE_GRACE + 1) is None
    for spent in (first, second, third):
        assert not await desk.is_usable(spent, NOW + 61)
        assert await desk.find(spent.token, NOW + 61) == (None, False)
    assert await desk.find_by(access, NOW + 61) is None
    assert await desk.is_usable(stranger, NOW + 61)


async def test_refresh_tokens_idle_and_end(desk: Desk) -> None:
    """A rotation keeps the login from idling, and never past its end."""
    opened, lifetimes = await desk.open(), desk.sessions.lifetimes
    assert await desk.is_usable(opened, NOW + lifetimes.idle - 1)
    assert not await desk.is_usable(opened, NOW + lifetimes.idle)
    now = NOW
    while now + lifetimes.idle <= opened.row.expiry_time:
        now += lifetimes.idle - 1
        opened = await rotated(desk, opened, now)
    assert await desk.is_usable(opened, opened.row.expiry_time - 1)
    assert not await desk.is_usable(opened, opened.row.expiry_time)


# access tokens


async def test_an_access_token_names_its_login(desk: Desk) -> None:
    """Member, family, client type and times; it is found as long as it and its login live."""
    opened = await desk.open(member_id=7)
    tokens = desk.sessions.issue_tokens(opened, NOW)
    claims = desk.sessions.access_tokens.find_claims(tokens.access_token, NOW)
    assert claims is not None
    assert (claims["iss"], claims["sub"], claims["sid"]) == (ISSUER, "7", opened.row.family)
    assert (claims["aud"], claims["client_id"]) == (ISSUER, "app")
    assert set(claims) >= {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"}  # what RFC 9068 §2.2 requires
    assert (claims["client_type"], claims["iat"], claims["exp"]) == ("app", NOW, NOW + 1200)
    assert await desk.find_by(tokens, NOW + 1199) == LiveSession(7, ClientType.APP, opened.row.family, NOW)
    assert await desk.find_by(tokens, NOW + 1200) is None


async def test_an_access_token_does_not_outlive_its_login(desk: Desk) -> None:
    """Issued shortly before the login's end it ends with it, and says so."""
    opened = await desk.open()
    late = opened.row.expiry_time - 30
    tokens = desk.sessions.issue_tokens(opened, late)
    assert tokens.expires_in == 30
    assert await desk.find_by(tokens, late + 29)
    assert desk.sessions.access_tokens.find_claims(tokens.access_token, late + 30) is None


async def test_an_access_token_of_another_login_or_member_is_nobodys(desk: Desk) -> None:
    """Signed by us it still needs a login in the database, and that login's own member."""
    opened = await desk.open()
    for row in (replace(opened.row, family="f" * 32), replace(opened.row, member_id=2)):
        forged = desk.sessions.issue_tokens(OpenSession(row, opened.token), NOW)
        assert await desk.find_by(forged, NOW) is None


async def test_logout_ends_every_token_of_the_login(desk: Desk) -> None:
    """Refresh, session and access tokens are dead at once; another login of the member goes on."""
    first, other = await desk.open(), await desk.open()
    second = await rotated(desk, first, NOW)
    access = [desk.sessions.issue_tokens(session, NOW) for session in (second, other)]
    await desk.run(lambda tx: desk.sessions.end_all(tx, [first.token], NOW))
    assert [await desk.find_by(tokens, NOW) is not None for tokens in access] == [False, True]
    assert [await desk.is_usable(session, NOW) for session in (first, second, other)] == [False, False, True]
    await desk.run(lambda tx: desk.sessions.end_family(tx, other.row.family, NOW))
    assert await desk.find_by(access[1], NOW) is None
