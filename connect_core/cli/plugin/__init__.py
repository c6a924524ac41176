"""`connect-login plugin`: what an author of plugins does with one: write it, look names up, check it, list it."""

from typing import Annotated

import typer

from connect_core.cli.plugin import reference
from connect_core.cli.plugin.check import check
from connect_core.cli.plugin.installed import list_installed
from connect_core.cli.plugin.new import new
from connect_core.cli.plugin.wire import wire
from connect_core.errors import PluginError

app = typer.Typer(
    add_completion=False, help="Write, check and list plugins.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def root() -> None:
    """Write, check and list plugins."""


app.command()(new)
app.command()(wire)
app.command()(check)
app.command("list")(list_installed)


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
