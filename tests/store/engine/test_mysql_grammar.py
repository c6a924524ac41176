"""Every statement of the store in MySQL's own dialect, held against its grammar.

No MySQL server is at hand. SQLGlot knows the grammar and lets some things pass that MySQL refuses: closed lists, from
MySQL's reference manual, name those.
"""

import importlib
import inspect
import itertools
import pkgutil
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlalchemy import Connection, event
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlglot import exp

from connect_core import store
from connect_core.errors import SettingsError
from connect_core.store import Database, Transaction, members
from connect_core.store.engine import group_replication, mysql_family
from connect_core.store.engine.mysql import Mysql
from connect_core.store.engine.mysql_dialect import adapt_dialect
from connect_core.store.engine.mysql_engine import MysqlEngine
from connect_core.store.engine.oceanbase import Oceanbase
from connect_core.store.engine.statement import ExpiryDelete, KeyedInsert, Statement
from connect_core.store.engine.tidb import Tidb
from connect_core.store.models import Declared, Member
from connect_core.store.schema import integrity
from connect_core.store.schema.upgrade import upgrade_schema
from connect_core.store.sealed_values import LOGOUT_HINTS, SETTING_VALUES, TOTP_SECRETS

from ...conftest import Require
from ...kit.databases import SERVERS, empty_database, is_answering

ENGINES = {
    "MySQL 5.7": Mysql((5, 7, 9)),
    "MySQL 8.0": Mysql((8, 0, 36)),
    "TiDB": Tidb((7, 5, 1)),
    "OceanBase": Oceanbase((4, 3, 5)),
}
REFUSED = (
    # what SQLGlot lets pass, and MySQL answers with a syntax error or an unknown name
    r"\bRETURNING\b",
    r"\bNULLS (FIRST|LAST)\b",
    r"\bILIKE\b|::|\|\|",
    r"\b(CREATE|DROP) (UNIQUE )?INDEX IF\b",
    r"\b(ADD|DROP|MODIFY|CHANGE) (COLUMN )?IF\b",
    r"\bnopad\b|_nopad_|uca1400",
    r"\bPERSISTENT\b",
    r"\bFULL (OUTER )?JOIN\b",
    r"\bINTERSECT\b|\bEXCEPT\b",  # since 8.0.31 alone
    r"\bDEFAULT \(",  # since 8.0.13 alone
    r"\b(TEXT|BLOB|JSON)\b[^,]* DEFAULT\b",
    r"\bFOR UPDATE OF\b",
)
REFUSED_BEFORE_8 = (
    r"\bSKIP LOCKED\b",
    r"\bNOWAIT\b",
    r"^\s*WITH\b|\(WITH\b",
    r"\bOVER \(",
    r"\bRENAME COLUMN\b",
    "0900",
)
POSTGRESQL_ALONE = frozenset({"bulk._MOVE_SEQUENCE", "identities._lock", "statement._reserve"})
"""Statements that only run on PostgreSQL; the code says so where they are."""
SAMPLES: dict[str, tuple[Any, ...]] = {
    "count: int": (1, 3),
    "names: tuple[str, ...]": (("city", "nickname"),),
    "column: str": ("id", "uname"),
    "_connections_by": ("id", "member_id"),
    "model: type[connect_core.store.models.declared.Declared]": (Member,),
    "column: connect_core.store.sealed_values.SealedColumn": (SETTING_VALUES, LOGOUT_HINTS, TOTP_SECRETS),
    "state: str": ("pending",),
}
"""Arguments for the functions that make statements, by the parameter, or else by the function's name."""


def dialect_of(engine: MysqlEngine) -> Any:
    dialect = MySQLDialect_pymysql()
    dialect.server_version_info = engine.version
    adapt_dialect(dialect, engine)
    return dialect


def all_statements() -> Iterator[tuple[str, Statement]]:
    """Every statement of every module of the store, with its name."""
    for module in pkgutil.walk_packages(store.__path__, f"{store.__name__}."):
        if ".migrations" in module.name:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            full_name = f"{module.name.rpartition('.')[2]}.{name}"
            if full_name not in POSTGRESQL_ALONE:
                yield from statements_in(full_name, value)


