"""What must not be in the database: runs `integrity.sql` and tells what it finds by number, never by value."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from connect_core.store.engine.database import Database, lift_limit
from connect_core.store.engine.workers import unavailable

SHOWN = 5
"""So many rows of each rule are named."""
_BEGIN = {
    "sqlite": ("BEGIN",),
    "postgresql": ("SET TRANSACTION READ ONLY", "SET LOCAL statement_timeout = 0"),
}
_RULE = re.compile(
    r"^-- name: (?P<name>\w+)\n-- means: (?P<means>.+)\n-- cure: (?P<cure>.+)\n"
    r"(?P<here>-- where: .+\n)?(?P<sql>[^;]+);",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One query of the script. `is_about_members`: it holds only where members live in `es_member`."""

    name: str
    means: str
    cure: str
    sql: str
    is_about_members: bool


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that is broken, by how many rows, and the numbers of the first of them."""

    rule: Rule
    count: int
    rows: tuple[int, ...]


def _read_rules() -> Iterator[Rule]:
    for found in _RULE.finditer(files("connect_core.store.schema").joinpath("integrity.sql").read_text("utf-8")):
        yield Rule(found["name"], found["means"], found["cure"], found["sql"], found["here"] is not None)


RULES = tuple(_read_rules())


def find_violations(database: Database, *, are_members_elsewhere: bool = False) -> list[Violation]:
    """Return the rules that the database breaks. Reads alone, and takes its time. Raises `Unavailable`."""
    try:
        with _reading(database) as cursor:
            rules = (rule for rule in RULES if not (rule.is_about_members and are_members_elsewhere))
            return [violation for rule in rules if (violation := _check(cursor, rule)).count]
    except (SQLAlchemyError, database._driver_error) as error:
        raise unavailable(error) from None


def _check(cursor: Any, rule: Rule) -> Violation:
    cursor.execute(f"SELECT count(*) FROM ({rule.sql}) AS found")  # noqa: S608 - the shipped script's own text
    [count] = cursor.fetchone()
    if not count:
        return Violation(rule, 0, ())
    cursor.execute(f"SELECT row_id FROM ({rule.sql}) AS found ORDER BY row_id LIMIT {SHOWN}")  # noqa: S608 - as above
    return Violation(rule, count, tuple(row_id for (row_id,) in cursor.fetchall()))


@contextmanager
def _reading(database: Database) -> Iterator[Any]:
    """A transaction without locks and without a limit, on a connection that is closed afterwards with its settings."""
    with closing(database._engine.raw_connection()) as connection:
        connection.detach()
        lift_limit(connection.dbapi_connection)
        cursor = connection.cursor()
        for statement in _BEGIN.get(database._engine.dialect.name, ("SET max_statement_time = 0",)):
            cursor.execute(statement)
        yield cursor
        connection.rollback()
