"""The schema of our tables: which version a database has, whether it is as declared, and how it comes to ours.

Never touches a table that is not ours. `upgrade` is imported only where a schema is made or changed: Alembic
would make every start slower.
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
