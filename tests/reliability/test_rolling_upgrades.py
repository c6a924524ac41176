"""A new version upgrades the schema while the old one serves, and both serve until the old one is gone.

The old version is the package under test. The new one is a copy of it with one migration more, which needs no
history of git and holds for whatever the newest migration is.
"""

import os
import shutil
import subprocess
from pathlib import Path

import connect_core
from connect_core.store import schema
from tests.benchmarks.processes import COMMAND, running_vendors
from tests.kit.acme import execute

from .services import Tell, running_service, sized
from .traffic import flowing

SECONDS = sized(3, 30)
NEXT = "9999"
MIGRATION = f'''\
"""A column, an index and a table more."""

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "{NEXT}"
down_revision = "{schema.VERSIONS[0]}"
min_version = "{schema.VERSIONS[0]}"


def upgrade() -> None:
    """Only add."""
    op.add_column("es_member", Column("motto", String(64), nullable=False, server_default=""))
    op.create_index("ix_member_motto", "es_member", ["motto"])
    op.create_table("es_member_motto", Column("id", BigInteger, primary_key=True))
'''


def make_next_version(folder: Path) -> dict[str, str]:
    """Copy the package, add a migration, and return the environment in which `connect-login` is that version."""
    copy = shutil.copytree(Path(connect_core.__file__).parent, folder / "next" / "connect_core")
    (copy / "store" / "schema" / "migrations" / f"v{NEXT}_motto.py").write_text(MIGRATION, "utf-8")
    paths = [str(copy.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths)}


def begin_upgrade(config: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start `connect-login db upgrade` of the new version."""
    call = [*COMMAND, "db", "upgrade", "--config", str(config)]
    return subprocess.Popen(call, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True)


async def test_an_upgrade_under_load_fails_no_login(url: str, tell: Tell, tmp_path: Path) -> None:
    """Fifty logins a second: on the old version during the upgrade, then on both, then on the new one alone."""
    environment = make_next_version(tmp_path)
    with running_vendors() as vendors, running_service(tmp_path / "old", url, vendors) as old:
        async with flowing(old.url) as traffic:
            await traffic.flow(SECONDS)
            upgrade = begin_upgrade(old.folder / "connect.toml", environment)
            await traffic.flow_until(lambda: upgrade.poll() is not None)
            alone = await traffic.flow(SECONDS)
            with running_service(tmp_path / "new", url, vendors, workers=1, **environment) as new:
                traffic.services.append(new.url)
                both = await traffic.flow(SECONDS)
                traffic.services.remove(old.url)
                await traffic.flow(SECONDS)
                traffic.services[:] = [old.url]  # going back needs no other schema
                back = await traffic.flow(SECONDS)
    said, _ = upgrade.communicate()
    assert said.splitlines()[-1] == f"the schema is current: {NEXT}"
    assert execute(url, "SELECT version_num FROM es_connect_schema") == [{"version_num": NEXT}]
    lost = traffic.count_lost(url)
    tell(
        f"an upgrade under {len(traffic.tokens)} logins",
        f"{len(traffic.failures)} failed, {lost} lost",
        "0 failed, 0 lost",
    )
    assert traffic.failures == []
    assert lost == 0
    assert min(alone, both, back) > SECONDS
