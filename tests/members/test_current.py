"""After the login: who is there, refreshing and ending, and that a member who is refused is refused everywhere."""

import asyncio
import threading
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from connect_core.crypto import passwords
from connect_core.errors import MemberDisabled, TokenInvalid
from connect_core.identity import ClientType, Profile
from connect_core.login.values import SessionOpened
from connect_core.manager import ConnectManager
from connect_core.plugin import MemberDirectory, hookimpl
from connect_core.sessions import NO_TOKENS, OpenSession, PresentedTokens, Tokens

from ..conftest import MakeManager
from ..kit.acme import NOW, begin, come_back, hand_in, locked, outcome_of, rows
from ..kit.clock import Clock

pytestmark = pytest.mark.usefixtures("database_url")


async def open_browser(manager: ConnectManager) -> OpenSession:
    """A login of a browser."""
    login = await come_back(manager, await begin(manager))
    assert isinstance(login, SessionOpened)
    return login.opened


async def open_phone(manager: ConnectManager, code: str = "lihua.2") -> tuple[OpenSession, Mapping[str, Any]]:
    """A login of a mini program, and its token answer."""
    login = await hand_in(manager, code)
    assert isinstance(login, SessionOpened)
    return login.opened, manager.current_member.issue_tokens(login.opened)


async def test_a_member_is_found_by_session_or_access_token(manager: ConnectManager) -> None:
    """Whichever is presented; of both the bearer token counts, even a dead one; with what is bound to the member."""
    browser, (_, tokens) = await open_browser(manager), await open_phone(manager)
    access = tokens["access_token"]
    by_session = await manager.current_member.find_member(PresentedTokens(session=browser.token))
    by_token = await manager.current_member.find_member(PresentedTokens(bearer=access))
    both = await manager.current_member.find_member(PresentedTokens(session=browser.token, bearer=access))
    assert by_session is not None
    assert by_token is not None
    assert (by_session.session.client_type, by_token.session.client_type) == (ClientType.PC, ClientType.MINI)
    assert both == by_token
    assert by_session.member == by_token.member
    assert (by_session.member.id, by_session.member.nickname, by_session.union_types) == (1, "lihua", ["ACME"])
    fallen_back = await manager.current_member.find_member(PresentedTokens(session="x", access=access))
    assert fallen_back == by_token
    assert await manager.current_member.find_member(PresentedTokens(session=browser.token, bearer="x")) is None


async def test_nobody_is_found_without_a_token_that_holds(manager: ConnectManager) -> None:
    """Nothing, nonsense, and tokens of the other kind."""
    browser, (_, tokens) = await open_browser(manager), await open_phone(manager)
    for presented in (
        NO_TOKENS,
        PresentedTokens(bearer="x", session="x", access="x", refresh="x"),
        *(PresentedTokens(session=token) for token in (tokens["access_token"], tokens["refresh_token"])),
        *(PresentedTokens(bearer=token) for token in (browser.token, tokens["refresh_token"])),
        *(PresentedTokens(access=token) for token in (browser.token, tokens["refresh_token"])),
        *(PresentedTokens(refresh=token) for token in (browser.token, *map(str, tokens.values()))),
    ):
        assert await manager.current_member.find_member(presented) is None
    for token in (browser.token, tokens["access_token"]):
        with pytest.raises(TokenInvalid):
            await manager.current_member.refresh(token)


async def test_a_disabled_or_deleted_member_is_refused_everywhere(manager: ConnectManager, tmp_path: Path) -> None:
    """Sessions, access tokens and refresh tokens at once; enabled again, they hold as before."""
    browser, (phone, tokens) = await open_browser(manager), await open_phone(manager)
    sessions = rows(tmp_path, "SELECT * FROM es_member_session")
    for refuse, undo in (
        ("UPDATE es_member SET disabled = 1", "UPDATE es_member SET disabled = 0"),
        ("UPDATE es_member SET id = 9", "UPDATE es_member SET id = 1"),
    ):
        rows(tmp_path, refuse)
        assert await manager.current_member.find_member(PresentedTokens(session=browser.token)) is None
        assert await manager.current_member.find_member(PresentedTokens(bearer=tokens["access_token"])) is None
        with pytest.raises(MemberDisabled):
            await manager.current_member.refresh(phone.token)
        assert rows(tmp_path, "SELECT * FROM es_member_session") == sessions
        rows(tmp_path, undo)
        assert await manager.current_member.find_member(PresentedTokens(session=browser.token))
    await manager.current_member.refresh(phone.token)


async def test_refreshing_gives_new_tokens_that_work(make_manager: MakeManager) -> None:
    """The old refresh token is spent, the old access token holds to its end, and a stolen one ends both."""
    clock = Clock(NOW)
    manager = make_manager(now=clock)
    phone, first = await open_phone(manager)
    used = await manager.current_member.refresh(phone.token)
    second = await manager.current_member.refresh(used.refresh_token)
    assert isinstance(second, Tokens)
    for access in (first["access_token"], second.access_token):
        assert await manager.current_member.find_member(PresentedTokens(bearer=access))
    clock.advance(11)
    with pytest.raises(TokenInvalid):
        await manager.current_member.refresh(phone.token)
    with pytest.raises(TokenInvalid):
        await manager.current_member.refresh(second.refresh_token)
    for access in (first["access_token"], second.access_token):
        assert await manager.current_member.find_member(PresentedTokens(bearer=access)) is None


