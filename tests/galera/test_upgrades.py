"""`db upgrade` on three nodes at once."""

import asyncio
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from connect_core.store import Database, schema
from connect_core.store.schema.state import SchemaState
from connect_core.store.schema.upgrade import upgrade_schema

from ..kit.databases import empty_database
from ..kit.galera import GaleraNode


def upgrade(url: str) -> list[str]:
    """Upgrade through one node; returns the lines that an operator reads."""
    lines: list[str] = []
    with closing(Database(url)) as database:
        upgrade_schema(database, lines.append)
        assert schema.find_state(database) is SchemaState.CURRENT
    return lines


async def test_of_three_upgrades_at_once_one_works_and_two_wait(nodes: list[GaleraNode], tmp_path: Path) -> None:
    """Each step is made once, and everybody ends with a current schema."""
    with empty_database(nodes[0].url, tmp_path) as first:
        urls = [make_url(first).set(port=node.port).render_as_string(hide_password=False) for node in nodes]
        told = await asyncio.gather(*(asyncio.to_thread(upgrade, url) for url in urls))
    steps = [line for lines in told for line in lines if line.startswith("upgrading: ")]
    assert len(steps) == len(schema.VERSIONS) == len(set(steps))
    assert sum(line.startswith("waiting for the upgrade of ") for lines in told for line in lines) == 2
    assert [lines[-1] for lines in told] == [f"the schema is current: {schema.VERSIONS[0]}"] * 3
