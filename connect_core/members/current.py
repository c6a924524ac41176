"""Who is logged in, after the login: token answers, refresh, log-out, and the member behind a session.

Never logs anyone in, and never asks a provider.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from connect_core.errors import LoginTooOld, MemberDisabled, NotLoggedIn, TokenInvalid, Unavailable, Unsupported
from connect_core.identity import ClientType
from connect_core.members.services import HOOK_SECONDS, Services
from connect_core.members.vendor_sessions import EndedVendorSession
from connect_core.providers.hookspecs import TokenRequest
from connect_core.sessions import BROWSERS, LiveSession, OpenSession, PresentedTokens, Tokens
from connect_core.store import Transaction, identities, members
from connect_core.store.members import MemberRow
from connect_core.store.session_members import SessionAndMember

NOTE_DEADLINE = 0.25
"""Seconds that an answer waits for the note that a session was used; the next request writes it otherwise."""
_Note = Callable[[Transaction], None]


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Who is logged in: the member, by which session, and the union types bound to the member."""

    member: MemberRow
    session: LiveSession
    union_types: Sequence[str]


class CurrentMember:
    """The sessions of members, whichever way they logged in."""

    def __init__(self, services: Services) -> None:
        self._database = services.database
        self._members = services.members
        self._sessions = services.sessions
        self._vendor_sessions = services.vendor_sessions
        self._hooks, self._hook_threads = services.hooks, services.hook_threads
        self._is_password = services.is_password
        self._now = services.now

    async def refresh(self, refresh_token: str, *, is_cookie: bool = False) -> Tokens:
        """Rotate a refresh token; with `is_cookie` it came in a cookie, where an app's or a mini program's is none.

        Raises `TokenInvalid` and `MemberDisabled`, and `Unavailable`, after which the token is still unspent.
        """
        now = self._now()

        def find_member_id(tx: Transaction) -> int | None:
            session = self._sessions.find_by_refresh_token(tx, refresh_token, now)
            return session.member_id if session else None

        def rotate(tx: Transaction) -> OpenSession | None:
            session = self._sessions.find_by_refresh_token(tx, refresh_token, now) if is_cookie else None
            if session is not None and session.client_type not in BROWSERS:
                raise TokenInvalid("a cookie is a browser's, and this token is not")
            opened = self._sessions.rotate(tx, refresh_token, now)
            if opened is None:
                return None
            # an erasure locks the connections first: it waits for this token, or its connection is gone by now
            connect_id = opened.row.connect_id
            if connect_id and identities.lock_connection(tx, connect_id) is None:
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

    async def logout(self, *tokens: str) -> EndedVendorSession | None:
        """End the logins behind session, refresh or access tokens; an unknown token is ignored.

        Returns the vendor's session that one of the logins came from, where the vendor wants to know.
        """
        now = self._now()

        def end(tx: Transaction) -> EndedVendorSession | None:
            families = self._sessions.find_families(tx, tokens, now)
            origins = [self._vendor_sessions.find(tx, family) for family in families]
            for family in families:
                self._sessions.end_family(tx, family, now)
            return next(filter(None, origins), None)

        return await self._database.write(end)

    async def find_member(self, presented: PresentedTokens) -> LoggedIn | None:
        """Return whose login the tokens of a request count as, or None. `Sessions.find_presented` has the rule."""
        now = self._now()

        def look_up(tx: Transaction) -> tuple[SessionAndMember, LiveSession, list[_Note]] | None:
            along = SessionAndMember()
            session, used_token = self._sessions.find_presented(tx, presented, now, along)
            if session is None:
                return None
            note_use = partial(self._sessions.note_use, token=used_token, now=now)
            notes: list[_Note] = [note_use] if used_token else []
            if self._sessions.is_first_use(tx, session, now):
                notes.append(partial(self._sessions.note_first_use, session=session))
            return along, session, notes

        answer = await self._database.read(look_up)
        if answer is None:
            return None
        along, session, notes = answer
        member = await self._members.find_enabled(session.member_id, along.member)
        if member is None:
            return None
        if notes:
            await self._write_notes(notes)
        return LoggedIn(member, session, along.union_types)

    async def _write_notes(self, notes: Sequence[_Note]) -> None:
        """Write what the answer does not depend on, unless that keeps the visitor waiting."""

        def write(tx: Transaction) -> None:
            for note in notes:
                note(tx)

        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(NOTE_DEADLINE):
                await self._database.write(write)

    async def find_recent(self, presented: PresentedTokens) -> LoggedIn:
        """Return who is logged in, for what must not be done with a stolen session.

        Raises `NotLoggedIn`, and `LoginTooOld` when the login is older than the setting `sessions.reauth_after`.
        """
        logged_in = await self.find_member(presented)
        if logged_in is None:
            raise NotLoggedIn("there is no live session")
        if self._now() - logged_in.session.login_time > self._sessions.lifetimes.reauth_after:
            raise LoginTooOld("this wants a fresh login")
        return logged_in

    async def check_credentials(self, credentials: Mapping[str, str]) -> int:
        """Return the member whom a password, or whatever the shop's own check takes, proves.

        Raises `NotLoggedIn` for credentials that prove nobody, `MemberDisabled`, and `Unavailable` when the shop's
        check takes longer than `HOOK_SECONDS`.
        """
        if self._hooks.connect_check_credentials.get_hookimpls():
            check = partial(self._hooks.connect_check_credentials, credentials=credentials)
            what = "the shop's check of credentials"
            member_id: int | None = await self._hook_threads.run_within(check, HOOK_SECONDS, what)
        else:
            username, password = credentials.get("username", ""), credentials.get("password", "")
            stored = None
            with suppress(Unsupported):  # no row can hold such a name
                stored = await self._database.read(lambda tx: members.find_password(tx, username))
            member_id, password_hash = stored or (None, "")
            if not await self._is_password(password, password_hash):
                member_id = None
        if member_id is None:
            raise NotLoggedIn("the credentials prove nobody")
        await self._members.check_enabled(member_id)
        return member_id
