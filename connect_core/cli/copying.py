"""The databases of `connect-login db copy`: opens them, refuses what cannot be copied, prints what was done.

The addresses hold passwords: no line that is printed contains one.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import typer

from connect_core.acts import OperatorAct
from connect_core.cli.console import resumable
from connect_core.errors import SettingsError, Unavailable
from connect_core.store import Database, audit, schema
from connect_core.store.copying import Copying, Difference
from connect_core.store.engine.long_connection import LongConnection
from connect_core.store.locations import is_missing_file, is_same_database, parse_url

FROM, TO = "--from", "--to"
_KEY = "service.database_url"
"""What the errors of `Database` and `schema` call the address."""


def run_copy(source_text: str, target_text: str, act: OperatorAct) -> bool:
    """Copy and compare, and return whether both databases have the same rows afterwards.

    A record of `act` is written into the audit log of the source, and copied with it, unless nothing is to be copied.

    Each text is an SQLAlchemy URL, or `env:NAME` for the environment variable that has it. Raises `SettingsError` and
    `Unavailable`, which say which database is meant.
    """
    source_url, target_url = _get_url(FROM, source_text), _get_url(TO, target_text)
    detail = _check_urls(source_url, target_url)
    with _open(FROM, source_url) as source, _open(TO, target_url) as target:
        with _naming(FROM):
            _check_schema(schema.find_state(source))
        with _naming(TO):
            _prepare_target(target)
        with resumable(), source.open_long(FROM) as reading, target.open_long(TO) as writing:
            copying = Copying(reading, writing)
            return _copy(copying, lambda: _record(reading, act, detail))


def _copy(copying: Copying, record: Callable[[], None]) -> bool:
    with _progress(copying.count_in_target(), "rows there already, checked") as advance:
        obstacles = copying.find_obstacles(advance)
    if obstacles:
        return _report(obstacles, "nothing was copied: the target has rows that are no part of a copy of this source")
    if copying.count() > copying.count_in_target():
        record()
    count = copying.count()
    with _progress(count, "rows copied") as advance:
        copied = copying.copy(advance)
    with _progress(count, "rows compared") as advance:
        differences = copying.compare(advance)
    typer.echo(f"{copied} rows copied, {count - copied} were there already")
    if differences:
        return _report(differences, "the copy cannot be used: somebody wrote to a database meanwhile, or changed a row")
    typer.echo(f"{count} rows are the same in both databases")
    return True


@contextmanager
def _progress(count: int, label: str) -> Iterator[Callable[[int], None]]:
    if not count:
        yield lambda _: None
        return
    with typer.progressbar(length=count, label=label, file=typer.get_text_stream("stderr")) as bar:
        yield bar.update


def _report(differences: list[Difference], summary: str) -> bool:
    for difference in differences:
        typer.echo(str(difference))
    typer.echo(summary)
    return False


def _get_url(option: str, text: str) -> str:
    """Return the URL that the text is or names. Raises `SettingsError`."""
    kind, _, name = text.partition(":")
    if kind != "env":
        return text
    if name not in os.environ:
        raise SettingsError([f"{option}: the environment variable {name} is not set"])
    return os.environ[name].strip()


def _check_urls(source_url: str, target_url: str) -> str:
    """Return from which engine to which one is copied. Raises `SettingsError`."""
    source, target = parse_url(source_url, FROM), parse_url(target_url, TO)
    if is_missing_file(source):
        raise SettingsError([f"{FROM}: there is no such file"])
    if target.get_backend_name() == "sqlite" and target.database in (None, "", ":memory:"):
        raise SettingsError([f"{TO}: give the path of a file: a database in memory ends with this command"])
    if is_same_database(source, target):
        raise SettingsError([f"{TO}: this is the same database as that of {FROM}"])
    return f"{source.get_backend_name()} to {target.get_backend_name()}"


def _record(source: LongConnection, act: OperatorAct, detail: str) -> None:
    """Write the record into the source: the copy takes it along, so that the rows of both stay the same."""
    now = int(time.time())
    try:
        source.write(lambda tx: audit.insert_record(tx, act, "database.copied", "database", now, detail))
    except Unavailable as error:  # somebody who may only read
        typer.echo(f"connect-login: the copy is not in the audit log: {error}", err=True)


@contextmanager
def _open(option: str, url: str) -> Iterator[Database]:
    with _naming(option):
        database = Database(url)
    with closing(database):
        yield database


def _check_schema(state: schema.SchemaState) -> None:
    if state is schema.SchemaState.COMPATIBLE:  # it has columns that this version does not know, and would lose
        state = schema.SchemaState.NEWER
    if mistake := schema.get_advice(state, f"{schema.UPGRADE} with a connect.toml that names this database"):
        raise SettingsError([f"{_KEY}: {mistake}"])


def _prepare_target(target: Database) -> None:
    """Create the tables of an empty database, and check those that are there. Raises `SettingsError`."""
    from connect_core.store.schema.upgrade import upgrade_schema  # noqa: PLC0415 - Alembic is slow to import

    state = schema.find_state(target)
    if state is schema.SchemaState.MISSING:
        upgrade_schema(target)
    else:
        _check_schema(state)
    if mistakes := schema.find_wrong_columns(target):
        raise SettingsError([f"{_KEY}: {mistake}" for mistake in mistakes])


@contextmanager
def _naming(option: str) -> Iterator[None]:
    """Say in errors which of the two databases is meant."""
    try:
        yield
    except SettingsError as error:
        raise SettingsError([mistake.replace(_KEY, option, 1) for mistake in error.mistakes]) from None
    except Unavailable as error:
        raise Unavailable(f"{option}: {error}") from None
