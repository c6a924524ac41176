"""The new column `es_connect_schema.min_version`: the oldest version that runs on the schema."""

from alembic import op
from sqlalchemy import Column, String, inspect

revision = "0009"
down_revision = "0008"
min_version = "0002"


def upgrade() -> None:
    """Add the column, unless an interrupted run has done so; the upgrade fills it at its end."""
    columns = {column["name"] for column in inspect(op.get_bind()).get_columns("es_connect_schema")}
    if "min_version" not in columns:
        op.add_column("es_connect_schema", Column("min_version", String(32)))
