"""`connect-login` as an operator runs it, in a process of its own."""

import subprocess
import sysconfig
from pathlib import Path

COMMAND = str(Path(sysconfig.get_path("scripts"), "connect-login"))


def run(*arguments: str) -> tuple[int, list[str], list[str]]:
    """Run the command to its end; returns its exit code and what it said."""
    result = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in result.stdout + result.stderr
    return result.returncode, result.stdout.splitlines(), result.stderr.splitlines()
