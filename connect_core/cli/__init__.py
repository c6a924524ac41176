"""The `connect-login` command: what an operator runs. Reads settings, starts things, prints; decides nothing.

Broken settings end a command with exit code 2 and one line a mistake, never with a traceback; so does a port or file
that cannot be used.
"""

import sys

import typer

from connect_core import __version__
from connect_core.cli import contract, db, demo, imports, keys, members, new_plugin, providers, sandbox, serve
from connect_core.errors import ConnectError, PluginError, SettingsError

app = typer.Typer(
    help="Third-party logins for a shop: Alipay, WeChat and any plugin, on PC, H5, app and mini program.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("init")(serve.init)
app.command("serve")(serve.serve)
app.command("providers")(providers.providers)
app.command("sandbox")(sandbox.sandbox)
app.command("new-plugin")(new_plugin.new_plugin)
app.command("contract")(contract.contract)
app.add_typer(db.app, name="db")
app.add_typer(keys.app, name="keys")
app.add_typer(imports.app, name="import")
app.add_typer(members.app, name="members")


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
