"""The new column `es_connect_used_flow.result`: a choice or a proof that a repeated callback is answered with."""

from alembic import op
from sqlalchemy import Column, Text, inspect

revision = "0007"
down_revision = "0006"
min_version = "0002"


def upgrade() -> None:
    """Add the column, unless an interrupted run has done so."""
    columns = {column["name"] for column in inspect(op.get_bind()).get_columns("es_connect_used_flow")}
    if "result" not in columns:
        op.add_column("es_connect_used_flow", Column("result", Text, nullable=True))
