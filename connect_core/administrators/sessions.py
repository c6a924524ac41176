"""Sessions of administrators: opened, found, confirmed anew and ended. They share nothing with those of members.

A token is random; the database has its hash alone. The role of a local administrator is read with each request, so that
a change counts at once; that of one who came through a provider holds as long as the session.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from connect_core.acts import OperatorAct
from connect_core.administrators.roles import Role
from connect_core.crypto import token_hash
from connect_core.errors import NotThere
from connect_core.settings import AdminSettings
from connect_core.store import Database, Transaction, administrators, audit
from connect_core.store.administrators import AdministratorSessionRow

RECENT_SECONDS = 600
"""Seconds after a proof of who they are within which administrators may do what a stolen session must not."""
SEEN_SECONDS = 60
"""A session's last use is noted when it was this long ago: not with every request."""
_SWEPT = 100


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An administrator who is signed in.

    `provider` is that through which they came, empty for a local administrator. `proof_time` is when they last proved
    who they are, in epoch seconds; `key` is the hash of the session's token.
    """

    name: str
    role: Role
    provider: str
    proof_time: int
    expiry_time: int
    key: str = field(repr=False)


class AdministratorSessions:
    """The sessions of one service's administrators."""

    def __init__(self, database: Database, settings: AdminSettings, now: Callable[[], int]) -> None:
        """`settings` say how long a session lives, and whose provider counts; `now` answers epoch seconds."""
        self._database, self._settings, self._now = database, settings, now

    def open(self, tx: Transaction, name: str, role: Role, provider: str = "", expiry_time: int = 0) -> str:
        """Open a session and return its token; it ends at `expiry_time`, by default as the settings say."""
        now, token = self._now(), secrets.token_urlsafe(32)
        administrators.delete_expired(tx, now, _SWEPT)
        ends = expiry_time or now + self._settings.session_absolute
        row = AdministratorSessionRow(token_hash(token), name, role, provider, now, now, ends)
        administrators.insert_session(tx, row)
        return token

    async def find(self, token: str) -> SignedIn | None:
        """Return whose session this is; None for one that ended, a disabled administrator, and an empty token."""
        if not token:
            return None
        now, key = self._now(), token_hash(token)

        def look_up(tx: Transaction) -> tuple[AdministratorSessionRow, Role] | None:
            row = administrators.find_session(tx, key)
            role = self._find_role(tx, row) if row and self._is_live(row, now) else None
            return (row, role) if row and role else None

        live = await self._database.read(look_up)
        if live is None:
            return None
        row, role = live
        if now - row.seen_time >= min(SEEN_SECONDS, self._settings.session_idle // 2):
            await self._database.write(lambda tx: administrators.update_seen(tx, key, now), commits_each=True)
        return SignedIn(row.name, role, row.provider, row.create_time, row.expiry_time, key)

    async def find_live(self) -> list[AdministratorSessionRow]:
        """Return every live session, by the administrators' names."""
        now = self._now()
        unused_since = now - self._settings.session_idle
        return await self._database.read(lambda tx: administrators.find_live_sessions(tx, now, unused_since))

    async def end(self, signed_in: SignedIn, act: OperatorAct) -> None:
        """End a session: its administrator signs out."""
        now = self._now()

        def delete(tx: Transaction) -> None:
            if administrators.delete_session(tx, signed_in.key):
                audit.insert_record(tx, act, "administrator.signed_out", f"administrator {signed_in.name}", now)

        await self._database.write(delete)

    async def end_all_of(self, name: str, provider: str, act: OperatorAct, *, spared: str = "") -> int:
        """End the sessions of an administrator but for the key `spared`, and return how many.

        `provider` is empty for a local administrator. Raises `NotThere` when there is none.
        """
        now = self._now()

        def delete(tx: Transaction) -> int:
            ended = administrators.delete_sessions_of(tx, name, provider, spared)
            if not ended:
                raise NotThere("the administrator has no such session")
            audit.insert_record(
                tx, act, "administrator.sessions_ended", f"administrator {name}", now, f"{ended} sessions"
            )
            return ended

        return await self._database.write(delete)

    def is_recent(self, signed_in: SignedIn) -> bool:
        """Tell whether the administrator proved who they are within `RECENT_SECONDS`."""
        return self._now() - signed_in.proof_time < RECENT_SECONDS

    def _is_live(self, row: AdministratorSessionRow, now: int) -> bool:
        return row.expiry_time > now and row.seen_time > now - self._settings.session_idle

    def _find_role(self, tx: Transaction, row: AdministratorSessionRow) -> Role | None:
        if row.provider:
            return Role(row.role) if row.provider == self._settings.provider else None
        account = administrators.find_administrator(tx, row.name)
        return Role(account.role) if account and not account.disabled else None
