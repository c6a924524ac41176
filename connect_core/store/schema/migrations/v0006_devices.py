"""Sessions and QR logins say from which browser, system and place they come."""

from alembic import op
from sqlalchemy import Column, String, inspect
from sqlalchemy.dialects import mysql

revision = "0006"
down_revision = "0005"
min_version = "0002"

_COLUMNS = {
    "es_member_session": {"browser": 32, "system": 32, "location": 512},
    "es_connect_handover": {"location": 512},
}
"""The new columns of each table, and their lengths in characters."""


def upgrade() -> None:
    """Add the columns, each unless an interrupted run has done so."""
    for table, lengths in _COLUMNS.items():
        present = {column["name"] for column in inspect(op.get_bind()).get_columns(table)}
        for name, length in lengths.items():
            if name not in present:
                kind = String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4"), "mysql", "mariadb")
                op.add_column(table, Column(name, kind, nullable=False, server_default=""))
