"""Who is logged in, after the login: token answers, refresh, logout, and the member behind a session.

Never logs anyone in, and never asks a provider.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from connect_core.crypto import is_password
from connect_core.errors import LoginTooOld, MemberDisabled, NotLoggedIn, TokenInvalid, Unavailable
from connect_core.identity import ClientType
from connect_core.members.resolution import find_elsewhere
from connect_core.providers.hookspecs import HookRelay, MemberDirectory, TokenRequest
from connect_core.sessions import LiveSession, OpenSession, Sessions, Tokens
from connect_core.store import Database, Transaction, connections, members
from connect_core.store.members import MemberRow


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Who is logged in: the member, by which session, and the union types bound to the member."""

    member: MemberRow
    session: LiveSession
    union_types: list[str]


class CurrentMember:
    """Sessions of members, whichever way they logged in."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        directory: MemberDirectory | None,
        hooks: HookRelay,
        now: Callable[[], float],
    ) -> None:
        """`directory` is where members live when not in the built-in table; `now` answers seconds since the epoch."""
        self._database = database
        self._sessions = sessions
        self._directory = directory
        self._hooks = hooks
        self._now = now

    async def refresh(self, refresh_token: str) -> Tokens:
        """Rotate a refresh token. Raises `TokenInvalid` and `MemberDisabled`, and `Unavailable` with it unspent."""
        now = int(self._now())
        if self._directory is not None:
            # before the rotation: a directory that is out of order must not cost anybody a login
            whose = await self._database.read(lambda tx: self._sessions.find_by_refresh_token(tx, refresh_token, now))
            if whose is not None and await self._directory.is_disabled(whose.member_id):
                raise MemberDisabled("the member is disabled")

        def rotate(tx: Transaction) -> OpenSession | None:
            opened = self._sessions.rotate(tx, refresh_token, now)
            # an erasure that has begun waits for this token, or has taken the connection that it came through
            if opened and opened.row.connect_id and connections.lock_connection(tx, opened.row.connect_id) is None:
                raise MemberDisabled("the member was erased")
            if opened and self._directory is None:
                member = members.find_member(tx, opened.row.member_id)
                if member is None or member.disabled:
                    raise MemberDisabled("the member is disabled or gone")
            return opened

        opened = await self._database.write(rotate)
        if opened is None:
            raise TokenInvalid("the refresh token was used before; the login is ended")
        return self._sessions.issue_tokens(opened, now)

    def issue_tokens(self, opened: OpenSession) -> Mapping[str, object]:
        """Return the token answer (RFC 6749 §5.1) of a finished login: a plugin's, else ours."""
        request = TokenRequest(opened.row.member_id, ClientType(opened.row.client_type), opened.row.device_id)
        theirs: Mapping[str, object] | None = self._hooks.connect_issue_tokens(login=request)
        if not theirs:
            return self._sessions.issue_tokens(opened, int(self._now())).answer()
        return {"uid": opened.row.member_id, **theirs}

    async def logout(self, token: str) -> None:
        """End the login behind a session, refresh or access token; unknown tokens are let pass."""
        now = int(self._now())

        def end(tx: Transaction) -> None:
            if not self._sessions.end(tx, token, now):
                found = self._sessions.find_by_access_token(tx, token, now)
                if found:
                    self._sessions.end_family(tx, found.family, now)

        await self._database.write(end)

    async def find_member(self, *, session_token: str = "", access_token: str = "") -> LoggedIn | None:
        """Return who is logged in, or None."""
        now = int(self._now())

        def look(tx: Transaction) -> tuple[MemberRow | None, LiveSession, list[str], bool] | None:
            session, is_stale = self._sessions.find_presented(tx, session_token, access_token, now)
            if session is None:
                return None
            member = None if self._directory is not None else members.find_member(tx, session.member_id)
            bound = connections.find_bound(tx, session.member_id)
            return member, session, [one.union_type for one in bound], is_stale

        found = await self._database.read(look)
        if found is None:
            return None
        member, session, union_types, is_stale = found
        if self._directory is not None:
            member = await self._find_elsewhere(self._directory, session.member_id)
        if member is None or member.disabled:
            return None
        if is_stale:
            with suppress(Unavailable):  # who is logged in can be told without a note of it
                await self._database.write(lambda tx: self._sessions.note_use(tx, session_token, now))
        return LoggedIn(member, session, union_types)

    async def find_recent(self, *, session_token: str = "", access_token: str = "") -> LoggedIn:
        """Return who is logged in, for what a stolen session must not do.

        Raises `NotLoggedIn`, and `LoginTooOld` when the login is older than `sessions.reauth_after`.
        """
        found = await self.find_member(session_token=session_token, access_token=access_token)
        if found is None:
            raise NotLoggedIn("there is no live session")
        if int(self._now()) - found.session.login_time > self._sessions.lifetimes.reauth_after:
            raise LoginTooOld("this wants a fresh login")
        return found

    async def check_credentials(self, credentials: Mapping[str, str]) -> int:
        """Return the member whom a password, or whatever the shop's own check takes, proves. Raises `NotLoggedIn`."""
        loop = asyncio.get_running_loop()
        if self._hooks.connect_check_credentials.get_hookimpls():
            check = partial(self._hooks.connect_check_credentials, credentials=credentials)
            member_id: int | None = await loop.run_in_executor(None, check)
        else:
            found = await self._database.read(lambda tx: members.find_password(tx, credentials.get("username", "")))
            member_id, stored = found or (None, "")
            if not await loop.run_in_executor(None, is_password, credentials.get("password", ""), stored):
                member_id = None
        if member_id is None:
            raise NotLoggedIn("the credentials prove nobody")
        await self._check_enabled(member_id)
        return member_id

    async def _check_enabled(self, member_id: int) -> None:
        if self._directory is not None:
            is_disabled = await self._directory.is_disabled(member_id)
        else:
            member = await self._database.read(lambda tx: members.find_member(tx, member_id))
            is_disabled = member is None or bool(member.disabled)
        if is_disabled:
            raise MemberDisabled("the member is disabled or gone")

    async def _find_elsewhere(self, directory: MemberDirectory, member_id: int) -> MemberRow | None:
        if await directory.is_disabled(member_id):
            return None
        with suppress(MemberDisabled):
            return await find_elsewhere(directory, member_id)
        return None
