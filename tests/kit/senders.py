"""Processes that send webhooks and are killed at work, while people log in; and what the receiver must have got."""

import asyncio
import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connect_core.manager import ConnectManager

from .acme import hand_in, rows
from .receiver import Receiver

TESTS = Path(__file__).parents[1]
PEOPLE = 5
AT_WORK, KILLS = 2, 2
SEND_NOW = (
    "UPDATE es_webhook_delivery SET retry_time = create_time WHERE state = 'pending'",
    "UPDATE es_webhook_endpoint SET retry_time = 0",
)
Process = subprocess.Popen[str]


@contextmanager
def _senders(folders: Sequence[Path], receiver: Receiver) -> Iterator[list[Process]]:
    """Processes that send once they get a line, on the database of a folder each; all are killed in the end."""
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    commands = [
        [sys.executable, str(TESTS / "events/sending.py"), str(folders[number % len(folders)]), receiver.url]
        for number in range(AT_WORK + KILLS)
    ]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = {**os.environ, "PYTHONPATH": path}
    processes = [subprocess.Popen(command, env=environment, **pipes) for command in commands]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield processes
    finally:
        for process in processes:
            _kill(process)


def _begin(process: Process) -> None:
    """Let a process send."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _kill(process: Process) -> None:
    """Kill a process as a machine does that fails."""
    process.kill()
    process.communicate()


async def _kill_at_random(processes: list[Process]) -> None:
    """Kill one process after the other, and let another send in its place."""
    for process in processes[:AT_WORK]:
        _begin(process)
    for victim, successor in zip(processes, processes[AT_WORK:], strict=False):
        await asyncio.sleep(random.uniform(0.2, 0.6))
        await asyncio.to_thread(_kill, victim)
        _begin(successor)


async def _log_in_until(manager: ConnectManager, ended: asyncio.Task[None]) -> None:
    """Let people come back again and again."""
    for number in itertools.count():
        await hand_in(manager, f"person{number % PEOPLE}.{number}")
        await asyncio.sleep(0.03)
        if ended.done():
            break
    await ended


async def send_and_be_killed(
    manager: ConnectManager, folder: Path, receiver: Receiver, folders: Sequence[Path]
) -> None:
    """Let people log in and processes be killed that send on the databases of `folders`, until nothing is pending.

    `receiver` refuses some calls. `folder` is that of the manager's database.
    """
    receiver.answer = lambda _: (500 if random.random() < 0.02 else 204, {})
    with _senders(folders, receiver) as processes:
        await _log_in_until(manager, asyncio.create_task(_kill_at_random(processes)))
        receiver.answer = lambda _: (204, {})
        for update in SEND_NOW:  # senders change these rows too, and one may have to be run again
            await manager.database.write(lambda tx, sql=update: tx.cursor.execute(sql))
        ends = time.monotonic() + 20
        while rows(folder, "SELECT 1 FROM es_webhook_delivery WHERE state = 'pending' LIMIT 1"):
            assert time.monotonic() < ends, rows(folder, "SELECT * FROM es_webhook_endpoint")
            await asyncio.sleep(0.1)


def check_taken(folder: Path, receiver: Receiver) -> None:
    """Fail unless each event was taken, and of each member every one before those that came later."""
    stored = rows(folder, "SELECT id, member_id, create_time FROM es_connect_event ORDER BY create_time, id")
    ids: dict[int, list[str]] = {}
    for event in stored:
        ids.setdefault(event["member_id"], []).append(f"evt_{event['id']}_{event['create_time']}")
    assert len(ids) == PEOPLE
    for member_id, expected in ids.items():
        taken = [call.id for call in receiver.taken if call.content["data"]["member_id"] == member_id]
        assert list(dict.fromkeys(taken)) == expected
