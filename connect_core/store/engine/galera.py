"""What is different on a node of a Galera cluster. Every node takes writes; they conflict when they are committed.

Row locks keep off the transactions of the same node alone: see `Backend.has_local_locks`. What another node has
committed may not be readable here yet: `WAIT` makes the first statement of each transaction wait for it.
"""

from typing import Any

WAIT = "SET SESSION wsrep_sync_wait = 7"
"""Before a SELECT (1), an UPDATE or DELETE (2), an INSERT (4), whichever begins the transaction."""
NOT_READY = "1047"
"""ER_UNKNOWN_COM_ERROR: the node has lost the majority of its cluster, or has not caught up with it."""
_IS_NODE = "SHOW GLOBAL VARIABLES LIKE 'wsrep_on'"


def is_node(cursor: Any) -> bool:
    """Tell whether the server is a node of a cluster; servers that know nothing of Galera are none."""
    cursor.execute(_IS_NODE)
    row = cursor.fetchone()
    return row is not None and row[1] == "ON"
