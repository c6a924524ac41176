"""Settings with revisions, administrators and their audit log, and deliveries of webhooks.

`es_connect_setting` is made anew: no version before this one reads or writes it.
"""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint, inspect
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.schema import CreateTable

revision = "0010"
down_revision = "0009"
min_version = "0002"

_BIG = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
_TABLES = MetaData()


def _key() -> Column[int]:
    return Column("id", _BIG, primary_key=True, autoincrement=True)


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


def _word(name: str, length: int, **options: Any) -> Column[str]:
    return Column(name, String(length), nullable=False, **options)


def _number(name: str) -> Column[int]:
    return Column(name, _BIG, nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, _BIG, nullable=False, server_default="0")


def _perhaps(name: str) -> Column[int | None]:
    return Column(name, _BIG)


Table(
    "es_connect_setting",
    _TABLES,
    _key(),
    _exact("section", 128),
    _exact("name", 64),
    _number("revision"),
    Column("value", Text),
    _display_text("actor", 64),
    _number("update_time"),
    UniqueConstraint("section", "name", "revision"),
    Index("ix_setting_revision", "revision"),
)
Table(
    "es_connect_setting_change",
    _TABLES,
    Column("revision", _BIG, primary_key=True, autoincrement=False),
    _number("base"),
    _perhaps("active_base"),
    _word("state", 16),
    _display_text("actor", 64),
    _display_text("comment", 255),
    Column("changes", Text, nullable=False),
    _word("request_id", 32, server_default=""),
    _number("create_time"),
    _perhaps("active_time"),
    UniqueConstraint("active_base"),
)
Table(
    "es_admin",
    _TABLES,
    _key(),
    _exact("name", 64),
    _word("role", 16),
    _word("password_hash", 255),
    Column("totp_secret", Text),
    _count("totp_step"),
    Column("disabled", Integer, nullable=False, server_default="0"),
    _count("create_time"),
    _count("last_login"),
    _count("lock_count"),
    UniqueConstraint("name"),
    sqlite_autoincrement=True,
)
Table(
    "es_admin_session",
    _TABLES,
    _exact("token_hash", 64, primary_key=True),
    _exact("name", 64),
    _word("role", 16),
    _display_text("provider", 64),
    _number("create_time"),
    _number("seen_time"),
    _number("expiry_time"),
    Index("ix_admin_session_expiry", "expiry_time"),
    Index("ix_admin_session_name", "name"),
)
Table(
    "es_admin_token",
    _TABLES,
    _key(),
    _exact("name", 64),
    _exact("token_hash", 64),
    _word("scopes", 255),
    _display_text("actor", 64),
    _number("create_time"),
    _number("expiry_time"),
    _count("seen_time"),
    _perhaps("revoked_time"),
    UniqueConstraint("token_hash"),
    sqlite_autoincrement=True,
)
Table(
    "es_admin_audit",
    _TABLES,
    _key(),
    _number("create_time"),
    _display_text("actor", 64),
    _word("via", 16),
    _word("action", 48),
    _exact("target", 128, server_default=""),
    _display_text("detail", 255),
    _word("request_id", 32, server_default=""),
    Index("ix_audit_time", "create_time"),
    Index("ix_audit_target", "target"),
    sqlite_autoincrement=True,
)
Table(
    "es_webhook_endpoint",
    _TABLES,
    _exact("name", 64, primary_key=True),
    _word("state", 16),
    _perhaps("failing_since"),
    _perhaps("disabled_time"),
    _count("retry_time"),
    _count("attempts"),
    _exact("lease_owner", 32, server_default=""),
    _count("lease_until"),
)
Table(
    "es_webhook_delivery",
    _TABLES,
    _key(),
    _exact("endpoint", 64),
    _number("event_id"),
    _number("member_id"),
    _word("state", 16),
    _count("attempts"),
    _count("retry_time"),
    _number("create_time"),
    _perhaps("end_time"),
    _display_text("last_error", 64),
    UniqueConstraint("endpoint", "event_id"),
    Index("ix_delivery_waiting", "endpoint", "state", "retry_time"),
    Index("ix_delivery_member", "endpoint", "state", "member_id", "create_time"),
    Index("ix_delivery_end", "state", "end_time"),
    Index("ix_delivery_event", "event_id"),
)


def upgrade() -> None:
    """Drop the unused form of `es_connect_setting`, then create each table and index that does not exist."""
    connection = op.get_bind()
    present = inspect(connection)
    if present.has_table("es_connect_setting"):
        columns = {column["name"] for column in present.get_columns("es_connect_setting")}
        if "section" not in columns:
            op.drop_table("es_connect_setting")
    for table in _TABLES.tables.values():
        op.execute(CreateTable(table, if_not_exists=True))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            index.create(connection, checkfirst=True)
