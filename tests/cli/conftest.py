"""A configuration for commands that work on a database, and imports that a test leaves no trace of."""

import sys
from collections.abc import Iterator
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


@pytest.fixture
def restored_imports(tmp_path: Path) -> Iterator[None]:
    """Forget what the test imported from its folder."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
