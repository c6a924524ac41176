"""The new columns `lock_count`, raised by locks in a cluster, and `generation`, which orders the tokens of a login."""

from alembic import op
from sqlalchemy import BigInteger, Column, inspect
from sqlalchemy.dialects import sqlite

revision = "0008"
down_revision = "0007"
min_version = "0002"

_COLUMNS = (
    ("es_member", "lock_count"),
    ("es_connect", "lock_count"),
    ("es_member_session", "lock_count"),
    ("es_member_session", "generation"),
)


def upgrade() -> None:
    """Add the columns, each unless an interrupted run has done so."""
    for table, name in _COLUMNS:
        present = {column["name"] for column in inspect(op.get_bind()).get_columns(table)}
        if name not in present:
            kind = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
            op.add_column(table, Column(name, kind, nullable=False, server_default="0"))
