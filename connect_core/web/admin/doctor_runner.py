"""Runs the doctor for an operator, in a process of its own: one that hangs or parses keys holds up no login."""

import asyncio
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from starlette.requests import Request

from connect_core.acts import OperatorAct
from connect_core.errors import NotThere
from connect_core.manager import ConnectManager
from connect_core.store import audit
from connect_core.threads import DaemonThreads

DOCTOR_SECONDS = 60
"""How long the doctor may take before it is ended."""
_DOCTOR = "from connect_core.cli import main; main()"


class DoctorRunner:
    """Runs `connect-login doctor` for this process, once at a time; the command stores what it finds."""

    def __init__(self, manager: ConnectManager) -> None:
        self._manager = manager
        self._thread = DaemonThreads("doctor", threads=1, waiting=1)
        self._run: asyncio.Future[None] | None = None

    async def start(self, request: Request, act: OperatorAct) -> int:
        """Begin a run unless one is under way, with a record of the audit log, and return when, in epoch seconds.

        Raises `NotThere` for a service that was started without a configuration file.
        """
        config, now = find_config(request), self._manager.services.now()
        if config is None:
            raise NotThere("the service was started without a configuration file")
        await self._manager.database.write(lambda tx: audit.insert_record(tx, act, "doctor.run", "", now))
        if self._run is None or self._run.done():
            self._run = self._thread.start(partial(_run, config))
        return now


def _run(config: Path) -> None:
    null = subprocess.DEVNULL
    command = [sys.executable, "-c", _DOCTOR, "doctor", "--json", "--config", str(config)]
    with suppress(subprocess.TimeoutExpired):  # then it was ended, and the page says that there is no result
        subprocess.run(command, stdin=null, stdout=null, stderr=null, timeout=DOCTOR_SECONDS, check=False)  # noqa: S603 - our own command


def find_config(request: Request) -> Path | None:
    """Return the configuration file that the service was started with, or None."""
    config: Path | None = getattr(request.app.state, "config", None)
    return config
