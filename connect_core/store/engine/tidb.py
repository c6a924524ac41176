"""TiDB: what it does in its own way among the engines of the MySQL family. Written from its documentation."""

from connect_core.store.engine.mysql import Mysql


class Tidb(Mysql):
    """A TiDB cluster, by its own version number and not by that of the MySQL which it resembles."""

    name = "TiDB"
    oldest = (5, 0)

    has_group_replication = False
    has_skip_locked = False

    @property
    def exact_collation(self) -> str:
        """The same as MySQL's, known since 7.4."""
        return "utf8mb4_0900_bin" if self.version >= (7, 4) else ""
