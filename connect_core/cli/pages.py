"""`connect-login pages`: writes the catalogue with which a shop translates the pages or changes their texts."""

from typing import Annotated

import typer

from connect_core.web.pages.catalogues import write_template
from connect_core.web.pages.messages import LANGUAGES

app = typer.Typer(add_completion=False, help="Translate the pages.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def root() -> None:
    """Translate the pages."""


@app.command()
def catalogue(
    language: Annotated[
        str, typer.Argument(help=f"Fill in our translations: {', '.join(LANGUAGES)}. Default: an empty catalogue.")
    ] = "",
) -> None:
    """Print the texts of the pages as a gettext catalogue.

    Save it as connect.pot, or as LANGUAGE/LC_MESSAGES/connect.po in your `[pages] locale_folder`.
    """
    if language and language not in LANGUAGES:
        raise typer.BadParameter(f"choose one of {', '.join(LANGUAGES)}, or leave it out for another language")
    typer.echo(write_template(language), nl=False)
