"""The only door to the database: every query, and nothing but queries. What they mean is decided above.

Queries are functions over a `Transaction`; `Database` runs a unit of them in one transaction on one thread hop.
"""

from connect_core.store import connections, events, flows, members, qr_logins, schema, sessions
from connect_core.store.engine.database import Database
from connect_core.store.engine.statement import Transaction

__all__ = [
    "Database",
    "Transaction",
    "connections",
    "events",
    "flows",
    "members",
    "qr_logins",
    "schema",
    "sessions",
]
