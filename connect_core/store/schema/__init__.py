"""The schema of our tables: which version a database has, whether it is as declared, and how it is upgraded.

Never changes a table that is not ours. Does not import `upgrade`, because Alembic would slow every start down.
"""

from connect_core.store.schema.state import (
    UPGRADE,
    VERSIONS,
    SchemaState,
    find_state,
    find_state_in,
    find_wrong_columns,
    get_advice,
    prepare,
)

__all__ = [
    "UPGRADE",
    "VERSIONS",
    "SchemaState",
    "find_state",
    "find_state_in",
    "find_wrong_columns",
    "get_advice",
    "prepare",
]
