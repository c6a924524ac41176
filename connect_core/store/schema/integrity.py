"""Finds rows that must not exist: runs the rules of `integrity.sql`, and reports rows by number, never by value."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from connect_core.store.engine.database import Database
from connect_core.store.engine.workers import unavailable

SHOWN = 5
"""How many rows of each broken rule are reported by number."""
_RULE = re.compile(
    r"^-- name: (?P<name>\w+)\n-- means: (?P<means>.+)\n-- cure: (?P<cure>.+)\n"
    r"(?P<where>-- where: .+\n)?(?P<sql>[^;]+);",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One query of the script; each row that it selects breaks the rule.

    `means` says what is wrong with such a row, `cure` what to do about it. A rule that `is_about_members` applies only
    where members live in `es_member`.
    """

    name: str
    means: str
    cure: str
    sql: str
    is_about_members: bool


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule: how many rows break it, and the numbers of the first `SHOWN` of them."""

    rule: Rule
    count: int
    rows: tuple[int, ...]


def _read_rules() -> Iterator[Rule]:
    script = files("connect_core.store.schema").joinpath("integrity.sql").read_text("utf-8")
    for rule in _RULE.finditer(script):
        yield Rule(rule["name"], rule["means"], rule["cure"], rule["sql"], rule["where"] is not None)


RULES = tuple(_read_rules())


def find_violations(database: Database, *, are_members_elsewhere: bool = False) -> list[Violation]:
    """Return the rules that the database breaks. Reads whole tables, without a time limit, and writes nothing.

    `are_members_elsewhere` leaves out the rules about `es_member`. Raises `Unavailable`.
    """
    try:
        with _reading(database) as cursor:
            rules = (rule for rule in RULES if not (rule.is_about_members and are_members_elsewhere))
            return [violation for rule in rules if (violation := _check(cursor, rule)).count]
    except (SQLAlchemyError, database.backend.driver_error) as error:
        raise unavailable(error) from None


def _check(cursor: Any, rule: Rule) -> Violation:
    cursor.execute(f"SELECT count(*) FROM ({rule.sql}) AS broken")  # noqa: S608 - the shipped script's own text
    [count] = cursor.fetchone()
    if not count:
        return Violation(rule, 0, ())
    cursor.execute(f"SELECT row_id FROM ({rule.sql}) AS broken ORDER BY row_id LIMIT {SHOWN}")  # noqa: S608 - as above
    return Violation(rule, count, tuple(row_id for (row_id,) in cursor.fetchall()))


@contextmanager
def _reading(database: Database) -> Iterator[Any]:
    """Yield the cursor of a transaction without a time limit; its connection is closed afterwards, not reused."""
    with closing(database.backend.engine.raw_connection()) as connection:
        connection.detach()
        yield database.backend.begin_long_read(connection)
        connection.rollback()
