"""A fresh database for each test, on SQLite or on a server, checked with the rules of `db check` afterwards.

`CONNECT_TEST_DATABASE` names the server (`postgresql+psycopg://postgres@127.0.0.1:5432/postgres`); without it tests use
a file. Databases are made and dropped there under names that begin with `connect_test_`.
"""

import atexit
import itertools
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import URL, make_url

from connect_core import harness
from connect_core.harness import RunningShop
from connect_core.providers.registry import Plugins
from connect_core.store import Database, schema
from connect_core.store.schema import integrity
from connect_core.store.schema.upgrade import upgrade_schema

from .emptying import Tables, connected, empty_tables, read_creations, read_tables, read_version

SERVERS = {
    "postgresql": "postgresql+psycopg://postgres@127.0.0.1:5432/postgres",
    "mariadb": "mysql+pymysql://root@127.0.0.1:3306/test",
}
ENGINES = ("sqlite", *SERVERS)
Change = Callable[[dict[str, Any]], None]
_numbers = itertools.count()
_spare: dict[str, list[tuple[str, Tables]]] = {}
"""Databases of each server that no test is using."""
_kept = ExitStack()
"""These, and those that are in use: they go with the process."""
atexit.register(_kept.close)


def named_server() -> str:
    """The server that the whole run is to use, or nothing."""
    return os.environ.get("CONNECT_TEST_DATABASE", "")


def server_of(engine: str) -> str:
    """The address of an engine's server: the one that was named, when it is of that engine, else this machine's."""
    named = named_server()
    return named if named.startswith(SERVERS.get(engine, "?").partition("+")[0]) else SERVERS.get(engine, "")


def is_answering(server: str) -> bool:
    """Tell whether there is a server, or none is needed."""
    url = make_url(server or "sqlite://")
    if not url.host:
        return True
    try:
        socket.create_connection((url.host, url.port or 5432), timeout=2).close()
    except OSError:
        return False
    return True


def run_on_server(server: str, *statements: str) -> None:
    """Run statements outside a transaction, such as CREATE DATABASE."""
    with connected(server) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def _beside(server: str, name: str) -> str:
    url: URL = make_url(server).set(database=name)
    return url.render_as_string(hide_password=False)


@cache
def _template(server: str) -> str:
    """A database with the tables that PostgreSQL copies in a moment; it goes with the process."""
    name = f"connect_test_{os.getpid()}_template"
    run_on_server(server, f"CREATE DATABASE {name}")
    atexit.register(_drop, server, name)
    with closing(Database(_beside(server, name))) as database:
        upgrade_schema(database)
    return name


@cache
def _definitions(server: str) -> tuple[str, ...]:
    """What makes the tables in an empty database of a server that copies none: a tenth of the time of an upgrade."""
    with connected(_beside(server, _template(server))) as connection:
        return (*read_creations(connection).values(), read_version(connection))


@cache
def _template_file() -> Path:
    """A SQLite file with the tables, which is copied in a moment; it goes with the process."""
    folder = TemporaryDirectory(prefix="connect-tables-")
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "connect.db"
    with closing(Database(f"sqlite:///{path}")) as database:
        upgrade_schema(database)
    return path


@contextmanager
def empty_database(server: str, folder: Path) -> Iterator[str]:
    """The address of a database without tables: a file in `folder`, or one on `server` until the block ends."""
    if not server:
        yield f"sqlite:///{folder / 'connect.db'}"
        return
    with _created(server, "") as url:
        yield url


@contextmanager
def new_database(server: str, folder: Path) -> Iterator[str]:
    """The address of a database with our tables, made for the caller.

    It is for a test that leaves many rows, or uses the database through other servers too; `fresh_database` is quicker.
    """
    if not server:
        yield f"sqlite:///{shutil.copy(_template_file(), folder / 'connect.db')}"
        return
    is_copied = server.startswith("postgresql")
    with _created(server, f"TEMPLATE {_template(server)}" if is_copied else "") as url:
        if not is_copied:
            run_on_server(url, *_definitions(server))
        yield url


@contextmanager
def fresh_database(server: str, folder: Path) -> Iterator[str]:
    """The address of a database with our tables, empty; one on a server may have served other tests before."""
    if not server:
        with new_database(server, folder) as url:
            yield url
        return
    spare = _spare.setdefault(server, [])
    url, tables = spare.pop() if spare else _keep_database(server, folder)
    try:
        yield url
    finally:
        if empty_tables(url, tables):
            spare.append((url, tables))


def _keep_database(server: str, folder: Path) -> tuple[str, Tables]:
    url = _kept.enter_context(new_database(server, folder))
    return url, read_tables(url)


@contextmanager
def _created(server: str, options: str) -> Iterator[str]:
    name = f"connect_test_{os.getpid()}_{next(_numbers)}"
    run_on_server(server, f"CREATE DATABASE {name} {options}")
    try:
        yield _beside(server, name)
    finally:
        _drop(server, name)


def _drop(server: str, name: str) -> None:
    """Drop a database, unless it has gone with a server that the tests had started."""
    if is_answering(server):
        run_on_server(server, f"DROP DATABASE {name}" + " WITH (FORCE)" * server.startswith("postgresql"))


def check(url: str, *expected: str, are_members_elsewhere: bool = False) -> None:
    """Fail when the rows break another rule than `expected`; a database whose tables a test took away is let be."""
    with closing(Database(url)) as database:
        if not schema.get_advice(schema.find_state(database)):
            violations = integrity.find_violations(database, are_members_elsewhere=are_members_elsewhere)
            broken = {
                violation.rule.name: violation.rows for violation in violations if violation.rule.name not in expected
            }
            assert not broken, f"rules of db check are broken by rows: {broken}"


@cache
def installed_plugins() -> Plugins:
    """The installed plugins, loaded once for all tests of a process: that takes longer than many a test."""
    return Plugins()


@contextmanager
def run_shop(
    *arguments: Any, change: Change | None = None, are_members_elsewhere: bool = False, **options: Any
) -> Iterator[RunningShop]:
    """As `harness.run_shop`, on the engine that the run is about; what was written is looked through at the end."""
    with TemporaryDirectory() as folder, fresh_database(named_server(), Path(folder)) as url:

        def name_database(raw: dict[str, Any]) -> None:
            raw["service"]["database_url"] = url
            if change is not None:
                change(raw)

        options.setdefault("plugins", installed_plugins())
        with harness.run_shop(*arguments, change=name_database, **options) as shop:
            yield shop
            check(shop.database_url, are_members_elsewhere=are_members_elsewhere)
