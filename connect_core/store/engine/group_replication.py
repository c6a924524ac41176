"""What is different on a member of MySQL's Group Replication in multi-primary mode, where every member takes writes.

Row locks are not shared between members, and a transaction that conflicts with another member's is rolled back when it
is committed (MySQL Reference Manual, "Group Replication Limitations"): see `Backend.has_local_locks`. What another
member has committed may not be readable here yet: `WAIT` makes each transaction wait for it. In single-primary mode,
the default, one member takes writes and nothing is different.

Written from MySQL's documentation: no group was at hand.
"""

from typing import Any

from connect_core.errors import SettingsError
from connect_core.store.engine.mysql_engine import Version, write_version

WAIT = "SET SESSION group_replication_consistency = 'BEFORE'"
ROLLED_BACK = "3101"
"""ER_TRANSACTION_ROLLBACK_DURING_COMMIT: the transaction conflicted with one of another member."""
NOT_READY = frozenset({"3796", "3797", "3799"})
"""ER_GRP_TRX_CONSISTENCY_NOT_ALLOWED, _BEFORE and _BEGIN_NOT_ALLOWED: the member is not, or no longer, in the group."""
_OLDEST: Version = (8, 0, 14)
"""The first version that knows `group_replication_consistency`."""
_MODE = "SHOW GLOBAL VARIABLES LIKE 'group_replication_single_primary_mode'"
"""Anybody may ask for variables; `performance_schema.replication_group_members` needs a right that a shop's user lacks.
"""


def is_multi_primary(cursor: Any, version: Version) -> bool:
    """Tell whether the server is set up for multi-primary mode; one without the plugin is not.

    Raises `SettingsError` for a version that cannot wait for the other members.
    """
    cursor.execute(_MODE)
    row = cursor.fetchone()
    if row is None or row[1] != "OFF":
        return False
    if version < _OLDEST:
        mistake = f"MySQL {write_version(version)} is in a group in multi-primary mode, where sessions of other members"
        advice = f"are unknown for a moment: use single-primary mode, or MySQL {write_version(_OLDEST)} or newer"
        raise SettingsError([f"service.database_url: {mistake} {advice}"])
    return True
