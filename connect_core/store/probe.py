"""Finds out whether logins could be written, by writing: a row of its own, and nothing to the tables of logins.

A server checks the right to insert, and refuses to write at all, also for a statement that concerns no row.
"""

import secrets
from functools import cache

from sqlalchemy import Executable, bindparam, delete, false, insert, select, update

from connect_core.crypto import token_hash
from connect_core.errors import Unavailable
from connect_core.store import numbering
from connect_core.store.engine.database import Database
from connect_core.store.engine.statement import Statement, Transaction, insert_into
from connect_core.store.models import (
    Alias,
    ConnectEvent,
    Connection,
    Declared,
    Member,
    MemberSession,
    UsedFlow,
    table_of,
)

_WRITTEN: tuple[type[Declared], ...] = (Connection, Alias, MemberSession, UsedFlow, ConnectEvent)
"""What a login inserts into and updates, besides its member."""
_FILLER = 32 * 1024
"""Bytes of the row on SQLite, where a small one fits into a file whose disk is full."""
_USED = table_of(UsedFlow)
_INSERT = Statement(insert_into(_USED, "hash", "flow", "expiry_time"))
_DELETE = Statement(delete(_USED).where(_USED.c.hash == bindparam("hash_of_probe")))


async def probe_write(database: Database, now: int, *, are_members_elsewhere: bool) -> None:
    """Write what a login writes, without a trace. Raises `Unavailable` when a login could not be written.

    `now` is in epoch seconds. `are_members_elsewhere` leaves out `es_member`.
    """
    models: tuple[type[Declared], ...] = _WRITTEN if are_members_elsewhere else (Member, *_WRITTEN)
    hash_ = token_hash(secrets.token_hex())

    def write(tx: Transaction) -> None:
        for model in models:
            for statement in _get_rehearsal(model):
                statement.run(tx)
        if table := numbering.find_forbidden(tx, [table_of(model) for model in models]):
            raise Unavailable(f"the database's user lacks the right USAGE to the sequence of {table}.id; grant it")
        _INSERT.run(tx, hash=hash_, flow="0" * (_FILLER if database.is_sqlite else 64), expiry_time=now)

    # two transactions: what is inserted and deleted in one may never reach the disk
    await database.write(write, is_long=True)
    await database.write(lambda tx: _DELETE.run(tx, hash_of_probe=hash_), is_long=True)


@cache
def _get_rehearsal(model: type[Declared]) -> tuple[Statement, ...]:
    """Return an INSERT and an UPDATE of no row of the table."""
    table = table_of(model)
    columns = [column for column in table.c if column.computed is None]
    nothing = select(*columns).where(false())
    statements: tuple[Executable, ...] = (
        insert(table).from_select(columns, nothing, include_defaults=False),
        update(table).where(false()).values({columns[-1]: columns[-1]}),
    )
    return tuple(map(Statement, statements))
