"""What commands share that act for an operator on a shop's database: who acts, the audit log, a manager to act with."""

import asyncio
import getpass
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from connect_core.acts import NAME_LENGTH, OperatorAct
from connect_core.cli.configuration import load
from connect_core.errors import SettingsError
from connect_core.request_ids import new_request_id

if TYPE_CHECKING:
    from connect_core.manager import ConnectManager
    from connect_core.store import Database

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: times are seconds since 1970-01-01 UTC.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit log: at most 160 characters.")]
Operator = Annotated[
    str, typer.Option("--operator", help="Who does it, for the audit log. Default: the user who runs the command.")
]


def make_act(operator: str, reason: str) -> OperatorAct:
    """Return what is recorded of a command; without an `operator` it is the user who runs it, also behind sudo.

    Raises `BadRequest` for a text that is too long.
    """
    return OperatorAct(operator or _get_user(), reason, new_request_id())


def record_act(database: "Database", act: OperatorAct, action: str, target: str, detail: str = "") -> None:
    """Write into the audit log what a command is about to do that is more than one transaction; as `insert_record`.

    It is written before the work begins, so that a run which is killed is recorded too. Raises `Unavailable`.
    """
    from connect_core.store import audit  # noqa: PLC0415 - `keys generate` needs no database

    with database.open_long() as connection:
        connection.write(lambda tx: audit.insert_record(tx, act, action, target, int(time.time()), detail))


def run_with_manager(config: Path, action: "Callable[[ConnectManager], Awaitable[T]]") -> T:
    """Run `action` with a manager on the database of a configuration. Raises `SettingsError` for an older schema."""
    from connect_core.manager import ConnectManager  # noqa: PLC0415 - `keys generate` needs neither
    from connect_core.store import Database, schema  # noqa: PLC0415 - the same

    async def run() -> T:
        settings = load(config)
        service = settings.service
        manager = ConnectManager(settings, Database(service.database_url, synchronous=service.sqlite_synchronous))
        try:
            state = schema.find_state(manager.database)
            if mistake := schema.get_advice(state, f"{schema.UPGRADE} --config {config}"):
                raise SettingsError([f"service.database_url: {mistake}"])
            return await action(manager)
        finally:
            await manager.aclose()

    return asyncio.run(run())


def _get_user() -> str:
    with suppress(OSError, KeyError):  # a number without a name, in a container
        return (os.environ.get("SUDO_USER") or getpass.getuser())[:NAME_LENGTH]
    return "unknown"
