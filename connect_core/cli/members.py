"""`connect-login members`: exports or erases what is stored about a member, for an operator whom the member asked."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from connect_core.cli.configuration import DEFAULT, ConfigPath, load
from connect_core.errors import SettingsError
from connect_core.manager import ConnectManager
from connect_core.store import Database, schema

T = TypeVar("T")

app = typer.Typer(
    add_completion=False,
    help="Export or erase what is stored about a member.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
MemberId = Annotated[
    int,
    typer.Argument(
        min=1, help="The member's id: `uid` in /connect/me and in the token response, `id` in es_member.", metavar="ID"
    ),
]


@app.callback()
def root() -> None:
    """Export or erase what is stored about a member."""


@app.command()
def export(member_id: MemberId, config: ConfigPath = DEFAULT) -> None:
    """Print what is stored about a member, as JSON.

    Everything but tokens and hashes, as the member gets it on /connect/account/export.
    """
    data = _run(config, lambda manager: manager.personal_data.export(member_id))
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


@app.command()
def erase(member_id: MemberId, config: ConfigPath = DEFAULT) -> None:
    """Erase what is stored about a member.

    That is ids, profiles, sessions, and what events say about the person. It cannot be undone.
    A second run changes nothing.
    """
    is_new = _run(config, lambda manager: manager.personal_data.erase(member_id, secrets.token_hex(8)))
    typer.echo(f"member {member_id} {'is erased' if is_new else 'was erased before'}")


def _run(config: Path, action: Callable[[ConnectManager], Awaitable[T]]) -> T:
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
