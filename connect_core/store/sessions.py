"""Queries about sessions: opaque tokens by hash, grouped in families.

What ends sessions runs until it finds none: a rotation under way may have written a successor meanwhile.
"""

from dataclasses import dataclass

from sqlalchemy import and_, bindparam, select, update

from connect_core.store.engine.statement import ExpiryDelete, Statement, Transaction, insert_into
from connect_core.store.models import MemberSession, table_of

_SESSION = table_of(MemberSession)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One token of a login, as stored. Times are epoch seconds."""

    member_id: int
    connect_id: int
    client_type: str
    device_id: str
    family: str
    token_hash: str
    create_time: int
    seen_time: int
    expiry_time: int
    rotated_time: int | None
    revoked_time: int | None


_NAMES = tuple(SessionRow.__dataclass_fields__)
_INSERT = Statement(insert_into(_SESSION, *_NAMES))
_IS_IT = _SESSION.c.token_hash == bindparam("own")
_FIND = Statement(select(*(_SESSION.c[name] for name in _NAMES)).where(_IS_IT))
_LOCK = Statement(select(*(_SESSION.c[name] for name in _NAMES)).where(_IS_IT).with_for_update())
_IS_LIVE = (_SESSION.c.revoked_time.is_(None), _SESSION.c.expiry_time > bindparam("now"))
_FIND_LIVE = Statement(
    select(_SESSION.c.member_id, _SESSION.c.create_time).where(_SESSION.c.family == bindparam("family"), *_IS_LIVE)
)
_LOCK_LIVE = Statement(
    select(_SESSION.c.id).where(_SESSION.c.family == bindparam("family"), *_IS_LIVE).with_for_update()
)
_FIND_OF_MEMBER = Statement(
    select(*(_SESSION.c[name] for name in _NAMES))
    .where(_SESSION.c.member_id == bindparam("member_id"), _SESSION.c.rotated_time.is_(None), *_IS_LIVE)
    .order_by(_SESSION.c.id)
)
_ROTATE = Statement(
    update(_SESSION)
    .where(_IS_IT, _SESSION.c.rotated_time.is_(None))
    .values(rotated_time=bindparam("now"), seen_time=bindparam("now"))
)
_SEEN = Statement(update(_SESSION).where(_IS_IT).values(seen_time=bindparam("now")))
_REVOKE = Statement(
    update(_SESSION)
    .where(_SESSION.c.family == bindparam("own"), _SESSION.c.revoked_time.is_(None))
    .values(revoked_time=bindparam("now"))
)
_IS_ANOTHER = and_(_SESSION.c.family != bindparam("kept"), _SESSION.c.revoked_time.is_(None))
_REVOKE_OPENED_THROUGH = Statement(
    update(_SESSION)
    .where(_SESSION.c.member_id == bindparam("of_member"), _SESSION.c.connect_id == bindparam("through"), _IS_ANOTHER)
    .values(revoked_time=bindparam("now"))
)
_REVOKE_OTHERS = Statement(
    update(_SESSION)
    .where(_SESSION.c.member_id == bindparam("of_member"), _IS_ANOTHER)
    .values(revoked_time=bindparam("now"))
)
_DELETE_EXPIRED = ExpiryDelete(_SESSION.c.id, _SESSION.c.expiry_time)


def insert_session(transaction: Transaction, row: SessionRow) -> None:
    """Write a session."""
    _INSERT.run(transaction, **{name: getattr(row, name) for name in _NAMES})


def find_session(transaction: Transaction, token_hash: str) -> SessionRow | None:
    """Return the session that a token's hash names, live or not."""
    row = _FIND.first(transaction, own=token_hash)
    return SessionRow(*row) if row else None


def lock_session(transaction: Transaction, token_hash: str) -> SessionRow | None:
    """The same for one that is to be rotated: nobody else changes it until the transaction ends."""
    row = _LOCK.first(transaction, own=token_hash)
    return SessionRow(*row) if row else None


def find_live(transaction: Transaction, family: str, now: int) -> tuple[int, int] | None:
    """Return the member of a family that still has a live token, and when the member logged in."""
    row = _FIND_LIVE.first(transaction, family=family, now=now)
    return (row[0], row[1]) if row else None


def lock_live_family(transaction: Transaction, family: str, now: int) -> bool:
    """Keep others from ending a family until the transaction ends; False when it has no live token."""
    return _LOCK_LIVE.first(transaction, family=family, now=now) is not None


def find_of_member(transaction: Transaction, member_id: int, now: int) -> list[SessionRow]:
    """Return the live token of each of a member's logins, the oldest first."""
    return [SessionRow(*row) for row in _FIND_OF_MEMBER.all(transaction, member_id=member_id, now=now)]


def update_rotated(transaction: Transaction, token_hash: str, now: int) -> None:
    """Mark a refresh token as rotated; its first rotation counts."""
    _ROTATE.run(transaction, own=token_hash, now=now)


def update_seen(transaction: Transaction, token_hash: str, now: int) -> None:
    """Note that the session was used."""
    _SEEN.run(transaction, own=token_hash, now=now)


def revoke_family(transaction: Transaction, family: str, now: int) -> None:
    """End every token of a login."""
    while _REVOKE.run(transaction, own=family, now=now):
        pass


def revoke_opened_through(transaction: Transaction, member_id: int, connect_id: int, kept: str, now: int) -> None:
    """End every login of a member that came through a connection, but for the family `kept`."""
    while _REVOKE_OPENED_THROUGH.run(transaction, of_member=member_id, through=connect_id, kept=kept, now=now):
        pass


def revoke_others(transaction: Transaction, member_id: int, kept: str, now: int) -> None:
    """End every login of a member, but for the family `kept`."""
    while _REVOKE_OTHERS.run(transaction, of_member=member_id, kept=kept, now=now):
        pass


def delete_expired(transaction: Transaction, now: int, limit: int) -> int:
    """Sweep at most `limit` sessions whose time is over; returns how many."""
    return _DELETE_EXPIRED.run(transaction, now, limit)
