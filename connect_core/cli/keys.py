"""`connect-login keys`: makes keys for `[service] secret_keys`, which seal flows and sign access tokens."""

import base64
import secrets

import typer

app = typer.Typer(
    add_completion=False, help="Make keys for [service] secret_keys.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def root() -> None:
    """Make keys for [service] secret_keys."""


@app.command()
def generate() -> None:
    """Print a new key: 32 random bytes as base64url.

    Keep it out of the repository: put it into the environment and write secret_keys = ["env:CONNECT_SECRET_KEY"].
    """
    typer.echo(new_key())


def new_key() -> str:
    """Return 32 random bytes as base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
