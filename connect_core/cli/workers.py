"""What `serve --workers` does about processes that die: a worker is logged and replaced, none outlives the main one.

Only for processes that `serve` starts itself.
"""

import logging
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import wait

from uvicorn.supervisors import Multiprocess

log = logging.getLogger("connect_login")

STOP_SECONDS = 15
"""Time that a worker has to stop after its main process has died."""


class Supervisor(Multiprocess):
    """Uvicorn's supervisor of workers, which logs `worker_died` for each that it replaces."""

    def keep_subprocess_alive(self) -> None:
        """Replace the workers that died or hang."""
        before = list(self.processes)
        super().keep_subprocess_alive()
        for old, new in zip(before, self.processes, strict=False):
            if old is not new:
                fields = {"worker": old.pid, "ended_by": _describe(old.process.exitcode), "replaced_by": new.pid}
                log.error("worker_died", extra=fields)


def end_with_main_process() -> None:
    """Stop this worker when its main process dies: else it would keep the port, and answer by an old configuration.

    Logs `main_process_died`. In a process that has no main process nothing happens.
    """
    main = multiprocessing.parent_process()
    if main is not None:
        threading.Thread(target=_end_after, args=(main.sentinel, main.pid), name="main-process", daemon=True).start()


def _end_after(sentinel: int, main: int | None) -> None:
    wait([sentinel])
    log.error("main_process_died", extra={"main": main})
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)


def _describe(exit_code: int | None) -> str:
    """Return the name of the signal that ended a process, or its exit code."""
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
