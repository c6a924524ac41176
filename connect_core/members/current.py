"""Who is logged in, after the login: token answers, refresh, log-out, and the member behind a session.

Never logs anyone in, and never asks a provider.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from connect_core.crypto import is_password
from connect_core.errors import LoginTooOld, MemberDisabled, NotLoggedIn, TokenInvalid, Unavailable
from connect_core.identity import ClientType
from connect_core.members.services import Services
from connect_core.members.vendor_sessions import EndedVendorSession
from connect_core.providers.hookspecs import TokenRequest
from connect_core.sessions import LiveSession, OpenSession, Tokens
from connect_core.store import Transaction, connections, members
from connect_core.store.members import MemberRow


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Who is logged in: the member, by which session, and the union types bound to the member."""

    member: MemberRow
    session: LiveSession
    union_types: list[str]


class CurrentMember:
    """The sessions of members, whichever way they logged in."""

    def __init__(self, services: Services) -> None:
        self._database = services.database
        self._members = services.members
        self._sessions = services.sessions
        self._vendor_sessions = services.vendor_sessions
        self._hooks = services.hooks
        self._now = services.now

    async def refresh(self, refresh_token: str) -> Tokens:
        """Rotate a refresh token.

        Raises `TokenInvalid` and `MemberDisabled`, and `Unavailable`, after which the token is still unspent.
        """
        now = self._now()

        def find_member_id(tx: Transaction) -> int | None:
            session = self._sessions.find_by_refresh_token(tx, refresh_token, now)
            return session.member_id if session else None

        def rotate(tx: Transaction) -> OpenSession | None:
            opened = self._sessions.rotate(tx, refresh_token, now)
            if opened is None:
                return None
            # an erasure locks the connections first: it waits for this token, or its connection is gone by now
            connect_id = opened.row.connect_id
            if connect_id and connections.lock_connection(tx, connect_id) is None:
                raise MemberDisabled("the member was erased")
            self._members.check(tx, opened.row.member_id)
            return opened

        # before the rotation: a member directory that does not answer must not cost anybody a login
        await self._members.check_first(find_member_id)
        opened = await self._database.write(rotate)
        if opened is None:
            raise TokenInvalid("the refresh token was used before; the login is ended")
        return self._sessions.issue_tokens(opened, now)

    def issue_tokens(self, opened: OpenSession) -> Mapping[str, object]:
        """Return the token answer (RFC 6749 §5.1) of a finished login: a plugin's, else ours."""
        request = TokenRequest(opened.row.member_id, ClientType(opened.row.client_type), opened.row.device_id)
        tokens_of_plugin: Mapping[str, object] | None = self._hooks.connect_issue_tokens(login=request)
        if not tokens_of_plugin:
            return self._sessions.issue_tokens(opened, self._now()).answer()
        return {"uid": opened.row.member_id, **tokens_of_plugin}

    async def logout(self, token: str) -> EndedVendorSession | None:
        """End the login behind a session, refresh or access token; an unknown token is ignored.

        Returns the vendor's session that the login came from, where the vendor wants to know.
        """
        now = self._now()

        def end(tx: Transaction) -> EndedVendorSession | None:
            session = self._sessions.end(tx, token, now)
            if session is None:
                session = self._sessions.find_by_access_token(tx, token, now)
                if session is None:
                    return None
                self._sessions.end_family(tx, session.family, now)
            return self._vendor_sessions.take(tx, session.family)

        return await self._database.write(end)

    async def find_member(self, *, session_token: str = "", access_token: str = "") -> LoggedIn | None:
        """Return who is logged in with either token, or None."""
        now = self._now()

        def look_up(tx: Transaction) -> tuple[MemberRow | None, LiveSession, list[str], bool] | None:
            session, is_use_due = self._sessions.find_presented(tx, session_token, access_token, now)
            if session is None:
                return None
            bound = connections.find_bound(tx, session.member_id)
            union_types = [connection.union_type for connection in bound]
            return self._members.find_stored(tx, session.member_id), session, union_types, is_use_due

        presented = await self._database.read(look_up)
        if presented is None:
            return None
        stored, session, union_types, is_use_due = presented
        member = await self._members.find_enabled(session.member_id, stored)
        if member is None:
            return None
        if is_use_due:
            with suppress(Unavailable):  # the answer does not depend on this note
                await self._database.write(lambda tx: self._sessions.note_use(tx, session_token, now))
        return LoggedIn(member, session, union_types)

    async def find_recent(self, *, session_token: str = "", access_token: str = "") -> LoggedIn:
        """Return who is logged in, for what must not be done with a stolen session.

        Raises `NotLoggedIn`, and `LoginTooOld` when the login is older than the setting `sessions.reauth_after`.
        """
        logged_in = await self.find_member(session_token=session_token, access_token=access_token)
        if logged_in is None:
            raise NotLoggedIn("there is no live session")
        if self._now() - logged_in.session.login_time > self._sessions.lifetimes.reauth_after:
            raise LoginTooOld("this wants a fresh login")
        return logged_in

    async def check_credentials(self, credentials: Mapping[str, str]) -> int:
        """Return the member whom a password, or whatever the shop's own check takes, proves.

        Raises `NotLoggedIn` for credentials that prove nobody, and `MemberDisabled`.
        """
        loop = asyncio.get_running_loop()
        if self._hooks.connect_check_credentials.get_hookimpls():
            check = partial(self._hooks.connect_check_credentials, credentials=credentials)
            member_id: int | None = await loop.run_in_executor(None, check)
        else:
            username, password = credentials.get("username", ""), credentials.get("password", "")
            stored = await self._database.read(lambda tx: members.find_password(tx, username))
            member_id, password_hash = stored or (None, "")
            if not await loop.run_in_executor(None, is_password, password, password_hash):
                member_id = None
        if member_id is None:
            raise NotLoggedIn("the credentials prove nobody")
        await self._members.check_enabled(member_id)
        return member_id
