"""Nothing is lost and nothing overtakes when processes that send are killed at any moment, on each engine."""

import asyncio
import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connect_core.manager import ConnectManager

from ..conftest import MakeManager, Require
from ..kit.acme import NOTE, hand_in, rows
from ..kit.databases import ENGINES, fresh_database, is_answering, server_of
from ..kit.receiver import Receiver, endpoint, receiving

TESTS = Path(__file__).parents[1]
PEOPLE = 5
AT_WORK, KILLS = 2, 3
Process = subprocess.Popen[str]


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path, require: Require) -> Iterator[str]:
    """A fresh database of each engine in turn."""
    server = server_of(request.param)
    require(is_answering(server), f"{request.param} does not answer on this machine")
    with fresh_database(server, tmp_path) as url:
        (tmp_path / NOTE).write_text(url, "utf-8")
        yield url


@contextmanager
def senders(folder: Path, receiver: Receiver) -> Iterator[list[Process]]:
    """Processes that send once they get a line; all are killed in the end."""
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, str(TESTS / "events/sending.py"), str(folder), receiver.url]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = {**os.environ, "PYTHONPATH": path}
    processes = [subprocess.Popen(command, env=environment, **pipes) for _ in range(AT_WORK + KILLS)]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield processes
    finally:
        for process in processes:
            kill(process)


def begin(process: Process) -> None:
    """Let a process send."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def kill(process: Process) -> None:
    """Kill a process as a machine does that fails."""
    process.kill()
    process.wait()


async def kill_at_random(processes: list[Process]) -> None:
    """Kill one process after the other, and let another send in its place."""
    for process in processes[:AT_WORK]:
        begin(process)
    for victim, successor in zip(processes, processes[AT_WORK:], strict=False):
        await asyncio.sleep(random.uniform(0.2, 0.8))
        await asyncio.to_thread(kill, victim)
        begin(successor)


async def log_in_until(manager: ConnectManager, ended: asyncio.Task[None]) -> None:
    """Let people come back again and again."""
    for number in itertools.count():
        await hand_in(manager, f"person{number % PEOPLE}.{number}")
        await asyncio.sleep(0.03)
        if ended.done():
            break
    await ended


@pytest.mark.usefixtures("database_url")
async def test_killed_senders_lose_nothing(make_manager: MakeManager, tmp_path: Path) -> None:
    """Each event is taken at least once; of each member, every one before those that came later."""
    with receiving(lambda _: (500 if random.random() < 0.02 else 204, {})) as receiver:
        manager = make_manager(webhooks={"shop": endpoint(receiver)})
        with senders(tmp_path, receiver) as processes:
            await log_in_until(manager, asyncio.create_task(kill_at_random(processes)))
            receiver.answer = lambda _: (204, {})
            rows(tmp_path, "UPDATE es_webhook_delivery SET retry_time = create_time WHERE state = 'pending'")
            rows(tmp_path, "UPDATE es_webhook_endpoint SET retry_time = 0")
            ends = time.monotonic() + 20
            while rows(tmp_path, "SELECT 1 FROM es_webhook_delivery WHERE state = 'pending' LIMIT 1"):
                assert time.monotonic() < ends, rows(tmp_path, "SELECT * FROM es_webhook_endpoint")
                await asyncio.sleep(0.1)
    stored = rows(tmp_path, "SELECT id, member_id, create_time FROM es_connect_event ORDER BY create_time, id")
    ids: dict[int, list[str]] = {}
    for event in stored:
        ids.setdefault(event["member_id"], []).append(f"evt_{event['id']}_{event['create_time']}")
    for member_id, expected in ids.items():
        taken = [call.id for call in receiver.taken if call.content["data"]["member_id"] == member_id]
        assert list(dict.fromkeys(taken)) == expected
