"""A SQLite file that this process has open twice: its locks hold against other processes all the same."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from connect_core.errors import SettingsError
from connect_core.store import Database

from ...kit.acme import execute

_OTHER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("UPDATE t SET x = x + 1")
connection.commit()
connection.close()  # the last one to close a file in WAL mode takes the -wal file away
"""


def test_a_second_database_drops_no_lock_of_the_first(tmp_path: Path) -> None:
    """While one is open, another process does not take itself for the last, and the -wal file stays."""
    path = tmp_path / "connect.db"
    with closing(Database(f"sqlite:///{path}")) as database:
        execute(f"sqlite:///{path}", "CREATE TABLE t (x INTEGER)")
        read = "SELECT count(*) FROM t"
        assert database.read_blocking(lambda tx: (tx.cursor.execute(read), tx.cursor.fetchall())[1]) == [(0,)]
        Database(f"sqlite:///{path}").close()
        subprocess.run([sys.executable, "-c", _OTHER, str(path)], check=True)
        assert path.with_name("connect.db-wal").exists()
        assert database.read_blocking(lambda tx: (tx.cursor.execute(read), tx.cursor.fetchall())[1]) == [(0,)]


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    """A path that exists and cannot be a file is refused when the configuration is used, with a line that says so."""
    with pytest.raises(SettingsError, match="this is a folder"):
        Database(f"sqlite:///{tmp_path}")
