"""Queries about sessions: opaque tokens by hash, grouped in families."""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select, update

from connect_core.models import MemberSession
from connect_core.store.database import Transaction

_SESSION = MemberSession.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One token of a login, as stored. Times are epoch seconds."""

    member_id: int
    client_type: str
    device_id: str
    family: str
    token_hash: str
    create_time: int
    seen_time: int
    expiry_time: int
    rotated_time: int | None
    revoked_time: int | None


_COLUMNS = tuple(_SESSION.c[name] for name in SessionRow.__dataclass_fields__)
_INSERT = insert(_SESSION)
_FIND = select(*_COLUMNS).where(_SESSION.c.token_hash == bindparam("hash_"))
_FIND_LIVE = select(_SESSION.c.member_id).where(
    _SESSION.c.family == bindparam("family_"),
    _SESSION.c.revoked_time.is_(None),
    _SESSION.c.expiry_time > bindparam("now_"),
)
_ROTATE = (
    update(_SESSION)
    .where(_SESSION.c.token_hash == bindparam("hash_"), _SESSION.c.rotated_time.is_(None))
    .values(rotated_time=bindparam("now_"), seen_time=bindparam("now_"))
)
_SEEN = update(_SESSION).where(_SESSION.c.token_hash == bindparam("hash_")).values(seen_time=bindparam("now_"))
_REVOKE = (
    update(_SESSION)
    .where(_SESSION.c.family == bindparam("family_"), _SESSION.c.revoked_time.is_(None))
    .values(revoked_time=bindparam("now_"))
)


def insert_session(transaction: Transaction, row: SessionRow) -> None:
    """Write a session."""
    transaction.execute(_INSERT, {name: getattr(row, name) for name in SessionRow.__dataclass_fields__})


def find_session(transaction: Transaction, token_hash: str) -> SessionRow | None:
    """Return the session that a token's hash names, live or not."""
    row = transaction.execute(_FIND, {"hash_": token_hash}).first()
    return SessionRow(*row) if row else None


def find_live_member(transaction: Transaction, family: str, now: int) -> int | None:
    """Return the member of a family that still has a live token."""
    return transaction.execute(_FIND_LIVE, {"family_": family, "now_": now}).scalar()


def update_rotated(transaction: Transaction, token_hash: str, now: int) -> None:
    """Mark a refresh token as rotated; its first rotation counts."""
    transaction.execute(_ROTATE, {"hash_": token_hash, "now_": now})


def update_seen(transaction: Transaction, token_hash: str, now: int) -> None:
    """Note that the session was used."""
    transaction.execute(_SEEN, {"hash_": token_hash, "now_": now})


def revoke_family(transaction: Transaction, family: str, now: int) -> None:
    """End every token of a login."""
    transaction.execute(_REVOKE, {"family_": family, "now_": now})


def delete_expired(transaction: Transaction, now: int, limit: int) -> int:
    """Sweep at most `limit` sessions whose time is over; returns how many."""
    old = transaction.execute(select(_SESSION.c.id).where(_SESSION.c.expiry_time < now).limit(limit)).scalars().all()
    if old:
        transaction.execute(delete(_SESSION).where(_SESSION.c.id.in_(old)))
    return len(old)
