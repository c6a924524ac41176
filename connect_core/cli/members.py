"""`connect-login members`: what is held about one member, for the operator whom that member asked."""

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
    add_completion=False, help="What is held about a member.", no_args_is_help=True, rich_markup_mode=None
)
MemberId = Annotated[int, typer.Argument(min=1, help="The member's number, `uid` of the token answer.", metavar="ID")]


@app.callback()
def root() -> None:
    """What is held about a member."""


@app.command()
def export(member_id: MemberId, config: ConfigPath = DEFAULT) -> None:
    """Print everything that is held about a member, as JSON, without tokens and hashes."""
    held = _run(config, lambda manager: manager.personal_data.export(member_id))
    typer.echo(json.dumps(held, ensure_ascii=False, indent=2))


@app.command()
def erase(member_id: MemberId, config: ConfigPath = DEFAULT) -> None:
    """Erase a member: ids, profiles, sessions, what events tell of the person. Cannot be undone; can be repeated."""
    is_new = _run(config, lambda manager: manager.personal_data.erase(member_id, secrets.token_hex(8)))
    typer.echo(f"member {member_id} {'is erased' if is_new else 'was erased before'}")


def _run(config: Path, ask: Callable[[ConnectManager], Awaitable[T]]) -> T:
    async def run() -> T:
        settings = load(config)
        service = settings.service
        manager = ConnectManager(settings, Database(service.database_url, synchronous=service.sqlite_synchronous))
        try:
            state = schema.find_state(manager.database)
            if mistake := schema.get_advice(state, f"{schema.UPGRADE} --config {config}"):
                raise SettingsError([f"service.database_url: {mistake}"])
            return await ask(manager)
        finally:
            await manager.aclose()

    return asyncio.run(run())
