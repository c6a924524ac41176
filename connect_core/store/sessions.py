"""Queries about sessions (`es_member_session`): opaque tokens, stored as hashes, one family of tokens for each login.

A query that revokes tokens is repeated until it changes no row, since a rotation that ran at the same time may have
inserted a successor meanwhile. What ends a login deletes its row of `es_connect_vendor_session`, too.

Which token of a family came later is told by `generation`: ids do not rise with time where each node of a cluster gives
out its own. A family's first token counts with its id, and each successor with one more than the token it succeeds.
"""

from dataclasses import dataclass

from sqlalchemy import and_, bindparam, case, delete, select, update

from connect_core.store.engine.statement import ExpiryDelete, RowLock, Statement, Transaction, insert_into
from connect_core.store.models import MemberSession, VendorSessionLink, table_of

_SESSION, _VENDOR = table_of(MemberSession), table_of(VendorSessionLink)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One token of a login. Times are epoch seconds; `location` is that of `Location.dump`.

    `generation` is 0 for the first token of a family, and for those that were written before there was this column.
    """

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
    browser: str = ""
    system: str = ""
    location: str = ""
    generation: int = 0
    id: int = 0

    @property
    def order(self) -> int:
        """The tokens of a family in order: each has a higher number than the one that it succeeds."""
        return self.generation or self.id


_COLUMNS = tuple(SessionRow.__dataclass_fields__)
_NAMES = _COLUMNS[:-1]
_INSERT = Statement(insert_into(_SESSION, *_NAMES))
_HAS_HASH = _SESSION.c.token_hash == bindparam("wanted_hash")
_FIND = Statement(select(*(_SESSION.c[name] for name in _COLUMNS)).where(_HAS_HASH))
_LOCK = RowLock(select(*(_SESSION.c[name] for name in _COLUMNS)).where(_HAS_HASH))
_IS_LIVE = (_SESSION.c.revoked_time.is_(None), _SESSION.c.expiry_time > bindparam("now"))
_FIND_LIVE = Statement(
    select(_SESSION.c.member_id, _SESSION.c.create_time).where(_SESSION.c.family == bindparam("family"), *_IS_LIVE)
)
_LOCK_LIVE = RowLock(select(_SESSION.c.id).where(_SESSION.c.family == bindparam("family"), *_IS_LIVE))
_ORDER = case((_SESSION.c.generation == 0, _SESSION.c.id), else_=_SESSION.c.generation)
_FIND_OF_MEMBER = Statement(
    select(*(_SESSION.c[name] for name in _COLUMNS))
    .where(_SESSION.c.member_id == bindparam("member_id"), _SESSION.c.rotated_time.is_(None), *_IS_LIVE)
    .order_by(_SESSION.c.create_time, _ORDER, _SESSION.c.id)
)
_ROTATE = Statement(
    update(_SESSION)
    .where(_HAS_HASH, _SESSION.c.rotated_time.is_(None))
    .values(rotated_time=bindparam("now"), seen_time=bindparam("now"))
)
_SEEN = Statement(update(_SESSION).where(_HAS_HASH).values(seen_time=bindparam("now")))
_REVOKE = Statement(
    update(_SESSION)
    .where(_SESSION.c.family == bindparam("ended_family"), _SESSION.c.revoked_time.is_(None))
    .values(revoked_time=bindparam("now"))
)
_IS_IN_OTHER_FAMILY = and_(_SESSION.c.family != bindparam("spared_family"), _SESSION.c.revoked_time.is_(None))
_REVOKE_OPENED_THROUGH = Statement(
    update(_SESSION)
    .where(
        _SESSION.c.member_id == bindparam("of_member"),
        _SESSION.c.connect_id == bindparam("through"),
        _IS_IN_OTHER_FAMILY,
    )
    .values(revoked_time=bindparam("now"))
)
_REVOKE_OTHERS = Statement(
    update(_SESSION)
    .where(_SESSION.c.member_id == bindparam("of_member"), _IS_IN_OTHER_FAMILY)
    .values(revoked_time=bindparam("now"))
)
_FORGET = Statement(delete(_VENDOR).where(_VENDOR.c.family == bindparam("ended_family")))
_FORGET_ALL = Statement(
    delete(_VENDOR).where(_VENDOR.c.member_id == bindparam("of_member"), _VENDOR.c.family != bindparam("spared_family"))
)
_FORGET_OPENED_THROUGH = Statement(
    delete(_VENDOR).where(
        _VENDOR.c.family != bindparam("spared_family"),
        _VENDOR.c.family.in_(
            select(_SESSION.c.family).where(
                _SESSION.c.member_id == bindparam("of_member"), _SESSION.c.connect_id == bindparam("through")
            )
        ),
    )
)
_IS_LATER = (_SESSION.c.family == bindparam("of_family"), bindparam("own_order") < _ORDER)
_REVOKE_UNUSED = Statement(
    update(_SESSION)
    .where(
        *_IS_LATER,
        _SESSION.c.rotated_time.is_(None),
        _SESSION.c.revoked_time.is_(None),
        _SESSION.c.seen_time < bindparam("before"),
    )
    .values(revoked_time=bindparam("now"))
)
_REVOKE_ROTATED = Statement(
    update(_SESSION)
    .where(
        _SESSION.c.family == bindparam("of_family"),
        bindparam("own_order") > _ORDER,
        _SESSION.c.rotated_time < bindparam("before"),
        _SESSION.c.revoked_time.is_(None),
    )
    .values(revoked_time=bindparam("now"))
)
_HAS_USED = Statement(select(_SESSION.c.id).where(*_IS_LATER, _SESSION.c.rotated_time >= bindparam("since")).limit(1))
_LEAVE_CONNECTION = Statement(
    update(_SESSION)
    .where(_SESSION.c.member_id == bindparam("of_member"), _SESSION.c.connect_id == bindparam("through"))
    .values(connect_id=0)
)
_DELETE_EXPIRED = ExpiryDelete(_SESSION.c.id, _SESSION.c.expiry_time)


def insert_session(transaction: Transaction, row: SessionRow) -> None:
    """Insert a token."""
    _INSERT.put_off(transaction, **{name: getattr(row, name) for name in _NAMES})


def find_session(transaction: Transaction, token_hash: str) -> SessionRow | None:
    """Return the token with this hash, live or not, or None."""
    row = _FIND.first(transaction, wanted_hash=token_hash)
    return SessionRow(*row) if row else None


def lock_session(transaction: Transaction, token_hash: str) -> SessionRow | None:
    """Return the token with this hash, live or not, and lock its row until the transaction ends: for a rotation."""
    row = _LOCK.first(transaction, wanted_hash=token_hash)
    return SessionRow(*row) if row else None


def find_live(transaction: Transaction, family: str, now: int) -> tuple[int, int] | None:
    """Return the member's id and the time of the login for a family with a live token at `now`, else None."""
    row = _FIND_LIVE.first(transaction, family=family, now=now)
    return (row[0], row[1]) if row else None


