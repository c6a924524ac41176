"""PolarDB-X: what it does in its own way among the engines of the MySQL family. Written from its documentation."""

from connect_core.store.engine.mysql import Mysql


class Polardbx(Mysql):
    """A PolarDB-X cluster. It resembles MySQL 5.7, whichever version it reports."""

    name = "PolarDB-X"
    oldest = (5, 4)  # its own versions begin there

    exact_collation = ""
    has_group_replication = False
    has_skip_locked = False
