"""The option `--config`, and the warnings of commands about names that were changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from connect_core.renamed import get_notice
from connect_core.settings import Settings, load_settings
from connect_core.settings.secret_files import list_keys

ConfigPath = Annotated[
    Path, typer.Option("--config", "-c", envvar="CONNECT_CONFIG", help="The configuration file.", show_envvar=True)
]
DEFAULT = Path("connect.toml")


def load(config: Path) -> Settings:
    """Read `config` for a command that prints: its warnings are printed on standard error, not logged.

    Raises `SettingsError` as `load_settings` does.
    """
    return load_settings(config, report_renamed=warn, report_readable=_warn_readable)


def _warn_readable(keys: Sequence[str], file: str) -> None:
    text = f"{list_keys(keys)}: every user of this machine may read {file}; run: chmod o-r {file}"
    typer.echo(f"connect-login: {text}", err=True)


def warn(old: str, new: str) -> None:
    """Print on standard error that the key or option `old` is called `new` now."""
    typer.echo(f"connect-login: {get_notice(old, new)}", err=True)
