"""MySQL, with Percona Server and Aurora: what it does in its own way among the engines of the MySQL family."""

from collections.abc import Mapping
from typing import ClassVar

from connect_core.store.engine.mysql_engine import MysqlEngine, Version


class Mysql(MysqlEngine):
    """A MySQL server, or one that says it is."""

    name = "MySQL"
    oldest: ClassVar[Version] = (5, 7, 9)
    """Indexed computed columns, limits of statements, and long index keys without a setting begin there."""

    has_group_replication: ClassVar[bool] = True

    @property
    def exact_collation(self) -> str:
        """The first collation of MySQL's that neither folds nor pads."""
        return "utf8mb4_0900_bin" if self.version >= (8, 0, 17) else ""

    @property
    def has_skip_locked(self) -> bool:
        """Known since 8.0.1."""
        return self.version >= (8, 0, 1)

    def get_statement_limits(self, seconds: int) -> Mapping[str, int]:
        """Limit queries, in milliseconds. MySQL has no limit for statements that write."""
        return {"max_execution_time": seconds * 1000}
