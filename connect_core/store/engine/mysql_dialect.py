"""Makes SQLAlchemy write the SQL of one engine of the MySQL family. Knows nothing of our tables."""

from typing import Any

from sqlalchemy.dialects.mysql.base import MySQLCompiler, MySQLTypeCompiler
from sqlalchemy.dialects.mysql.reflection import MySQLTableDefinitionParser

from connect_core.store.engine.mysql_engine import EXACT_COLLATION, MysqlEngine


class _TypeCompiler(MySQLTypeCompiler):
    """Writes a column that is declared with `EXACT_COLLATION` in the engine's way of comparing byte for byte."""

    collation = ""

    def visit_VARCHAR(self, type_: Any, **options: Any) -> str:  # noqa: N802 - SQLAlchemy's name
        text = super().visit_VARCHAR(type_, **options)
        if getattr(type_, "collation", None) != EXACT_COLLATION or self.collation == EXACT_COLLATION:
            return text
        if self.collation:
            return text.replace(EXACT_COLLATION, self.collation)
        return f"VARBINARY({4 * type_.length})"  # a character of utf8mb4 takes up to four bytes


class _WaitingCompiler(MySQLCompiler):
    """Waits for locked rows instead of passing over them."""

    def for_update_clause(self, select: Any, **options: Any) -> str:
        return super().for_update_clause(select, **options).removesuffix(" SKIP LOCKED")


class _Parser(MySQLTableDefinitionParser):
    """Reads the definitions of existing tables, as the engine writes them."""

    engine: MysqlEngine

    def parse(self, show_create: str, charset: str | None) -> Any:
        return super().parse(self.engine.simplify_definition(show_create), charset)


def adapt_dialect(dialect: Any, engine: MysqlEngine) -> None:
    """Make `dialect`, SQLAlchemy's, write for `engine`. Statements that were compiled before keep their text."""
    types = _TypeCompiler(dialect)
    types.collation = engine.exact_collation
    dialect.type_compiler_instance = dialect.type_compiler = types  # Alembic reads the second
    dialect._tabledef_parser = parser = _Parser(dialect, dialect.identifier_preparer)  # SQLAlchemy has no public way
    parser.engine = engine
    if not engine.has_skip_locked:
        dialect.statement_compiler = _WaitingCompiler