def statements_in(name: str, value: object) -> Iterator[tuple[str, Statement]]:
    if isinstance(value, Statement):
        yield name, value
    elif isinstance(value, KeyedInsert):
        yield name, value._insert
        yield name, value._insert_with_key
    elif isinstance(value, ExpiryDelete):
        yield name, value._find
        yield name, value._expire
    elif isinstance(value, dict | tuple | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from statements_in(name, part)
    elif hasattr(value, "cache_info") and "Statement" in str(inspect.signature(value).return_annotation):  # type: ignore[arg-type]
        yield from statements_in(name, [make(value) for make in calls_of(value)])  # type: ignore[arg-type]


def calls_of(function: Callable[..., object]) -> list[Callable[[Callable[..., object]], object]]:
    """Calls with all samples of its parameters together; a parameter without samples is an error."""
    parameters = inspect.signature(function).parameters
    own_samples = SAMPLES.get(getattr(function, "__name__", ""))
    samples = [own_samples or samples_of(str(parameter)) for parameter in parameters.values()]
    values = [dict(zip(parameters, each, strict=True)) for each in itertools.product(*samples)]
    return [lambda call, arguments=arguments: call(**arguments) for arguments in values]  # type: ignore[misc]


def samples_of(parameter: str) -> tuple[Any, ...]:
    return (False, True) if parameter.endswith(": bool") else SAMPLES[parameter]


def mistakes_in(sql: str, engine: MysqlEngine) -> list[str]:
    """What MySQL of that version would refuse in a statement."""
    text = re.sub(r"%\((\w+)\)s|%s", "1", sql).replace("%%", "%")
    try:
        [tree] = sqlglot.parse(text, dialect="mysql", error_level=sqlglot.ErrorLevel.RAISE)
    except sqlglot.ParseError as error:
        return [str(error)]
    if tree is None or isinstance(tree, exp.Command):
        return ["SQLGlot does not know the statement"]
    is_old = not engine.exact_collation
    patterns = REFUSED + (REFUSED_BEFORE_8 if is_old else ())
    broken = [pattern for pattern in patterns if re.search(pattern, text, re.IGNORECASE)]
    if isinstance(tree, exp.Update | exp.Delete) and reads_its_target(tree):
        broken.append("error 1093: the table that is changed is read in a subquery")
    if any(isinstance(node.args.get("query"), exp.Subquery) and has_limit(node) for node in tree.find_all(exp.In)):
        broken.append("error 1235: LIMIT in a subquery of IN")
    return broken


def has_limit(node: exp.In) -> bool:
    return node.args["query"].this.args.get("limit") is not None


def reads_its_target(tree: exp.Expression) -> bool:
    """Whether a subquery reads the table that is changed; a derived table is made before and may."""
    tables = (table for select in tree.find_all(exp.Select) for table in select.find_all(exp.Table))
    return any(table.name == tree.this.name and not is_in_derived_table(table) for table in tables)


def is_in_derived_table(node: exp.Expression | None) -> bool:
    while node is not None:
        if isinstance(node, exp.Subquery) and isinstance(node.parent, exp.From | exp.Join):
            return True
        node = node.parent
    return False


@pytest.mark.parametrize("name", ENGINES)
def test_mysqls_grammar_has_every_statement(name: str) -> None:
    """Nothing that MySQL, in its old and its new version, answers with a syntax error."""
    engine, statements = ENGINES[name], list(all_statements())
    dialect = dialect_of(engine)
    broken = {which: mistakes_in(statement.compile(dialect).text, engine) for which, statement in statements}
    assert not {which: mistakes for which, mistakes in broken.items() if mistakes}
    assert len(statements) > 90


@pytest.mark.parametrize("name", ENGINES)
def test_mysqls_grammar_has_every_table(name: str) -> None:
    """The tables as the models declare them; ids are VARBINARY where no collation tells blanks apart."""
    engine = ENGINES[name]
    dialect = dialect_of(engine)
    for table in Declared.metadata.tables.values():
        statements = [CreateTable(table), *map(CreateIndex, table.indexes)]
        for statement in statements:
            sql = str(statement.compile(dialect=dialect))
            assert mistakes_in(sql, engine) == [], sql
    uname = dialect.type_compiler_instance.process(
        Declared.metadata.tables["es_member"].c.uname.type.dialect_impl(dialect)
    )
    exact = "VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin"
    assert uname == (exact if name in {"MySQL 8.0", "TiDB"} else "VARBINARY(256)")


@pytest.mark.parametrize("rule", integrity.RULES, ids=lambda rule: rule.name)
def test_mysqls_grammar_has_every_rule_of_db_check(rule: integrity.Rule) -> None:
    """They are one script for all engines."""
    assert mistakes_in(f"SELECT count(*) FROM ({rule.sql}) AS broken", ENGINES["MySQL 5.7"]) == []


@pytest.mark.parametrize("sql", [group_replication._MODE, group_replication.WAIT])
def test_mysqls_grammar_has_what_a_member_of_a_group_is_told(sql: str) -> None:
    """Which mode the group is in, and that transactions wait for its other members."""
    assert mistakes_in(sql, ENGINES["MySQL 5.7"]) == []


class Pretending(Mysql):
    """MySQL 5.7 to the code, while the server is MariaDB."""

    def get_statement_limits(self, seconds: int) -> dict[str, int]:
        return {"max_statement_time": seconds}


def test_mysqls_grammar_has_every_migration(tmp_path: Path, require: Require, monkeypatch: pytest.MonkeyPatch) -> None:
    """The migrations look at the database as they go, so MariaDB runs them, in MySQL's dialect."""
    server = SERVERS["mariadb"]
    require(is_answering(server), "mariadb does not answer on this machine")
    monkeypatch.setattr(mysql_family, "choose_engine", lambda *_: Pretending((5, 7, 9)))
    changes: list[str] = []

    def collect(connection: Connection, cursor: Any, statement: str, *_: object) -> None:
        if statement.lstrip().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")):
            changes.append(statement)

    with empty_database(server, tmp_path) as url:
        database = Database(url)
        database.backend.engine.connect().close()
        database.backend.engine.dialect.insert_returning = False  # SQLAlchemy knows that this is MariaDB
        event.listen(database.backend.engine, "before_cursor_execute", collect)
        upgrade_schema(database)
        store.schema.prepare(database)
        database.close()
    assert {sql: mistakes for sql in changes if (mistakes := mistakes_in(sql, ENGINES["MySQL 5.7"]))} == {}
    assert len(changes) > 30


def test_tables_that_another_engine_made_are_refused_where_ids_would_come_as_bytes(
    tmp_path: Path, require: Require, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MariaDB has no VARBINARY ids of its own, so nothing makes text of them there."""
    server = SERVERS["mariadb"]
    require(is_answering(server), "mariadb does not answer on this machine")
    with empty_database(server, tmp_path) as url:
        with monkeypatch.context() as pretending, closing(Database(url)) as database:
            pretending.setattr(mysql_family, "choose_engine", lambda *_: Pretending((5, 7, 9)))
            upgrade_schema(database)
            assert database.read_blocking(find_member) == ("m_1", "m_1 ")
        with closing(Database(url)) as database, pytest.raises(SettingsError) as caught:
            store.schema.prepare(database)
    assert "es_member.uname compares by varbinary, not by utf8mb4_nopad_bin" in str(caught.value)


def find_member(tx: Transaction) -> tuple[object, ...]:
    """The names of two members that differ by a blank, read back by their names."""
    for uname in ("m_1", "m_1 "):
        tx.cursor.execute("INSERT INTO es_member (uname) VALUES (%s)", [uname])
    return tuple(members.find_named(tx, uname, 9)[0].uname for uname in ("m_1", "m_1 "))


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO es_member (uname) VALUES (1) RETURNING id",
        "CREATE INDEX IF NOT EXISTS i ON es_member (id)",
        "CREATE TABLE t (a VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin)",
        "SELECT id FROM es_member LIMIT 1 FOR UPDATE SKIP LOCKED",
        "DELETE FROM es_member WHERE id IN (SELECT id FROM es_member WHERE sex = 1)",
        "DELETE FROM es_member WHERE id IN (SELECT id FROM es_connect LIMIT 1)",
        "CREATE TABLE t (a TEXT NOT NULL DEFAULT '')",
        "SELEKT 1",
    ],
)
def test_a_statement_that_mysql_refuses_is_noticed(sql: str) -> None:
    """Else the tests above could not fail."""
    assert mistakes_in(sql, ENGINES["MySQL 5.7"])