@pytest.mark.parametrize("presented", ["session", "refresh", "access"])
async def test_logout_takes_whichever_token_there_is(manager: ConnectManager, presented: str) -> None:
    """It ends that login, whole, and no other of the member."""
    browser, (phone, tokens) = await open_browser(manager), await open_phone(manager)
    given = {"session": browser.token, "refresh": phone.token, "access": tokens["access_token"]}
    for token in (given[presented], given[presented], "nonsense", ""):
        await manager.current_member.logout(token)
    found = [
        await manager.current_member.find_member(PresentedTokens(session=browser.token)),
        await manager.current_member.find_member(PresentedTokens(bearer=tokens["access_token"])),
    ]
    assert ([one is not None for one in found]) == ([False, True] if presented == "session" else [True, False])


async def test_logout_of_the_phone_ends_its_refresh_token(manager: ConnectManager) -> None:
    """Ended by its access token alone, the login cannot be refreshed back to life."""
    phone, tokens = await open_phone(manager)
    await manager.current_member.logout(tokens["access_token"])
    with pytest.raises(TokenInvalid):
        await manager.current_member.refresh(phone.token)


async def test_a_session_in_use_does_not_idle(make_manager: MakeManager, tmp_path: Path) -> None:
    """Its use is written, at most once a minute."""
    clock = Clock(NOW)
    manager = make_manager(now=clock, sessions={"idle": 120})
    browser, seen = await open_browser(manager), []
    for seconds in (10, 50, 10, 60, 80, 100):
        clock.advance(seconds)
        assert await manager.current_member.find_member(PresentedTokens(session=browser.token))
        seen.append(rows(tmp_path, "SELECT seen_time FROM es_member_session")[0]["seen_time"] - NOW)
    clock.advance(120)
    assert await manager.current_member.find_member(PresentedTokens(session=browser.token)) is None
    written = seen
    assert written == [0, 60, 60, 130, 210, 310]


async def test_who_is_there_is_answered_beside_a_busy_writer(manager: ConnectManager, tmp_path: Path) -> None:
    """Reading needs no lock."""
    browser = await open_browser(manager)
    with locked(tmp_path):
        assert await asyncio.wait_for(manager.current_member.find_member(PresentedTokens(session=browser.token)), 1)


class RequiredBrowser:
    """A directory that knows everybody, and is empty as far as `bool` goes."""

    def __init__(self) -> None:
        self.gone = False

    def __len__(self) -> int:
        return 0

    @hookimpl
    def connect_member_directory(self, settings: Any) -> MemberDirectory | None:
        """Answer with itself."""
        return self

    async def find(self, member_id: int) -> Mapping[str, Any] | None:
        """Show a name."""
        return None if self.gone else {"uname": "crm", "sex": None, "mobile": None}

    async def register(self, key: str, profile: Profile, client_type: ClientType) -> int:
        """Answer the same for all."""
        return 77

    async def is_disabled(self, member_id: int) -> bool:
        """Refuse nobody."""
        return False

    async def update_profile(self, member_id: int, profile: Profile) -> None:
        """Take over nothing."""


@pytest.mark.breaks("connection_without_member", "session_without_member")
async def test_members_elsewhere_are_looked_up_there_each_time(make_manager: MakeManager, tmp_path: Path) -> None:
    """Not in our own table, and a member gone there is nobody here."""
    crm = RequiredBrowser()
    manager = make_manager(extra=[("crm", crm)])
    browser = await open_browser(manager)
    found = await manager.current_member.find_member(PresentedTokens(session=browser.token))
    assert found is not None
    assert (found.member.id, found.member.uname, found.member.nickname, found.union_types) == (
        77,
        "crm",
        "",
        ["ACME"],
    )
    crm.gone = True
    assert await manager.current_member.find_member(PresentedTokens(session=browser.token)) is None
    assert rows(tmp_path, "SELECT * FROM es_member") == []


async def test_many_passwords_stop_nobody_else(manager: ConnectManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are checked at once: host names are looked up, others log in, and what does not fit is a 503."""
    is_released = threading.Event()

    def hang(password: str, stored: str) -> bool:
        running.append(password)
        is_released.wait(30)
        return False

    running: list[str] = []
    monkeypatch.setattr(passwords, "is_password", hang)
    tries = [asyncio.ensure_future(outcome_of(check(manager, f"wrong {number}"))) for number in range(150)]
    async with asyncio.timeout(20):
        for refused in islice(asyncio.as_completed(tries), 46):  # each waits for the database first
            await refused
    async with asyncio.timeout(2):
        await asyncio.get_running_loop().getaddrinfo("localhost", 443)
        await open_browser(manager)
    is_released.set()
    outcomes = Counter(await asyncio.gather(*tries))
    assert outcomes == {"not_logged_in": 104, "unavailable": 46}
    assert len(set(running)) == 104


async def check(manager: ConnectManager, password: str) -> None:
    """Try a password of nobody."""
    await manager.current_member.check_credentials({"username": "lihua", "password": password})
