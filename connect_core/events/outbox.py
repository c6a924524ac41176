"""The outbox: converts events to rows of `es_connect_event`, and undelivered rows back to events."""

from connect_core.events import kinds
from connect_core.identity import ClientType
from connect_core.providers.hookspecs import ErasedEvent, LoginEvent, MergeEvent
from connect_core.store.events import EventRow

_NEW_MEMBER = "new_member"
"""The `detail` of a login that registered its member."""
_NO_LOGIN = dict.fromkeys(("provider", "client_type", "union_type"), "")
"""Columns that only the events of a login fill."""


def to_row(event: LoginEvent | MergeEvent | ErasedEvent, connect_id: int, subject_hash: str) -> dict[str, object]:
    """Return the row that stores `event`, without `dispatched_at`.

    `connect_id` is the connection it is about, `subject_hash` a keyed hash of the person's id. That a member was erased
    is stored with the time and the request, and nothing about the person.
    """
    if isinstance(event, ErasedEvent):
        return {
            **_NO_LOGIN,
            "kind": kinds.ERASED,
            "member_id": event.member_id,
            "connect_id": 0,
            "subject_hash": "",
            "request_id": event.request_id,
            "create_time": event.time,
            "detail": "",
        }
    if isinstance(event, MergeEvent):
        return {
            **_NO_LOGIN,
            "kind": event.kind,
            "member_id": event.kept_id,
            "connect_id": connect_id,
            "subject_hash": subject_hash,
            "request_id": event.request_id,
            "create_time": event.time,
            "detail": str(event.merged_id),
        }
    return {
        "kind": event.kind,
        "member_id": event.member_id,
        "connect_id": connect_id,
        "provider": event.provider,
        "client_type": event.client_type,
        "union_type": event.union_type,
        "subject_hash": subject_hash,
        "request_id": event.request_id,
        "create_time": event.time,
        "detail": _NEW_MEMBER if event.is_new_member else event.detail,
    }


def from_row(row: EventRow) -> LoginEvent | MergeEvent | ErasedEvent:
    """Return the event that a row stores, as plugins get it."""
    if row.kind == kinds.ERASED:
        return ErasedEvent(row.member_id, row.request_id, row.create_time, row.id)
    if row.kind in (kinds.MERGED, kinds.MERGE_UNDONE):
        return MergeEvent(row.kind, row.member_id, int(row.detail), row.request_id, row.create_time, row.id)
    return LoginEvent(
        id=row.id,
        kind=row.kind,
        member_id=row.member_id,
        provider=row.provider,
        client_type=ClientType(row.client_type),
        union_type=row.union_type,
        is_new_member=row.detail == _NEW_MEMBER,
        request_id=row.request_id,
        time=row.create_time,
        detail="" if row.detail == _NEW_MEMBER else row.detail,
    )
