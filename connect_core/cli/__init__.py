"""The `connect-login` command: reads settings, starts services, prints. It holds no rules about logins.

A mistake in the settings, and a port or file that cannot be used, ends a command with exit code 2 and a line on
standard error for each mistake, without a traceback.
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
from connect_core.renamed import get_notice

COMMANDS = {  # for each: its module and, in it, a function or a `Typer` with subcommands
    "demo": "demo:demo",
    "init": "serve:init",
    "serve": "serve:serve",
    "doctor": "doctor:doctor",
    "providers": "providers:providers",
    "sandbox": "sandbox:sandbox",
    "plugin": "plugin:app",
    "db": "db:app",
    "keys": "keys:app",
    "admin": "admin:app",
    "settings": "settings:app",
    "import": "imports:app",
    "members": "members:app",
    "explain": "explain:explain",
    "pages": "pages:app",
}


RENAMED_COMMANDS = {"new-plugin": "plugin.new:new", "contract": "plugin.check:check"}
"""Old names of commands, which work for one release: `plugin new` and `plugin check`."""


class OnDemand(Mapping[str, Any]):
    """The commands by name. A look-up imports the command's module, so `serve` starts without what only others need."""

    def __getitem__(self, name: str) -> Any:
        module, _, member = {**COMMANDS, **RENAMED_COMMANDS}[name].partition(":")
        gc.disable()  # modules stay; searching them for garbage takes a tenth of the start, so they are frozen below
        try:
            target = getattr(import_module(f"{__name__}.{module}"), member)
        finally:
            gc.freeze()
            gc.enable()
        if not isinstance(target, typer.Typer):
            function, target = target, typer.Typer(add_completion=False, rich_markup_mode=None)
            target.command()(function)
        command = typer.main.get_command(target)
        command.name = name
        return command if name in COMMANDS else _mark_renamed(command, name, module.replace(".", " "))

    def __iter__(self) -> Iterator[str]:
        return iter((*COMMANDS, *RENAMED_COMMANDS))

    def __len__(self) -> int:
        return len(COMMANDS) + len(RENAMED_COMMANDS)


def _mark_renamed(command: Any, old: str, new: str) -> Any:
    """Hide a command from `--help`, and have it say its new name on standard error when it is run."""
    run = command.callback

    def warn_and_run(*arguments: Any, **options: Any) -> Any:
        typer.echo(f"connect-login: {get_notice(old, new)}", err=True)
        return run(*arguments, **options)

    command.hidden, command.callback = True, warn_and_run
    return command


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "commands": OnDemand()})


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
    """Run the command; the entry point `connect-login` of the distribution."""
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
