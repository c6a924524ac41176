"""Queries about events: what happened, written with what made it happen."""

from collections.abc import Mapping, Sequence

from sqlalchemy import insert

from connect_core.models import ConnectEvent
from connect_core.store.database import Transaction

_INSERT = insert(ConnectEvent.__table__)  # type: ignore[attr-defined]


def insert_events(transaction: Transaction, rows: Sequence[Mapping[str, object]]) -> None:
    """Write events; the names are columns of `es_connect_event`."""
    transaction.execute(_INSERT, rows)
