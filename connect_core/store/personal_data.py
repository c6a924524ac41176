"""Queries for a member's right to export and to erase: every row about one member, read or deleted.

Exports contain no hash and no secret.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, case, delete, null, or_, select, update

from connect_core.store.engine.statement import RowLock, Statement, Transaction
from connect_core.store.models import (
    Alias,
    ConnectEvent,
    Connection,
    Member,
    MemberConsent,
    MemberMerge,
    MemberSession,
    VendorSessionLink,
    table_of,
)

_MEMBER, _CONNECT = table_of(Member), table_of(Connection)
_ALIAS, _SESSION = table_of(Alias), table_of(MemberSession)
_VENDOR_SESSION = table_of(VendorSessionLink)
_EVENT, _MERGE, _CONSENT = table_of(ConnectEvent), table_of(MemberMerge), table_of(MemberConsent)
_SECRET = frozenset({"password_hash", "token_hash", "family", "subject_hash"})
_INTERNAL = frozenset({"active", "generation", "lock_count"})
ERASED_NAME = "erased_"
"""Prefix of the name that an erased member gets."""


def _exported_columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.name not in _SECRET | _INTERNAL]


def _all_of(table: Table, condition: ColumnElement[bool]) -> Select[Any]:
    order = [table.c[name] for name in ("create_time", "id") if name in table.c]
    return select(*(table.c[name] for name in _exported_columns(table))).where(condition).order_by(*order)


_FIND = {
    table.name: (Statement(_all_of(table, condition)), _exported_columns(table))
    for table, condition in (
        (_MEMBER, _MEMBER.c.id == bindparam("key")),
        (_CONNECT, _CONNECT.c.member_id == bindparam("key")),
        (_ALIAS, _ALIAS.c.connect_id == bindparam("key")),
        (_SESSION, _SESSION.c.member_id == bindparam("key")),
        (_CONSENT, _CONSENT.c.member_id == bindparam("key")),
        (_EVENT, _EVENT.c.member_id == bindparam("key")),
        (_MERGE, or_(_MERGE.c.kept_id == bindparam("key"), _MERGE.c.merged_id == bindparam("key"))),
    )
}
_LOCK_MEMBER = RowLock(select(_MEMBER.c.uname).where(_MEMBER.c.id == bindparam("key")))
_DELETE_SESSIONS = Statement(delete(_SESSION).where(_SESSION.c.member_id == bindparam("key")))
_DELETE_VENDOR_SESSIONS = Statement(delete(_VENDOR_SESSION).where(_VENDOR_SESSION.c.member_id == bindparam("key")))
_DELETE_ALIASES = Statement(delete(_ALIAS).where(_ALIAS.c.connect_id == bindparam("key")))
_DELETE_CONNECTION = Statement(delete(_CONNECT).where(_CONNECT.c.id == bindparam("key")))
_IS_MERGE = _EVENT.c.kind.like("merge%")  # its detail is a member's number, needed until the event is delivered
_FORGET_SUBJECTS = Statement(
    update(_EVENT)
    .where(_EVENT.c.member_id == bindparam("key"))
    .values(subject_hash="", detail=case((_IS_MERGE, _EVENT.c.detail), else_=""))
)
_DELETE_MERGES = Statement(
    delete(_MERGE).where(or_(_MERGE.c.kept_id == bindparam("key"), _MERGE.c.merged_id == bindparam("key")))
)
_DELETE_CONSENTS = Statement(delete(_CONSENT).where(_CONSENT.c.member_id == bindparam("key")))
_TEXTS = ("nickname", "face", "mobile", "province", "city", "register_client", "password_hash")
_NUMBERS = ("create_time", "last_login", "login_count")
_ANONYMISE = Statement(
    update(_MEMBER)
    .where(_MEMBER.c.id == bindparam("key"))
    .values(
        **dict.fromkeys(_TEXTS, ""),
        **dict.fromkeys(_NUMBERS, 0),
        sex=null(),
        disabled=1,
        uname=bindparam("new_name"),
    )
)


def find_all(transaction: Transaction, table: str, key: int) -> list[dict[str, Any]]:
    """Return the rows of `table` about the member whose id is `key`, the oldest first, without secrets.

    For `es_connect_alias`, `key` is the id of a connection.
    """
    statement, names = _FIND[table]
    return [dict(zip(names, row, strict=True)) for row in statement.all(transaction, key=key)]


def lock_member(transaction: Transaction, member_id: int) -> str | None:
    """Lock the member's row until the transaction ends, and return the name, or None when there is no such member.

    Unlike `members.lock_enabled_member`, it locks a disabled member too. Logins of the member wait, and so do requests
    that bind an identity to it.
    """
    name: str | None = _LOCK_MEMBER.scalar(transaction, key=member_id)
    return name


def delete_sessions(transaction: Transaction, member_id: int) -> int:
    """Delete the member's sessions, here and what is known of those at vendors; returns how many tokens they were."""
    _DELETE_VENDOR_SESSIONS.run(transaction, key=member_id)
    return _DELETE_SESSIONS.run(transaction, key=member_id)


def delete_connection(transaction: Transaction, connect_id: int) -> None:
    """Delete a connection and its ids."""
    _DELETE_ALIASES.run(transaction, key=connect_id)
    _DELETE_CONNECTION.run(transaction, key=connect_id)


def delete_merges(transaction: Transaction, member_id: int) -> int:
    """Delete the merges of others into the member and of the member into another; returns how many."""
    return _DELETE_MERGES.run(transaction, key=member_id)


def delete_consents(transaction: Transaction, member_id: int) -> None:
    """Delete the record of what the member agreed to."""
    _DELETE_CONSENTS.run(transaction, key=member_id)


def forget_subjects(transaction: Transaction, member_id: int) -> int:
    """Empty the columns of the member's events that point to a person, and return how many events there are."""
    return _FORGET_SUBJECTS.run(transaction, key=member_id)


def anonymise_member(transaction: Transaction, member_id: int, new_name: str) -> None:
    """Disable the member, rename it to `new_name` and empty every other column but its id."""
    _ANONYMISE.run(transaction, key=member_id, new_name=new_name)
