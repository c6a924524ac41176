"""`connect-login plugin`: what an author of plugins looks up while writing one."""

from typing import Annotated

import typer

from connect_core.cli.plugin import reference
from connect_core.errors import PluginError

app = typer.Typer(
    add_completion=False, help="Look up what a plugin is written with.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def root() -> None:
    """Look up what a plugin is written with."""


@app.command()
def explain(
    name: Annotated[
        str, typer.Argument(help="A class, function, method or hook: Identity, Provider.login_callback.")
    ] = "",
) -> None:
    """Print signature and documentation of a name that a plugin imports, or of a hook; without NAME, list them all."""
    if not name:
        typer.echo("\n".join(reference.list_names()))
        return
    try:
        typer.echo(reference.explain(name))
    except LookupError as error:
        raise PluginError(error.args[0]) from None
