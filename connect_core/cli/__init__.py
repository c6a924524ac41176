"""The `connect-login` command: what an operator runs. Reads settings, starts things, prints; decides nothing.

Broken settings end a command with exit code 2 and one line a mistake, never with a traceback; so does a port or file
that cannot be used.
"""

import gc
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from connect_core import __version__
from connect_core.errors import ConnectError, PluginError, SettingsError

COMMANDS = {  # where each is: a function, or a `Typer` of further commands
    "demo": "demo:demo",
    "init": "serve:init",
    "serve": "serve:serve",
    "providers": "providers:providers",
    "sandbox": "sandbox:sandbox",
    "new-plugin": "new_plugin:new_plugin",
    "contract": "contract:contract",
    "plugin": "plugin:app",
    "db": "db:app",
    "keys": "keys:app",
    "import": "imports:app",
    "members": "members:app",
}


class OnDemand(Mapping[str, Any]):
    """The commands, each imported when it is asked for: the service starts without what only the others need."""

    def __getitem__(self, name: str) -> Any:
        module, _, member = COMMANDS[name].partition(":")
        gc.disable()  # what is imported stays: to look for garbage in it, then or later, takes a tenth of a start
        try:
            found = getattr(import_module(f"{__name__}.{module}"), member)
        finally:
            gc.freeze()
            gc.enable()
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.command()(found)
            found = alone
        command = typer.main.get_command(found)
        command.name = name
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """The group of them all."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": OnDemand()})


app = typer.Typer(
    cls=Commands,
    help="Third-party logins for a shop: Alipay, WeChat and any plugin, on PC, H5, app and mini program.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True)) -> None:
    """Third-party logins for a shop."""
    if version:
        typer.echo(f"connect-login {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command; the entry point `connect-login`."""
    try:
        app()
    except (SettingsError, PluginError, ConnectError) as error:
        for line in str(error).splitlines():
            typer.echo(f"connect-login: {line}", err=True)
        sys.exit(2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"connect-login: {where}{error.strerror}", err=True)
        sys.exit(2)
