"""`connect-login plugin`: what an author of plugins looks up while writing one."""

from typing import Annotated

import typer

from connect_core.cli.plugin import reference
from connect_core.errors import PluginError

app = typer.Typer(
    add_completion=False, help="Look up what a plugin imports.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def root() -> None:
    """Look up what a plugin imports."""


@app.command()
def explain(
    name: Annotated[
        str, typer.Argument(help="A class, function, method or hook: Identity, Provider.login_callback.")
    ] = "",
) -> None:
    """Explain a name that a plugin imports, or a hook.

    Prints its signature and documentation. Without NAME, lists all names with a line for each.
    """
    if not name:
        typer.echo("\n".join(reference.list_names()))
        return
    try:
        typer.echo(reference.explain(name))
    except LookupError as error:
        raise PluginError(error.args[0]) from None
