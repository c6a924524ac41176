"""The first tables.

They are written out as they were in this version. `store.models` declares the tables of the newest version, and a test
compares it with what all migrations produce.
"""

from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.schema import CreateTable

revision = "0001"
down_revision = None
min_version = "0001"

BIG = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
TABLES = MetaData()
UNTOLD = "told_time IS NULL"


def _key() -> Column[int]:
    return Column("id", BIG, primary_key=True, autoincrement=True)


def _exact(name: str, length: int, **options: Any) -> Column[str]:
    kind = (
        String(length)
        .with_variant(String(length, collation="BINARY"), "sqlite")
        .with_variant(String(length, collation="C"), "postgresql")
        .with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_nopad_bin"), "mysql", "mariadb")
    )
    return Column(name, kind, nullable=False, **options)


def _display_text(name: str, length: int) -> Column[str]:
    kind = String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4"), "mysql", "mariadb")
    return Column(name, kind, nullable=False, server_default="")


def _word(name: str, length: int) -> Column[str]:
    return Column(name, String(length), nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, BIG, nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, BIG, nullable=False, server_default="0")


def _perhaps(name: str) -> Column[int | None]:
    return Column(name, BIG)


def _active() -> Column[int | None]:
    return Column("active", Integer, Computed("CASE WHEN unbound_time IS NULL THEN 1 END", persisted=True))


Table(
    "es_member",
    TABLES,
    _key(),
    _exact("uname", 64),
    _display_text("nickname", 64),
    _display_text("face", 255),
    Column("sex", Integer),
    _display_text("mobile", 32),
    _display_text("province", 32),
    _display_text("city", 32),
    Column("disabled", Integer, nullable=False, server_default="0"),
    _display_text("register_client", 8),
    _count("create_time"),
    _count("last_login"),
    _count("login_count"),
    _display_text("password_hash", 255),
    UniqueConstraint("uname"),
    sqlite_autoincrement=True,
)
Table(
    "es_connect",
    TABLES,
    _key(),
    _number("member_id"),
    _exact("union_type", 32),
    _exact("union_id", 255),
    _exact("union_scope", 255, server_default=""),
    _count("create_time"),
    _perhaps("unbound_time"),
    _active(),
    Column("profile", Text),
    _count("profile_time"),
    UniqueConstraint("union_type", "union_scope", "union_id", "active"),
    UniqueConstraint("member_id", "union_type", "active"),
    sqlite_autoincrement=True,
)
Table(
    "es_connect_alias",
    TABLES,
    _key(),
    _number("connect_id"),
    _exact("union_type", 32),
    _exact("kind", 8),
    _exact("scope", 255, server_default=""),
    _exact("value", 255),
    _perhaps("unbound_time"),
    _active(),
    UniqueConstraint("union_type", "kind", "scope", "value", "active"),
    Index("ix_alias_connect", "connect_id"),
)
Table(
    "es_connect_setting",
    TABLES,
    _key(),
    _exact("provider", 64),
    _exact("client_type", 8, server_default=""),
    _exact("name", 64),
    Column("value", Text, nullable=False),
    _number("update_time"),
    UniqueConstraint("provider", "client_type", "name"),
)
Table(
    "es_member_session",
    TABLES,
    _key(),
    _number("member_id"),
    _count("connect_id"),
    _word("client_type", 8),
    _display_text("device_id", 64),
    _exact("family", 32),
    _exact("token_hash", 64),
    _number("create_time"),
    _number("seen_time"),
    _number("expiry_time"),
    _perhaps("rotated_time"),
    _perhaps("revoked_time"),
    UniqueConstraint("token_hash"),
    Index("ix_session_family", "family"),
    Index("ix_session_member", "member_id"),
    Index("ix_session_expiry", "expiry_time"),
)
Table(
    "es_connect_used_flow",
    TABLES,
    _exact("hash", 64, primary_key=True),
    _exact("flow", 64, server_default=""),
    _display_text("outcome", 16),
    _number("expiry_time"),
    Index("ix_used_flow_expiry", "expiry_time"),
    sqlite_with_rowid=False,
)
Table(
    "es_connect_handover",
    TABLES,
    _exact("hash", 64, primary_key=True),
    _exact("secret_hash", 64),
    _word("state", 16),
    _count("member_id"),
    _exact("family", 32, server_default=""),
    _display_text("browser", 32),
    _display_text("system", 32),
    _display_text("place", 64),
    _number("create_time"),
    _number("expiry_time"),
    Index("ix_handover_expiry", "expiry_time"),
)
Table(
    "es_member_merge",
    TABLES,
    _key(),
    _number("kept_id"),
    _number("merged_id"),
    _number("create_time"),
    _perhaps("undo_until"),
    Column("moved", Text),
    Column("ended", Text),
    UniqueConstraint("merged_id"),
    Index("ix_merge_kept", "kept_id"),
    Index("ix_merge_undo", "undo_until"),
)
Table(
    "es_connect_event",
    TABLES,
    _key(),
    _word("kind", 24),
    _number("member_id"),
    _number("connect_id"),
    _word("provider", 64),
    _word("client_type", 8),
    _word("union_type", 32),
    _word("subject_hash", 64),
    _word("request_id", 32),
    _number("create_time"),
    _display_text("detail", 255),
    _perhaps("told_time"),
    Index("ix_event_member", "member_id"),
    Index("ix_event_told", "told_time", sqlite_where=text(UNTOLD), postgresql_where=text(UNTOLD)),
)


def upgrade() -> None:
    """Create each table and index that does not exist."""
    for table in TABLES.tables.values():
        op.execute(CreateTable(table, if_not_exists=True))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            index.create(op.get_bind(), checkfirst=True)
