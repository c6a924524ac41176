"""The outbox: events as rows of `es_connect_event`, and read back as events for plugins that have not heard of them."""

from connect_core.events import kinds
from connect_core.identity import ClientType
from connect_core.providers.hookspecs import ErasedEvent, LoginEvent, MergeEvent
from connect_core.store import Transaction, events
from connect_core.store.events import EventRow

_OF_NEW_MEMBER = "new_member"
_NOT_A_LOGINS = dict.fromkeys(("provider", "client_type", "union_type"), "")


def to_row(event: LoginEvent | MergeEvent, connect_id: int, subject_hash: str) -> dict[str, object]:
    """Return the event as a row that no plugin was told of yet; `subject_hash` is keyed."""
    if isinstance(event, MergeEvent):
        told = {"kind": event.kind, "member_id": event.kept_id, "detail": str(event.merged_id)}
        named = {"connect_id": connect_id, "subject_hash": subject_hash, "request_id": event.request_id}
        return {**_NOT_A_LOGINS, **told, **named, "create_time": event.time}
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
        "detail": _OF_NEW_MEMBER if event.is_new_member else "",
    }


def from_row(row: EventRow) -> LoginEvent | MergeEvent:
    """Return a row as the event that plugins are told."""
    if row.kind in (kinds.MERGED, kinds.MERGE_UNDONE):
        return MergeEvent(row.kind, row.member_id, int(row.detail), row.request_id, row.create_time, row.id)
    return LoginEvent(
        id=row.id,
        kind=row.kind,
        member_id=row.member_id,
        provider=row.provider,
        client_type=ClientType(row.client_type),
        union_type=row.union_type,
        is_new_member=row.detail == _OF_NEW_MEMBER,
        request_id=row.request_id,
        time=row.create_time,
    )


def write_erased(transaction: Transaction, event: ErasedEvent) -> None:
    """Write that a member was erased: when, on which request, and nothing of whom it was."""
    empty = {**_NOT_A_LOGINS, "subject_hash": "", "detail": ""}
    times = dict.fromkeys(("create_time", "dispatched_at"), event.time)
    row = {"kind": kinds.ERASED, "member_id": event.member_id, "connect_id": 0, "request_id": event.request_id}
    events.insert_events(transaction, [{**row, **empty, **times}])
