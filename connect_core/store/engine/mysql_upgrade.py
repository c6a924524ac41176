"""Keeps upgrades of one database apart on the MySQL family: a row says who upgrades, and that they are still alive.

Named locks (GET_LOCK) are no help: on Galera they belong to one node, and OceanBase keeps one when its session has
ended. The table is made here and stays. It is no part of the schema, and is used by nothing else.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from connect_core.errors import Unavailable
from connect_core.store.engine.backend import Backend
from connect_core.store.engine.failures import find_number
from connect_core.store.engine.workers import RESPONSE_TIMEOUT_SECONDS

BEAT_SECONDS = 1.0
"""How often an upgrade shows that it is alive, and how often those who wait look."""
SILENT_LOOKS = 10
"""After how many looks without a sign of life an upgrade counts as dead.

Looks are counted and not seconds, because each look writes: while a long statement of the upgrade keeps a whole cluster
from writing, neither does it give a sign of life nor do others count.
"""
_CREATE = (
    "CREATE TABLE IF NOT EXISTS es_connect_upgrade (id INTEGER NOT NULL PRIMARY KEY, "
    "owner VARCHAR(255) CHARACTER SET utf8mb4 NOT NULL, beats BIGINT NOT NULL, looks BIGINT NOT NULL)"
)
_FILL = "INSERT IGNORE INTO es_connect_upgrade (id, owner, beats, looks) VALUES (1, '', 0, 0)"
_LOOK = "UPDATE es_connect_upgrade SET looks = looks + 1 WHERE id = 1"
_READ = "SELECT owner, beats FROM es_connect_upgrade WHERE id = 1"
_TAKE = "UPDATE es_connect_upgrade SET owner = %s, beats = beats + 1 WHERE id = 1 AND owner = %s AND beats = %s"
_BEAT = "UPDATE es_connect_upgrade SET beats = beats + 1 WHERE id = 1 AND owner = %s"
_FREE = "UPDATE es_connect_upgrade SET owner = '' WHERE id = 1 AND owner = %s"
_ALREADY_THERE = "1050"
"""ER_TABLE_EXISTS_ERROR: two create the table at once."""
_NOT_THERE_YET = "1146"
"""ER_NO_SUCH_TABLE: OceanBase says so for a moment of a table that another process has just created."""


class UpgradeLock:
    """The right to upgrade one database. Use it from one thread."""

    def __init__(self, connection: Any, backend: Backend, stop: Callable[[], None]) -> None:
        """`connection` is PyMySQL's, for the lock alone and without time limits; `release` closes it.

        `stop` ends the upgrade's own connection when another process has taken the lock over.
        """
        self.is_lost = False
        self._connection = connection
        self._connection.autocommit(True)
        self._backend = backend
        self._stop = stop
        self._owner = f"process {os.getpid()} on {socket.gethostname()[:64]}, {uuid.uuid4()}"
        self._is_over = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="connect-upgrade", daemon=True)

    def acquire(self, seconds: int, tell: Callable[[str], object]) -> None:
        """Wait until no other upgrade has the lock, and take it. Raises `Unavailable` after `seconds`."""
        last, silent_looks, is_told = ("", -1), 0, False
        ends_at = time.monotonic() + seconds
        self._run(_CREATE)
        while not self._is_there() and time.monotonic() < ends_at:
            time.sleep(BEAT_SECONDS)
        while time.monotonic() < ends_at:
            is_counted = self._run(_FILL) is not None and bool(self._run(_LOOK))
            current = self._read()
            silent_looks = silent_looks + is_counted if current == last else 0
            owner, beats = last = current
            is_free = beats >= 0 and (not owner or silent_looks > SILENT_LOOKS)
            if is_free:
                if self._run(_TAKE, self._owner, owner, beats):
                    self._beating.start()
                    return
                owner, _ = self._read()  # another process took the lock meanwhile
            if owner and not is_told:
                tell(f"waiting for the upgrade of {owner.partition(',')[0]}")
                is_told = True
            time.sleep(BEAT_SECONDS)
        raise Unavailable("another upgrade holds the lock")

    def release(self) -> None:
        """Let the next one go on, and close the connection."""
        self._is_over.set()
        if self._beating.is_alive():
            self._beating.join(RESPONSE_TIMEOUT_SECONDS)
        if self._beating.is_alive():  # the server does not answer
            self._backend.cut(self._connection)
            self._beating.join()
        with suppress(Exception):  # who waits takes the lock over a little later
            self._run(_FREE, self._owner)
            self._connection.close()

    def _beat(self) -> None:
        while not self._is_over.wait(BEAT_SECONDS):
            try:
                rows = self._run(_BEAT, self._owner)
            except self._backend.driver_error:
                rows = 0
            if rows == 0:
                self.is_lost = True
                self._stop()
                return

    def _is_there(self) -> bool:
        """Tell whether the table can be read."""
        try:
            self._read()
        except self._backend.driver_error as error:
            if find_number(error) != _NOT_THERE_YET:
                raise
            return False
        return True

    def _read(self) -> tuple[str, int]:
        """Return who has the lock, and how often they have shown that they are alive; -1 before the row is there."""
        cursor = self._connection.cursor()
        cursor.execute(_READ)
        row: tuple[str, int] = cursor.fetchone() or ("", -1)
        return row

    def _run(self, statement: str, *values: object) -> int | None:
        """Return how many rows the statement changed, None when another transaction got in its way."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(statement, values)
        except self._backend.driver_error as error:
            if find_number(error) in self._backend.race_numbers | {_ALREADY_THERE}:
                return None
            raise
        return int(cursor.rowcount)
