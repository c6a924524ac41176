"""The workers of a service that runs in a process of its own, as Linux shows them, and what it logs about them."""

import json
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The workers of a service, oldest first."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii")
    return [int(pid) for pid in children.split()]


def wait_until(is_true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until it is true; fails after `seconds`."""
    ends = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < ends
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended, also when nobody has waited for it."""
    with suppress(FileNotFoundError, ProcessLookupError):  # it may go between the opening and the reading
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"
    return True


def lines_of(output: str) -> list[dict[str, object]]:
    """The lines of a service's log, without what it announces first."""
    assert "Traceback" not in output
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]
