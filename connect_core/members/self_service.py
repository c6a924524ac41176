"""What members see and end themselves: the identities that lead to them, and the places where they are logged in.

Never asks a provider. Everything here is about the member of a live session, so nobody else's rows can be named.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from connect_core.crypto import hash_password, keyed_hash
from connect_core.errors import BadRequest, Unsupported
from connect_core.events import kinds
from connect_core.events.dispatch import Dispatcher
from connect_core.identity import ClientType
from connect_core.members import linking
from connect_core.providers.hookspecs import LoginEvent
from connect_core.sessions import LiveSession
from connect_core.store import Database, Transaction, connections, members, sessions


@dataclass(frozen=True, slots=True)
class ShownConnection:
    """A connection as its member sees it: `nickname` is the vendor's, `since` epoch seconds."""

    union_type: str
    nickname: str
    since: int


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A place where the member is logged in; times are epoch seconds. `id` means nothing outside this list."""

    id: str
    client_type: ClientType
    device_id: str
    login_time: int
    seen_time: int
    is_this: bool


class SelfService:
    """Lists and ends connections and sessions."""

    def __init__(
        self,
        database: Database,
        dispatcher: Dispatcher,
        now: Callable[[], float],
        subject_key: bytes,
        cooldown: int,
        *,
        passwords_count: bool,
    ) -> None:
        """`cooldown`: seconds for which a new connection cannot be ended; `now` answers seconds since the epoch.

        `passwords_count`: whoever has a password gets in with any new login and "I have an account here".
        """
        self._passwords_count = passwords_count
        self._database = database
        self._dispatcher = dispatcher
        self._subject_key = subject_key
        self._cooldown = cooldown
        self._now = now

    async def find_connections(self, session: LiveSession) -> list[ShownConnection]:
        """Return what leads to the member, in the order of binding."""
        bound = await self._database.read(lambda tx: connections.find_bound(tx, session.member_id))
        return [ShownConnection(one.union_type, one.nickname, one.create_time) for one in bound]

    async def unbind(self, session: LiveSession, union_type: str, request_id: str, *, logs_out: bool = False) -> None:
        """End a connection, and the other sessions that came through it; with `logs_out` this one too.

        Raises as `linking.unbind`.
        """
        now = int(self._now())
        event = LoginEvent(
            kind=kinds.UNBOUND,
            member_id=session.member_id,
            provider="",
            client_type=session.client_type,
            union_type=union_type,
            is_new_member=False,
            request_id=request_id,
            time=now,
        )

        def end(tx: Transaction) -> list[LoginEvent]:
            has_other_way = self._passwords_count and members.has_password(tx, session.member_id)
            ended = linking.unbind(
                tx, session.member_id, union_type, now, has_other_way=has_other_way, cooldown=self._cooldown
            )
            sessions.revoke_opened_through(tx, session.member_id, ended.connect_id, session.family, now)
            if logs_out:
                sessions.revoke_family(tx, session.family, now)
            subject = keyed_hash(self._subject_key, union_type, ended.union_id)
            return self._dispatcher.write(tx, [event], ended.connect_id, subject)

        self._dispatcher.dispatch(*await self._database.write(end))

    async def set_password(self, session: LiveSession, password: str) -> None:
        """Give the member a password of 8 to 128 characters. Raises `BadRequest`."""
        if not 8 <= len(password) <= 128:
            raise BadRequest("a password has 8 to 128 characters")
        hashed = await asyncio.get_running_loop().run_in_executor(None, hash_password, password)
        await self._database.write(lambda tx: members.update_member(tx, session.member_id, {"password_hash": hashed}))

    async def find_sessions(self, session: LiveSession) -> list[ShownSession]:
        """Return where the member is logged in, the oldest login first."""
        now = int(self._now())
        rows = await self._database.read(lambda tx: sessions.find_of_member(tx, session.member_id, now))
        by_family = {row.family: row for row in rows}
        return [
            ShownSession(
                row.family,
                ClientType(row.client_type),
                row.device_id,
                row.create_time,
                row.seen_time,
                row.family == session.family,
            )
            for row in by_family.values()
        ]

    async def end_session(self, session: LiveSession, family: str) -> None:
        """End one of the member's logins. Raises `Unsupported` when it is none of them."""
        now = int(self._now())

        def end(tx: Transaction) -> None:
            found = sessions.find_live(tx, family, now)
            if found is None or found[0] != session.member_id:
                raise Unsupported("there is no such session")
            sessions.revoke_family(tx, family, now)

        await self._database.write(end)

    async def end_other_sessions(self, session: LiveSession) -> None:
        """End every login of the member but this one."""
        now = int(self._now())
        await self._database.write(lambda tx: sessions.revoke_others(tx, session.member_id, session.family, now))
