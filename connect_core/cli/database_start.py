"""What `serve` does about its database before it listens: waits for it, checks it, compares it with the workers.

Upgrades nothing; `db upgrade` does.
"""

import logging
import time

import typer

from connect_core.errors import Unavailable
from connect_core.store import Database, schema
from connect_core.store.condition import find_connection_limit
from connect_core.store.schema import SchemaState

PAUSE_SECONDS = 0.5
"""Time between two looks at a database that is waited for."""
REMINDER_SECONDS = 60
"""Time after which the same reason is shown again."""
log = logging.getLogger("connect_login")


def prepare_database(database: Database, command: str, *, wait_seconds: int, processes: int) -> None:
    """Check that the service can run on the database; wait up to `wait_seconds` until it can.

    `command` is what an error tells the operator to run. A warning in the log says so when `processes` of them may
    open more connections than the server takes. Raises what `schema.prepare` raises.
    """
    _wait(database, command, time.monotonic() + wait_seconds)
    schema.prepare(database, command)
    limit, size = database.read_blocking(find_connection_limit), database.backend.writer_threads
    if limit is not None and processes * size > limit:
        fields = {"workers": processes, "database_pool_size": size, "needed": processes * size, "limit": limit}
        log.warning("too_few_connections", extra=fields)


def _wait(database: Database, command: str, ends_at: float) -> None:
    """Wait while the database does not answer, or lacks an upgrade that somebody else runs; tell why on stderr."""
    shown, shown_at = "", 0.0
    while (now := time.monotonic()) < ends_at and (reason := _find_obstacle(database, command)):
        if reason != shown or now >= shown_at + REMINDER_SECONDS:
            typer.echo(f"connect-login: waits for the database, {ends_at - now:.0f} s at most: {reason}", err=True)
            shown, shown_at = reason, now
        time.sleep(min(PAUSE_SECONDS, ends_at - now))


def _find_obstacle(database: Database, command: str) -> str:
    """Return why the database cannot be used yet; empty when it can be, and when no wait will change what is wrong."""
    try:
        state = schema.find_state(database)
    except Unavailable as error:
        return str(error)
    needs_upgrade = state is SchemaState.OLD or (state is SchemaState.MISSING and not database.is_sqlite)
    return schema.get_advice(state, command) if needs_upgrade else ""
