"""Finding and reading `connect.toml` for a command."""

from pathlib import Path
from typing import Annotated

import typer

from connect_core.settings import Settings, load_settings

ConfigPath = Annotated[
    Path, typer.Option("--config", "-c", envvar="CONNECT_CONFIG", help="The configuration.", show_envvar=True)
]
DEFAULT = Path("connect.toml")


def read(config: Path) -> Settings:
    """Return the configuration. Raises `SettingsError`, which ends the command with one line a mistake."""
    return load_settings(config)
