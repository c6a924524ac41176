"""The systemd unit of the how-to page, as systemd itself reads it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ...conftest import Require

DOCS = Path(__file__).parents[3] / "docs"
PAGES = ("how-to/operate.md", "zh/how-to/operate.md")
UNIT = re.compile(r"```text\n# /etc/systemd/system/connect-login\.service\n(.*?)```", re.DOTALL)
PROGRAM = "/opt/connect/bin/connect-login"


def unit_of(page: str) -> str:
    """The unit that a page shows."""
    [unit] = UNIT.findall((DOCS / page).read_text("utf-8"))
    return str(unit)


def verify(unit: str, folder: Path) -> str:
    """What `systemd-analyze verify` finds in a unit whose program exists."""
    program = folder / "connect-login"
    program.write_text("#!/bin/sh\n", "ascii")
    program.chmod(0o755)
    path = folder / "connect-login.service"
    path.write_text(unit.replace(PROGRAM, str(program)), "utf-8")
    command = ["systemd-analyze", "verify", "--man=no", str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return answer.stdout + answer.stderr


@pytest.mark.parametrize("page", PAGES)
def test_systemd_understands_every_line(page: str, tmp_path: Path, require: Require) -> None:
    """Each key is known and has a value of its form, and the programs exist."""
    require(shutil.which("systemd-analyze"), "systemd is not installed")
    assert verify(unit_of(page), tmp_path) == ""
    assert "Unknown key" in verify(unit_of(page).replace("RestartSec=", "RestartSecs="), tmp_path)


def test_what_the_unit_starts_and_reloads() -> None:
    """`serve` is started after what it needs; a reload is the signal that it takes (`tests/cli/test_reloading.py`)."""
    unit = dict(line.split("=", 1) for line in unit_of(PAGES[0]).splitlines() if "=" in line)
    assert unit["ExecStart"] == f"{PROGRAM} serve --config /etc/connect/connect.toml --wait-for-db 60"
    assert unit["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert "postgresql.service" in unit["After"]
    assert int(unit["RestartSec"]) > 0
    assert unit["StartLimitIntervalSec"] == "0", "systemd would give up while the database is away"
