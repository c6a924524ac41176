"""The new table `es_connect_vendor_session`: which session at a vendor a login came from."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, MetaData, String, Table, Text
from sqlalchemy.dialects import mysql, sqlite

revision = "0004"
down_revision = "0003"
min_version = "0002"

_BIG = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")


def _exact(length: int) -> String:
    kind = String(length).with_variant(String(length, collation="BINARY"), "sqlite")
    kind = kind.with_variant(String(length, collation="C"), "postgresql")
    exact = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_nopad_bin")
    return kind.with_variant(exact, "mysql", "mariadb")


_TABLE = Table(
    "es_connect_vendor_session",
    MetaData(),
    Column("family", _exact(32), primary_key=True),
    Column("member_id", _BIG, nullable=False),
    Column("provider", String(64), nullable=False),
    Column("client_type", String(8), nullable=False),
    Column("sid_hash", _exact(64), nullable=False),
    Column("hint", Text, nullable=False),
    Column("expiry_time", _BIG, nullable=False),
    Index("ix_vendor_session_sid", "sid_hash"),
    Index("ix_vendor_session_member", "member_id"),
    Index("ix_vendor_session_expiry", "expiry_time"),
)


def upgrade() -> None:
    """Create the table and its indexes, each unless an interrupted run has done so."""
    connection = op.get_bind()
    _TABLE.create(connection, checkfirst=True)
    for index in _TABLE.indexes:
        index.create(connection, checkfirst=True)