def lock_live_family(transaction: Transaction, family: str, now: int) -> bool:
    """Lock the family's live tokens until the transaction ends, so that a request that revokes them waits.

    Returns False when it has none: the login has ended.
    """
    return _LOCK_LIVE.first(transaction, family=family, now=now) is not None


def find_of_member(transaction: Transaction, member_id: int, now: int) -> list[SessionRow]:
    """Return the live token of each login of a member, oldest first."""
    return [SessionRow(*row) for row in _FIND_OF_MEMBER.all(transaction, member_id=member_id, now=now)]


def update_rotated(transaction: Transaction, token_hash: str, now: int) -> None:
    """Mark a refresh token as rotated at `now`, unless it was rotated before."""
    _ROTATE.run(transaction, wanted_hash=token_hash, now=now)


def revoke_unused_successors(transaction: Transaction, row: SessionRow, before: int, now: int) -> None:
    """Revoke every token of the family that was given out after `row`, earlier than `before`, and never used.

    Waits for a rotation that uses one of them at this moment; call `has_used_successor` afterwards.
    """
    _REVOKE_UNUSED.run(transaction, of_family=row.family, own_order=row.order, before=before, now=now)


def revoke_predecessors(transaction: Transaction, token_hash: str, before: int, now: int) -> None:
    """Revoke the tokens of the family that were given out before this one, and rotated earlier than `before`."""
    row = find_session(transaction, token_hash)
    if row is not None:
        _REVOKE_ROTATED.run(transaction, of_family=row.family, own_order=row.order, before=before, now=now)


def has_used_successor(transaction: Transaction, row: SessionRow) -> bool:
    """Tell whether a token of the family that was given out after `row` was used since `row` was."""
    return _HAS_USED.first(transaction, of_family=row.family, own_order=row.order, since=row.rotated_time) is not None


def leave_connection(transaction: Transaction, member_id: int, connect_id: int) -> None:
    """Let the member's sessions no longer point at a connection, whose row is about to be deleted."""
    _LEAVE_CONNECTION.run(transaction, of_member=member_id, through=connect_id)


def update_seen(transaction: Transaction, token_hash: str, now: int) -> None:
    """Note that the token was used at `now`."""
    _SEEN.run(transaction, wanted_hash=token_hash, now=now)


def revoke_family(transaction: Transaction, family: str, now: int) -> bool:
    """Revoke every token of a login; False when it had none that was not revoked."""
    was_live = False
    while _REVOKE.run(transaction, ended_family=family, now=now):
        was_live = True
    _FORGET.run(transaction, ended_family=family)
    return was_live


def revoke_opened_through(transaction: Transaction, member_id: int, connect_id: int, spared: str, now: int) -> None:
    """Revoke every login of a member that used a connection, except the family `spared` (empty: none)."""
    values = {"of_member": member_id, "through": connect_id, "spared_family": spared, "now": now}
    while _REVOKE_OPENED_THROUGH.run(transaction, **values):
        pass
    del values["now"]
    _FORGET_OPENED_THROUGH.run(transaction, **values)


def revoke_others(transaction: Transaction, member_id: int, spared: str, now: int) -> None:
    """Revoke every login of a member, except the family `spared` (empty: none)."""
    while _REVOKE_OTHERS.run(transaction, of_member=member_id, spared_family=spared, now=now):
        pass
    _FORGET_ALL.run(transaction, of_member=member_id, spared_family=spared)


def delete_expired(transaction: Transaction, now: int, limit: int) -> int:
    """Delete at most `limit` expired tokens and return how many."""
    return _DELETE_EXPIRED.run(transaction, now, limit)
