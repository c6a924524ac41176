"""The column `es_member.face` holds links of pictures of up to 2048 characters."""

from alembic import op

revision = "0003"
down_revision = "0002"
min_version = "0002"

_LONGER = {
    "postgresql": "ALTER TABLE es_member ALTER COLUMN face TYPE VARCHAR(2048)",
    "mysql": "ALTER TABLE es_member MODIFY face VARCHAR(2048) CHARACTER SET utf8mb4 NOT NULL DEFAULT ''",
}


def upgrade() -> None:
    """Lengthen the column. It can be run again, and reads no row on PostgreSQL."""
    dialect = op.get_bind().dialect.name
    if dialect == "sqlite":
        _lengthen_in_sqlite()
    else:
        op.execute(_LONGER["postgresql" if dialect == "postgresql" else "mysql"])


def _lengthen_in_sqlite() -> None:
    # SQLite has no statement for it, and no limit either: the declaration alone changes, as
    # https://www.sqlite.org/lang_altertable.html (section 7) describes for changes that rewrite no row.
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, 'face VARCHAR(255)', 'face VARCHAR(2048)')"
        " WHERE type = 'table' AND name = 'es_member'"
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {int(version or 0) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
