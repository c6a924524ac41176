"""`connect-login plugin check`: runs the contract of all providers on an installed plugin and prints the report."""

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from connect_core.errors import PluginError


def check(
    package: Annotated[
        str, typer.Argument(help="An installed plugin, by its name or by that of its package: acme, connect-acme.")
    ],
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Run only the rules that find most mistakes, with one client type; takes about 5 seconds."
        ),
    ] = False,
) -> None:
    """Run the contract of all providers on a plugin.

    The plugin is installed and has a sandbox, which plays the vendor. Prints a report in Markdown.
    Exit code 0: every rule that was run holds; 1: a rule is broken.
    """
    try:
        from connect_core.testing.report import find_plugins, run_contract  # noqa: PLC0415 - pytest is an extra
    except ModuleNotFoundError as error:
        raise PluginError(str(error)) from None
    # options of the project, and pytest plugins that happen to be installed, must not change the result
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    has_passed = True
    for plugin in find_plugins(package):
        typer.echo(f"{plugin.name}: running …", err=True)
        report = run_contract(plugin, is_quick=quick)
        typer.echo(report.to_markdown(datetime.now(UTC).date().isoformat()) + "\n")
        has_passed = has_passed and report.has_passed
    raise typer.Exit(0 if has_passed else 1)
