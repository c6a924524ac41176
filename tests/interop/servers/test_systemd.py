"""The systemd unit of `docs/operations`, as systemd itself reads it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ...conftest import Require
from .operations import OPERATIONS

UNIT = OPERATIONS / "systemd" / "connect-login.service"
PROGRAM = "/opt/connect/bin/connect-login"
CONFIG = "--config /etc/connect-login/connect.toml"
MOST_EXPOSED = 20
"""The highest rate of `systemd-analyze security`, times ten; without any hardening a service has 96."""


def analyze(*command: str) -> str:
    """What `systemd-analyze` writes."""
    answer = subprocess.run(["systemd-analyze", *command], capture_output=True, text=True, check=False, timeout=60)
    return answer.stdout + answer.stderr


def verify(unit: str, folder: Path) -> str:
    """What `systemd-analyze verify` finds in a unit whose program exists."""
    program = folder / "connect-login"
    program.write_text("#!/bin/sh\n", "ascii")
    program.chmod(0o755)
    path = folder / "connect-login.service"
    path.write_text(unit.replace(PROGRAM, str(program)), "utf-8")
    return analyze("verify", "--man=no", str(path))


@pytest.fixture(autouse=True)
def installed(require: Require) -> None:
    """Systemd need not run here; its tools read a file."""
    require(shutil.which("systemd-analyze"), "systemd is not installed")


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    """Each key is known and has a value of its form, and the programs exist."""
    unit = UNIT.read_text("utf-8")
    assert verify(unit, tmp_path) == ""
    assert "Unknown key" in verify(unit.replace("RestartSec=", "RestartSecs="), tmp_path)


def test_the_service_can_do_little() -> None:
    """Systemd's own rating of what a service that was broken into could reach."""
    rated = analyze("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", str(UNIT))
    exposure = re.search(r"Overall exposure level for connect-login\.service: ([0-9.]+)", rated)
    assert exposure, rated
    assert float(exposure[1]) * 10 <= MOST_EXPOSED


def test_what_the_unit_starts_and_reloads() -> None:
    """`serve` is started after what it needs; a reload is the signal that it takes (`tests/cli/test_reloading.py`)."""
    unit = dict(line.split("=", 1) for line in UNIT.read_text("utf-8").splitlines() if re.match(r"[A-Z]\w+=", line))
    assert unit["ExecStartPre"] == f"{PROGRAM} db upgrade {CONFIG}"
    assert unit["ExecStart"] == f"{PROGRAM} serve {CONFIG} --workers 2 --management-port 9000 --wait-for-db 60"
    assert unit["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert "postgresql.service" in unit["After"]
    assert int(unit["RestartSec"]) > 0
    assert unit["StartLimitIntervalSec"] == "0", "systemd would give up while the database is away"
