"""Reads the tables of a Javashop database. The connection is read-only, and nothing is ever written.

Javashop's generations have different tables and columns, so what exists is looked up. What a row means is decided in
`importing`.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, MetaData, Table, event, func, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError

from connect_core.errors import SettingsError, Unavailable
from connect_core.store.engine.addresses import UnusableUrl, describe_missing_driver, open_engine
from connect_core.store.engine.failures import describe_failure
from connect_core.store.locations import EXAMPLE, is_missing_file, is_same_database, parse_url

PAGE = 500
"""Rows that are read at once."""
CONNECT_TIMEOUT_SECONDS = 10
"""How long to wait for a connection."""
MEMBERS, CONNECTIONS, SETTINGS = "es_member", "es_connect", "es_connect_setting"
_OURS = "es_connect_alias"
_KEYS = {MEMBERS: ("member_id", "id"), CONNECTIONS: ("id",), SETTINGS: ("id",)}  # the first one that exists
_NEEDED = {MEMBERS: ("uname",), CONNECTIONS: ("member_id", "union_id", "union_type"), SETTINGS: ("type", "config")}
_READ_ONLY = {
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
}


class Javashop:
    """The database of a shop that runs Javashop, opened read-only. Use it as a context manager, which closes it."""

    def __init__(self, url: str, target_url: str) -> None:
        """Connect to `url` (SQLAlchemy's form) and look its tables up.

        Raises `SettingsError` when the URL cannot be used, is the same database as `target_url`, is one of ours, or
        lacks a table or column that every Javashop has; `Unavailable` when the database does not answer.
        """
        self._engine = _open(url, target_url)
        try:
            self._tables = self._find_tables()
        except SettingsError:
            self._engine.dispose()
            raise
        except SQLAlchemyError as error:
            self._engine.dispose()
            raise Unavailable(f"--from: the database does not answer: {describe_failure(error)}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.dispose()

    @property
    def has_settings(self) -> bool:
        """Whether there is a table of settings: Javashop's newest generation has none."""
        return SETTINGS in self._tables

    def lacks(self, table: str, columns: Sequence[str]) -> list[str]:
        """Return those of `columns` that the table does not have."""
        return [name for name in columns if name not in self._tables[table].c]

    def count(self, table: str) -> int:
        """Return the number of rows of a table. Raises `Unavailable`."""
        return int(self._execute(select(func.count()).select_from(self._tables[table]))[0][0])

    def get_highest_member_id(self) -> int:
        """Return the highest member id, or 0 when there are no members. Raises `Unavailable`."""
        return int(self._execute(select(func.max(self._key(MEMBERS))))[0][0] or 0)

    def pages(self, table: str, columns: Sequence[str]) -> Iterator[list[Mapping[str, Any]]]:
        """Yield all rows of `table` in pages of `PAGE`, ordered by primary key.

        Each row has the primary key as `id` and all of `columns`; one that the table does not have is None. Raises
        `Unavailable`.
        """
        existing, key = self._tables[table].c, self._key(table)
        selected = [key.label("id"), *(existing[name] for name in columns if name in existing)]
        query = select(*selected).order_by(key).limit(PAGE)
        absent = dict.fromkeys(columns)
        rows = self._execute(query)
        while rows:
            yield [{**absent, **row._mapping} for row in rows]
            rows = self._execute(query.where(key > rows[-1].id)) if len(rows) == PAGE else []

    def _key(self, table: str) -> Any:
        return next(self._tables[table].c[name] for name in _KEYS[table] if name in self._tables[table].c)

    def _execute(self, query: Any) -> Sequence[Any]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).all()
        except SQLAlchemyError as error:
            raise Unavailable(f"--from: the database does not answer: {describe_failure(error)}") from None

    def _find_tables(self) -> dict[str, Table]:
        if inspect(self._engine).has_table(_OURS):
            raise SettingsError([f"--from: this is a database of connect-login: it has {_OURS}"])
        tables, mistakes = {}, []
        for name, needed in _NEEDED.items():
            try:
                tables[name] = table = Table(name, MetaData(), autoload_with=self._engine, resolve_fks=False)
            except NoSuchTableError:
                mistakes += [] if name == SETTINGS else [f"--from: there is no table {name}"]
                continue
            mistakes += [f"--from: {name} has no column {column}" for column in needed if column not in table.c]
            if not any(key in table.c for key in _KEYS[name]):
                mistakes.append(f"--from: {name} has no column {' or '.join(_KEYS[name])}")
        if mistakes:
            raise SettingsError(mistakes)
        return tables


def _open(text: str, target_text: str) -> Engine:
    url = parse_url(text, "--from")
    if is_same_database(url, make_url(target_text)):
        raise SettingsError(["--from: this is the database that connect.toml names; give the old shop's"])
    if is_missing_file(url):
        raise SettingsError(["--from: there is no such file"])
    try:
        engine = open_engine(url, _get_defaults(url), pool_size=1, max_overflow=0)
    except UnusableUrl as error:
        raise SettingsError([f"--from: {error}"]) from None
    except (ArgumentError, NoSuchModuleError):
        raise SettingsError([f"--from: give an SQLAlchemy URL such as {EXAMPLE}"]) from None
    except ModuleNotFoundError as error:
        raise SettingsError([f"--from: {describe_missing_driver(error)}"]) from None
    _forbid_writing(engine)
    return engine


def _get_defaults(url: URL) -> dict[str, object]:
    match url.get_backend_name():
        case "sqlite":
            return {"timeout": CONNECT_TIMEOUT_SECONDS}
        case "postgresql":  # a pooler may stand before the server, and knows no named statements
            return {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "prepare_threshold": None}
        case _:
            return {"connect_timeout": CONNECT_TIMEOUT_SECONDS}


def _forbid_writing(engine: Engine) -> None:
    """Make connections read-only; on PostgreSQL each transaction, since a pooler gives its connections to others."""
    if engine.dialect.name == "postgresql":
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("SET TRANSACTION READ ONLY"))
    elif statement := _READ_ONLY.get(engine.dialect.name):

        @event.listens_for(engine, "connect")
        def forbid(connection: Any, record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute(statement)
            cursor.close()
            connection.commit()
