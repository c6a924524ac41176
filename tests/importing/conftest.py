"""Old shops and new ones, on every engine."""

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from connect_core.store import Database
from connect_core.store.schema.upgrade import upgrade_schema

from ..kit.javashop_imports import SERVERS, Move, is_up
from ..kit.old_shops import old_shop, server_database, write_config


@pytest.fixture
def databases(
    request: pytest.FixtureRequest, tmp_path: Path, require: Callable[[object, str], None]
) -> Iterator[tuple[str, str]]:
    """The addresses of two empty databases: SQLite files, or on the server that a parameter names."""
    name = getattr(request, "param", "sqlite")
    if name == "sqlite":
        (tmp_path / "old.db").touch()
        yield f"sqlite:///{tmp_path / 'old.db'}", f"sqlite:///{tmp_path / 'connect.db'}"
        return
    url, driver = SERVERS[name]
    require(find_spec(driver), f"{driver} is not installed")
    require(is_up(url), f"{name} does not answer")
    old, new = (server_database(url, f"javashop_{which}_{os.getpid()}") for which in ("old", "new"))
    with old as source, new as target:
        yield source, target


@pytest.fixture
def move(request: pytest.FixtureRequest, databases: tuple[str, str], tmp_path: Path) -> Iterator[Move]:
    """An old shop of a generation, and a new one with its tables."""
    source, target = databases
    write_config(tmp_path, target)
    database = Database(target)
    upgrade_schema(database)
    database.close()
    with old_shop(source, getattr(request, "param", "g2")) as old:
        yield Move(old, target, tmp_path)
