"""The column `es_connect_event.told_time` becomes `dispatched_at`, and its index goes with it."""

from alembic import op
from sqlalchemy import inspect, text

revision = "0002"
down_revision = "0001"
min_version = "0002"

_RENAME = "ALTER TABLE es_connect_event RENAME COLUMN told_time TO dispatched_at"
_RENAME_MYSQL = "ALTER TABLE es_connect_event CHANGE told_time dispatched_at BIGINT NULL"
"""MySQL has no RENAME COLUMN before 8.0."""
_UNDISPATCHED = text("dispatched_at IS NULL")


def upgrade() -> None:
    """Rename the column and replace its index, each unless an interrupted run has done so."""
    connection = op.get_bind()
    columns = {column["name"] for column in inspect(connection).get_columns("es_connect_event")}
    if "told_time" in columns:
        op.execute(_RENAME_MYSQL if connection.dialect.name in {"mysql", "mariadb"} else _RENAME)
    indexes = {index["name"] for index in inspect(connection).get_indexes("es_connect_event")}
    if "ix_event_told" in indexes:
        op.drop_index("ix_event_told", "es_connect_event")
    if "ix_event_undispatched" not in indexes:
        op.create_index(
            "ix_event_undispatched",
            "es_connect_event",
            ["dispatched_at"],
            sqlite_where=_UNDISPATCHED,
            postgresql_where=_UNDISPATCHED,
        )
