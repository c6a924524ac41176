"""`connect-login` as an operator runs it, in a process of its own."""

import os
import subprocess
import sysconfig
from pathlib import Path

COMMAND = str(Path(sysconfig.get_path("scripts"), "connect-login"))


def run(*arguments: str) -> tuple[int, list[str], list[str]]:
    """Run the command to its end; returns its exit code and what it said."""
    result = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in result.stdout + result.stderr
    return result.returncode, result.stdout.splitlines(), result.stderr.splitlines()


def run_in(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, in `folder`; nothing it says may be a traceback."""
    done = subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def refused(folder: Path, *arguments: str, **environment: str) -> list[str]:
    """What a command that cannot start says; it must end with 2 and say nothing else."""
    done = run_in(folder, *arguments, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr.splitlines()
