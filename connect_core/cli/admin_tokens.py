"""`connect-login admin token`: creates, lists and revokes the bearer tokens of the management API."""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from connect_core.administrators.api_tokens import ApiToken, ApiTokens, Scope
from connect_core.cli.acting import AsJson, Operator, make_act, run_with_manager
from connect_core.cli.configuration import DEFAULT, ConfigPath
from connect_core.errors import SettingsError
from connect_core.settings.values import parse_duration

T = TypeVar("T")

app = typer.Typer(
    add_completion=False,
    help="Create, list and revoke tokens of the management API.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def root() -> None:
    """Create, list and revoke tokens of the management API."""


@app.command()
def create(
    name: Annotated[
        str, typer.Argument(help="What the token is for: the audit log shows it as the operator.", metavar="NAME")
    ],
    scope: Annotated[list[Scope], typer.Option("--scope", help="What it may do; give it once for each scope.")],
    expires: Annotated[str, typer.Option("--expires", help="How long it is valid, such as 90d.")] = "90d",
    operator: Operator = "",
    config: ConfigPath = DEFAULT,
) -> None:
    """Create a token and print it, alone on standard output. It is shown this once."""
    try:
        seconds = parse_duration(expires)
    except ValueError as error:
        raise SettingsError([f"--expires: {error}"]) from None
    act = make_act(operator, "")
    token = _run(config, lambda tokens: tokens.create(name, set(scope), seconds, act))
    end = _write_day(int(time.time()) + seconds)
    typer.echo(f"{name} may {', '.join(sorted(set(scope)))} until {end}. The token is shown this once:", err=True)
    typer.echo(token)


@app.command(name="list")
def list_tokens(
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """List the tokens with their scopes, state, end and last use.

    Those that are no longer valid are listed too.
    """
    tokens = _run(config, lambda tokens: tokens.find_all())
    if as_json:
        typer.echo(json.dumps([{**asdict(token), "scopes": sorted(token.scopes)} for token in tokens], indent=2))
        return
    for token in tokens:
        typer.echo(_describe(token))
    if not tokens:
        typer.echo("there is no token; connect-login admin token create makes one")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The token's name.", metavar="NAME")],
    operator: Operator = "",
    config: ConfigPath = DEFAULT,
) -> None:
    """Refuse a token from the next request on."""
    act = make_act(operator, "")
    _run(config, lambda tokens: tokens.revoke(name, act))
    typer.echo(f"{name} is revoked")


def _describe(token: ApiToken) -> str:
    used = f"last used {_write_day(token.seen_time)}" if token.seen_time else "never used"
    scopes = ", ".join(sorted(token.scopes))
    return f"{token.name}  {token.state}  until {_write_day(token.expiry_time)}  {used}  {scopes}"


def _write_day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _run(config: Path, action: Callable[[ApiTokens], Awaitable[T]]) -> T:
    return run_with_manager(config, lambda manager: action(ApiTokens(manager.database, manager.services.now)))
