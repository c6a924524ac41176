"""What members see and end themselves: the identities that lead to them, and where they are logged in.

Never asks a provider. Every method is about the member of a live session, so nobody else's rows can be named.
"""

from dataclasses import dataclass

from connect_core.errors import NotThere
from connect_core.events import kinds
from connect_core.geoip import Location
from connect_core.identity import ClientType
from connect_core.members import linking
from connect_core.members.acting import lock_actor
from connect_core.members.passwords import check_password
from connect_core.members.services import Services
from connect_core.providers.hookspecs import LoginEvent
from connect_core.sessions import LiveSession
from connect_core.store import Transaction, connections, members, sessions


@dataclass(frozen=True, slots=True)
class MemberConnection:
    """A connection as its member sees it: `nickname` is the vendor's, `since` epoch seconds."""

    union_type: str
    nickname: str
    since: int


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """A place where the member is logged in; times are epoch seconds. `id` means nothing outside this list.

    `browser` and `system` are names of `user_agents`, `location` is where the login came from; empty if not known.
    """

    id: str
    client_type: ClientType
    device_id: str
    login_time: int
    seen_time: int
    is_this: bool
    browser: str
    system: str
    location: Location


class SelfService:
    """Lists and ends connections and sessions."""

    def __init__(self, services: Services, unbind_after: int) -> None:
        """`unbind_after`: seconds for which a new connection cannot be ended."""
        self._services = services
        self._database = services.database
        self._unbind_after = unbind_after

    async def find_connections(self, session: LiveSession) -> list[MemberConnection]:
        """Return what leads to the member, in the order of binding."""
        bound = await self._database.read(lambda tx: connections.find_bound(tx, session.member_id))
        return [
            MemberConnection(connection.union_type, connection.nickname, connection.create_time) for connection in bound
        ]

    async def unbind(self, session: LiveSession, union_type: str, request_id: str, *, logs_out: bool = False) -> None:
        """End a connection, and the other sessions that came through it; with `logs_out` this one too.

        Raises as `linking.unbind` and `lock_actor`.
        """
        now = self._services.now()
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
            lock_actor(tx, self._services.members, session, now)
            has_password = self._services.has_passwords and members.has_password(tx, session.member_id)
            connection = linking.unbind(
                tx, session.member_id, union_type, now, has_other_way=has_password, minimum_age=self._unbind_after
            )
            sessions.revoke_opened_through(tx, session.member_id, connection.connect_id, session.family, now)
            if logs_out:
                sessions.revoke_family(tx, session.family, now)
            subject = self._services.hash_subject(union_type, connection.union_id)
            return self._services.dispatcher.write(tx, [event], connection.connect_id, subject)

        self._services.dispatcher.dispatch(*await self._database.write(end))

    async def has_password(self, session: LiveSession) -> bool:
        """Tell whether the member has a password of ours that logs them in."""
        if not self._services.has_passwords:
            return False
        return await self._database.read(lambda tx: members.has_password(tx, session.member_id))

    async def set_password(self, session: LiveSession, password: str, *names: str) -> bool:
        """Give the member a password, and tell whether they had one before; `names` are the member's own.

        Raises `PasswordRefused` as `passwords.check_password`, and as `lock_actor`.
        """
        check_password(password, *names)
        hashed = await self._services.hash_password(password)
        now = self._services.now()

        def store(tx: Transaction) -> bool:
            lock_actor(tx, self._services.members, session, now)
            had_password = members.has_password(tx, session.member_id)
            members.update_member(tx, session.member_id, {"password_hash": hashed})
            return had_password

        return await self._database.write(store)

    async def find_sessions(self, session: LiveSession) -> list[ActiveSession]:
        """Return where the member is logged in: this session first, then the one that was used last."""
        now = self._services.now()
        rows = await self._database.read(lambda tx: sessions.find_of_member(tx, session.member_id, now))
        by_family = {row.family: row for row in rows}
        active = [
            ActiveSession(
                row.family,
                ClientType(row.client_type),
                row.device_id,
                row.create_time,
                row.seen_time,
                row.family == session.family,
                row.browser,
                row.system,
                Location.parse(row.location),
            )
            for row in by_family.values()
        ]
        return sorted(active, key=lambda row: (not row.is_this, -row.seen_time))

    async def end_session(self, session: LiveSession, family: str) -> None:
        """End one of the member's logins. Raises `NotThere` when it is none of them."""
        now = self._services.now()

        def end(tx: Transaction) -> None:
            lock_actor(tx, self._services.members, session, now)
            live = sessions.find_live(tx, family, now)
            if live is None or live[0] != session.member_id:
                raise NotThere("there is no such session")
            sessions.revoke_family(tx, family, now)

        await self._database.write(end)

    async def end_other_sessions(self, session: LiveSession) -> None:
        """End every login of the member but this one."""
        now = self._services.now()

        def end(tx: Transaction) -> None:
            lock_actor(tx, self._services.members, session, now)
            sessions.revoke_others(tx, session.member_id, session.family, now)

        await self._database.write(end)
