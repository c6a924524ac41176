"""A configuration for commands that work on a database."""

from pathlib import Path

import pytest

from connect_core.cli.serve import init


@pytest.fixture
def config(empty: str, tmp_path: Path) -> str:
    """The configuration of a shop on an empty database, on each engine in turn."""
    init(tmp_path)
    path = tmp_path / "connect.toml"
    path.write_text(path.read_text("utf-8").replace("sqlite:///connect.db", empty), "utf-8")
    return str(path)
