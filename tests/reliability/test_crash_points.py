"""A process dies at every point of a login and of a refresh, and leaves nothing half."""

import subprocess
from pathlib import Path

import pytest

from tests.kit.acme import execute

from .services import FULL, Tell, script


@pytest.mark.parametrize("kind", ["pc", "mini", "refresh"] if FULL else ["pc", "refresh"])
def test_a_death_at_any_point_leaves_nothing_half(url: str, tell: Tell, tmp_path: Path, kind: str) -> None:
    """Whoever was interrupted comes again at once, and is one member; no member, session or id stands alone."""
    command = script("crash", url, kind, str(tmp_path / "token"))
    done = subprocess.run(**command, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    deaths = done.stdout.splitlines()
    people = execute(url, "SELECT COUNT(*) AS n, COUNT(DISTINCT nickname) AS names FROM es_member")[0]
    homeless = execute(
        url, "SELECT COUNT(*) AS n FROM es_member m LEFT JOIN es_connect c ON c.member_id = m.id WHERE c.id IS NULL"
    )[0]["n"]
    tell(f"a death at every point: {kind}", f"{len(deaths)} deaths, {homeless} orphans", "0 orphans, 0 double")
    assert len(deaths) > (8 if kind == "refresh" else 15)
    assert people["n"] == people["names"] == (1 if kind == "refresh" else len(deaths) + 1)
    assert homeless == 0
    assert {"before a commit", "after a commit", "before a statement", "after a statement"} <= set(deaths)
