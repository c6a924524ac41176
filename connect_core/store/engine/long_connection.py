"""A connection for a command that works for long: nobody waits for its answers, so nothing limits their time.

Runs one unit of work after the other on the calling thread. `database` opens it; logins never use it.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import SQLAlchemyError

from connect_core.store.engine.backend import Backend
from connect_core.store.engine.statement import Texts, Transaction
from connect_core.store.engine.workers import unavailable

T = TypeVar("T")

ATTEMPTS = 10
"""How often a unit of work that loses races is run in all."""
PAUSE_SECONDS = 0.5
"""Longest pause between two attempts."""


class LongConnection:
    """A connection of its own to a database, without time limits."""

    def __init__(self, connection: PoolProxiedConnection, backend: Backend, texts: Texts, name: str) -> None:
        """`connection` belongs to this object alone and to no pool; `texts` caches statements.

        Errors begin with `name`, unless it is empty.
        """
        self._connection = connection
        self._name = name
        self._backend = backend
        self._texts = texts

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, which only reads, in a transaction and return its result. Raises `Unavailable`."""
        return self._run(work, writes=False)

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction, commit it and return its result.

        `work` runs again after a lost race, each time in a new transaction. Raises `Unavailable`, and whatever `work`
        raises, after a rollback.
        """
        return self._run(work, writes=True)

    def _run(self, work: Callable[[Transaction], T], *, writes: bool) -> T:
        attempts_left = ATTEMPTS
        while True:
            attempts_left -= 1
            try:
                with self._transaction(writes=writes) as transaction:
                    return work(transaction)
            except (SQLAlchemyError, self._backend.driver_error) as error:
                if not attempts_left or not self._backend.is_lost_race(error):
                    raise unavailable(error, self._name) from None
            time.sleep(random.uniform(0.2, 1) * PAUSE_SECONDS)  # noqa: S311 - no secret

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Transaction]:
        begin = self._backend.begin_long_write if writes else self._backend.begin_long_read
        cursor: Any = None
        try:
            cursor = begin(self._connection)
            transaction = Transaction(cursor, self._backend, self._texts)
            yield transaction
            transaction.flush()
            self._connection.commit() if writes else self._connection.rollback()
        except BaseException:
            with suppress(Exception):  # what went wrong first says more
                self._connection.rollback()
            raise
        finally:
            if cursor is not None:
                self._backend.close_cursor(cursor)
