"""Queries about events: what happened, written with what made it happen."""

from collections.abc import Mapping, Sequence

from connect_core.models import ConnectEvent
from connect_core.store.statement import Statement, Transaction, insert_into

_COLUMNS = (
    "kind",
    "member_id",
    "connect_id",
    "provider",
    "client_type",
    "union_type",
    "subject_hash",
    "request_id",
    "create_time",
)
_INSERT = Statement(insert_into(ConnectEvent.__table__, *_COLUMNS))  # type: ignore[attr-defined]


def insert_events(transaction: Transaction, rows: Sequence[Mapping[str, object]]) -> None:
    """Write events; the names are columns of `es_connect_event`."""
    _INSERT.run_many(transaction, rows)
