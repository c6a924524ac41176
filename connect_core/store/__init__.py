"""Everything that talks to the database: each query is a function over a `Transaction`, one module for each subject.

`Database` runs a unit of work, which calls several of them, in one transaction. No rule about logins or members is
decided here, and nothing else imports SQLAlchemy.
"""

from connect_core.store import (
    clock,
    connections,
    events,
    flows,
    identities,
    members,
    moved_ids,
    qr_logins,
    schema,
    sessions,
    vendor_sessions,
)
from connect_core.store.engine.database import Database
from connect_core.store.engine.statement import Transaction

__all__ = [
    "Database",
    "Transaction",
    "clock",
    "connections",
    "events",
    "flows",
    "identities",
    "members",
    "moved_ids",
    "qr_logins",
    "schema",
    "sessions",
    "vendor_sessions",
]
