"""Where a command finds `connect.toml`."""

from pathlib import Path
from typing import Annotated

import typer

ConfigPath = Annotated[
    Path, typer.Option("--config", "-c", envvar="CONNECT_CONFIG", help="The configuration.", show_envvar=True)
]
DEFAULT = Path("connect.toml")
