"""`connect-login keys`: makes keys for `[service] secret_keys`, which seal and sign, and seals anew with a new one."""

import base64
import json
import secrets
from contextlib import closing
from typing import Annotated

import typer

from connect_core.cli.acting import Operator, make_act, record_act
from connect_core.cli.configuration import DEFAULT, ConfigPath, load
from connect_core.errors import SettingsError

app = typer.Typer(
    add_completion=False,
    help="Make keys, and change from one to another.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
LONGEST_TICKET = 600
"""Seconds for which what a browser or an app holds sealed is accepted: a flow, a ticket, a proof."""


@app.callback()
def root() -> None:
    """Make keys, and change from one to another."""


@app.command()
def generate() -> None:
    """Print a new key: 32 random bytes as base64url.

    Keep it out of the repository: put it into the environment and write secret_keys = ["env:CONNECT_SECRET_KEY"].
    """
    typer.echo(new_key())


@app.command()
def webhook() -> None:
    """Print a new secret for a webhook.

    It is whsec_ and 32 random bytes as base64, for `secrets` of `[webhooks.NAME]`.
    """
    typer.echo(f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}")


@app.command()
def rotate(
    operator: Operator = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """Seal the database's secrets anew, with the first of secret_keys.

    Then the other keys can be removed. Every process of the service must have the new key first by then: one that still
    has the old key first goes on sealing with it. Logins go on meanwhile. If the command was interrupted, run it again.

    Exit code 0: all is sealed with the first key; 1: some values open with none of the keys.
    """
    from connect_core.cli.console import resumable  # noqa: PLC0415 - `keys generate` needs none of this
    from connect_core.cli.key_rotation import reseal_all  # noqa: PLC0415 - the same
    from connect_core.store import Database, schema  # noqa: PLC0415 - the same

    settings, act = load(config), make_act(operator, "")
    service = settings.service

    def advance(path: str, number: int) -> None:
        typer.echo(f"{path}: {number} values sealed", err=True)

    with closing(Database(service.database_url, synchronous=service.sqlite_synchronous)) as database, resumable():
        mistake = schema.get_advice(schema.find_state(database), f"{schema.UPGRADE} --config {config}")
        if mistake:
            raise SettingsError([f"service.database_url: {mistake}"])
        record_act(database, act, "keys.rotated", "keys")
        columns = reseal_all(database, service.keys, advance)
    unopened = sum(column.unopened for column in columns)
    if as_json:
        typer.echo(json.dumps({column.path: [column.resealed, column.unopened] for column in columns}, indent=2))
    else:
        for column in columns:
            typer.echo(f"{column.path}: {column.resealed} sealed anew, {column.unopened} open with none of the keys")
        seconds = max(settings.sessions.access_token, LONGEST_TICKET)
        typer.echo(
            "put a missing key back into secret_keys, and run this again"
            if unopened
            else f"remove the other keys in {seconds // 60} minutes: logins under way and access tokens that use them "
            "have ended by then"
        )
    raise typer.Exit(1 if unopened else 0)


def new_key() -> str:
    """Return 32 random bytes as base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
