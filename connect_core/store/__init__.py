"""The only door to the database: every query, and nothing but queries. What they mean is decided above.

Queries are functions over a `Transaction`; `Database` runs a unit of them in one transaction on one thread hop.
"""

from connect_core.store import events, flows, handovers, invariants, members, people, schema, sessions, tables
from connect_core.store.database import Database
from connect_core.store.statement import Transaction

__all__ = [
    "Database",
    "Transaction",
    "events",
    "flows",
    "handovers",
    "invariants",
    "members",
    "people",
    "schema",
    "sessions",
    "tables",
]
