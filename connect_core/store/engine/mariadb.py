"""MariaDB: what it does in its own way among the engines of the MySQL family."""

from collections.abc import Mapping

from connect_core.store.engine.mysql_engine import EXACT_COLLATION, MysqlEngine


class Mariadb(MysqlEngine):
    """A MariaDB server, alone or in a Galera cluster."""

    name = "MariaDB"
    oldest = (10, 6)  # SKIP LOCKED

    exact_collation = EXACT_COLLATION
    has_skip_locked = True

    def get_statement_limits(self, seconds: int) -> Mapping[str, int]:
        """Limit every statement, in seconds."""
        return {"max_statement_time": seconds}
