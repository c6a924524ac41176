"""The option `--config`, and the warnings of commands about names that were changed."""

from pathlib import Path
from typing import Annotated

import typer

from connect_core.renamed import get_notice
from connect_core.settings import Settings, load_settings

ConfigPath = Annotated[
    Path, typer.Option("--config", "-c", envvar="CONNECT_CONFIG", help="The configuration file.", show_envvar=True)
]
DEFAULT = Path("connect.toml")


def load(config: Path) -> Settings:
    """Read `config` for a command that prints: keys under an old name are reported on standard error, not in the log.

    Raises `SettingsError` as `load_settings` does.
    """
    return load_settings(config, report_renamed=warn)


def warn(old: str, new: str) -> None:
    """Print on standard error that the key or option `old` is called `new` now."""
    typer.echo(f"connect-login: {get_notice(old, new)}", err=True)
