"""The clock of the database server, compared with ours."""

import time

from connect_core.store.engine.statement import Transaction


def find_skew(transaction: Transaction) -> float | None:
    """Return by how many seconds the server's clock is ahead of ours; None where both are the same clock."""
    if not transaction.backend.clock_query:
        return None
    began_at = time.time()
    transaction.cursor.execute(transaction.backend.clock_query)
    ((seconds,),) = transaction.cursor.fetchall()
    return float(seconds) - (began_at + time.time()) / 2
