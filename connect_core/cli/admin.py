"""`connect-login admin`: creates the administrators of the admin page, lists and changes them.

The first operator can be created only here. Needs the extra `admin`.
"""

import asyncio
import io
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import segno
import typer

from connect_core.administrators.roles import Role
from connect_core.cli import admin_tokens
from connect_core.cli.acting import AsJson, Operator, make_act
from connect_core.cli.configuration import DEFAULT, ConfigPath, load
from connect_core.errors import PasswordRefused, SettingsError
from connect_core.settings import load_settings
from connect_core.store import Database, schema

if TYPE_CHECKING:
    from connect_core.administrators.accounts import Accounts

T = TypeVar("T")

app = typer.Typer(
    add_completion=False,
    help="Create, list and change the administrators of the admin page.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(admin_tokens.app, name="token")
Name = Annotated[str, typer.Argument(help="The administrator's name.", metavar="NAME")]
RoleOption = Annotated[Role, typer.Option("--role", help="What the administrator may do.")]


@app.callback()
def root() -> None:
    """Create, list and change the administrators of the admin page."""


@app.command()
def create(
    name: Annotated[
        str, typer.Argument(help="At most 48 letters, digits and signs of . _ @ - for the sign-in.", metavar="NAME")
    ],
    role: RoleOption,
    operator: Operator = "",
    config: ConfigPath = DEFAULT,
) -> None:
    """Create an administrator with password and authenticator app.

    Asks for the password twice, or reads it from a pipe. Prints the secret of the one-time passwords, as a text, as the
    address that authenticator apps read, and as a QR code of that; it is shown this once.
    """
    _check_extra()
    from connect_core.administrators.accounts import check_name  # noqa: PLC0415 - needs the extra
    from connect_core.crypto.one_time_passwords import new_totp_secret  # noqa: PLC0415 - the same

    check_name(name)
    hashed, secret = _ask_for_password(name), new_totp_secret()
    act = make_act(operator, "")
    _run(config, lambda accounts: accounts.create(name, role, act, password_hash=hashed, totp_secret=secret))
    typer.echo(f"{name} is created with the role {role}")
    _print_secret(secret, name, load_settings(config).pages.get_name("en"))


@app.command(name="list")
def list_administrators(as_json: AsJson = False, config: ConfigPath = DEFAULT) -> None:
    """List the administrators with role, state and last sign-in."""
    accounts = _run(config, lambda accounts: accounts.find_all())
    if as_json:
        typer.echo(json.dumps([asdict(account) for account in accounts], ensure_ascii=False, indent=2))
        return
    for account in accounts:
        last = datetime.fromtimestamp(account.last_login, UTC).strftime("%Y-%m-%d %H:%M UTC")
        totp = "" if account.has_totp or account.state == "waiting" else ", without one-time password"
        typer.echo(f"{account.name}  {account.role}  {account.state}{totp}  {last if account.last_login else 'never'}")
    if not accounts:
        typer.echo("there is no administrator; connect-login admin create makes one")


@app.command()
def disable(name: Name, operator: Operator = "", config: ConfigPath = DEFAULT) -> None:
    """Refuse an administrator from now on, and end the sessions."""
    act = make_act(operator, "")
    _run(config, lambda accounts: accounts.disable(name, act))
    typer.echo(f"{name} is disabled")


@app.command()
def enable(name: Name, operator: Operator = "", config: ConfigPath = DEFAULT) -> None:
    """Let an administrator sign in again."""
    act = make_act(operator, "")
    _run(config, lambda accounts: accounts.enable(name, act))
    typer.echo(f"{name} is enabled")


@app.command("set-role")
def set_role(name: Name, role: RoleOption, operator: Operator = "", config: ConfigPath = DEFAULT) -> None:
    """Give an administrator another role, from the next request on."""
    act = make_act(operator, "")
    _run(config, lambda accounts: accounts.set_role(name, role, act))
    typer.echo(f"{name} has the role {role}")


@app.command("set-password")
def set_password(name: Name, operator: Operator = "", config: ConfigPath = DEFAULT) -> None:
    """Give an administrator another password.

    Ends the sessions. Asks for the password as `admin create` does.
    """
    _check_extra()
    act, hashed = make_act(operator, ""), _ask_for_password(name)
    _run(config, lambda accounts: accounts.set_password(name, hashed, act))
    typer.echo(f"{name} has another password")


@app.command("reset-totp")
def reset_totp(name: Name, operator: Operator = "", config: ConfigPath = DEFAULT) -> None:
    """Give an administrator a new secret for one-time passwords.

    Prints it as `admin create` does, and ends the sessions.
    """
    act = make_act(operator, "")
    secret = _run(config, lambda accounts: accounts.reset_totp(name, act))
    _print_secret(secret, name, load_settings(config).pages.get_name("en"))


def _ask_for_password(name: str) -> str:
    """Return the hash of a password that somebody types twice, or that comes through a pipe."""
    from connect_core.crypto import hash_password  # noqa: PLC0415 - slow to import
    from connect_core.members.passwords import check_password  # noqa: PLC0415 - the same

    if sys.stdin.isatty():
        password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        check_password(password, name)
    except PasswordRefused as error:
        raise SettingsError([f"password: {error.detail}"]) from None
    return hash_password(password)


def _print_secret(secret: str, name: str, shop: str) -> None:
    from connect_core.crypto.one_time_passwords import get_totp_address  # noqa: PLC0415 - needs the extra

    address = get_totp_address(secret, name, shop or "connect-login")
    typer.echo(f"secret of the one-time passwords: {secret}\n{address}")
    picture = io.StringIO()
    segno.make_qr(address, error="l").terminal(picture, compact=True)
    typer.echo(picture.getvalue())


def _check_extra() -> None:
    if find_spec("pyotp") is None:
        raise SettingsError(["the extra admin is missing: pip install 'connect-login[admin]'"])


def _run(config: Path, action: "Callable[[Accounts], Awaitable[T]]") -> T:
    _check_extra()
    from connect_core.administrators.accounts import Accounts  # noqa: PLC0415 - needs the extra

    settings = load(config)
    service = settings.service

    async def run() -> T:
        database = Database(service.database_url, synchronous=service.sqlite_synchronous)
        try:
            if mistake := schema.get_advice(schema.find_state(database), f"{schema.UPGRADE} --config {config}"):
                raise SettingsError([f"service.database_url: {mistake}"])
            has_provider = bool(settings.admin.provider)
            return await action(Accounts(database, service.keys, lambda: int(time.time()), has_provider=has_provider))
        finally:
            database.close()

    return asyncio.run(run())
