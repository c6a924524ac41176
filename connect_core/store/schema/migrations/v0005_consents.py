"""The new table `es_member_consent`: which version of the shop's terms a member agreed to, and when."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, MetaData, String, Table
from sqlalchemy.dialects import mysql, sqlite

revision = "0005"
down_revision = "0004"
min_version = "0002"

_BIG = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
_TABLE = Table(
    "es_member_consent",
    MetaData(),
    Column("id", _BIG, primary_key=True, autoincrement=True),
    Column("member_id", _BIG, nullable=False),
    Column(
        "terms_version",
        String(32).with_variant(mysql.VARCHAR(32, charset="utf8mb4"), "mysql", "mariadb"),
        nullable=False,
        server_default="",
    ),
    Column("create_time", _BIG, nullable=False),
    Index("ix_consent_member", "member_id"),
)


def upgrade() -> None:
    """Create the table and its index, each unless an interrupted run has done so."""
    connection = op.get_bind()
    _TABLE.create(connection, checkfirst=True)
    for index in _TABLE.indexes:
        index.create(connection, checkfirst=True)
