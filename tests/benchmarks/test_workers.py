"""Processes: how soon one answers, what it holds, and what a second one adds.

Where two workers, the sandboxes and the load share two cores, logins a second tell nothing. CPU for each login tells
what workers cost each other. Processes without a vendor and without HTTP show the wait for SQLite's one lock at its
worst; their figures are of the clock and want a machine of their own.
"""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from tests.kit.databases import is_answering, new_database, server_of

from .filling import find_servers
from .processes import COMMAND, FLOOR, HERE, Shop, Visitors, find_workers, new_people, running_shop, visiting
from .rounds import PEOPLE, ROUNDS, show_machine

STARTS = 3
IN_FLIGHT = 32
PAUSES = (0, 0.1, 0.2, 0.5, 1)
"""Seconds between the kill of one worker and that of the other."""
LONGEST_WAIT = 2
"""Seconds to the next login after every worker was killed."""
SECONDS = 1.5


def test_start_up(vendors: str, tmp_path: Path) -> None:
    """A shop answers after it is called, and the table of how soon and how large is printed, the floor beside it."""
    show_machine()
    sys.stdout.write(f"{'':<15}   {'first answer, ms':>16}   {'PSS, MiB: at first':>18}   {'after logins':>12}\n")
    figures: dict[str, list[float]] = {}
    for name, command, workers in (("one worker", COMMAND, 1), ("two workers", COMMAND, 2), ("the floor", FLOOR, 1)):
        folders = [tmp_path / f"{name} {number}" for number in range(STARTS)]
        starts = [start(running_shop(folder, vendors, command=command, workers=workers)) for folder in folders]
        figures[name] = [statistics.median(values) for values in zip(*starts, strict=True)]
        answer, started, used = figures[name]
        sys.stdout.write(f"{name:<15}   {answer * 1000:>16.0f}   {started:>18.0f}   {used:>12.0f}\n")
    answer, started, used = (b / a for a, b in zip(figures["one worker"], figures["two workers"], strict=True))
    sys.stdout.write(f"{'two ÷ one':<15}   {answer:>16.2f}   {started:>18.2f}   {used:>12.2f}\n")


def start(running: AbstractContextManager[Shop]) -> tuple[float, float, float]:
    """Start a shop; returns the seconds to its first answer, and its memory before and after logins, in MiB."""
    with running as shop:
        started = shop.memory_in_all()
        asyncio.run(crowd(shop))
        return shop.start_up, started, shop.memory_in_all()


def test_both_workers_are_killed(vendors: str, tmp_path: Path) -> None:
    """One after the other; how long the next login takes from the last kill on is printed."""
    waits = []
    with running_shop(tmp_path, vendors, workers=2) as shop:
        asyncio.run(crowd(shop, rounds=1))
        for pause in PAUSES:
            first, second = find_workers(shop.pids[0], 2)
            os.kill(first, signal.SIGKILL)
            time.sleep(pause)
            os.kill(second, signal.SIGKILL)
            began = time.monotonic()
            asyncio.run(log_in_again(Shop(shop.url)))
            waits.append(time.monotonic() - began)
            time.sleep(1)
    show_machine()
    sys.stdout.write(
        f"both workers killed, seconds to the next login: {statistics.median(waits):.2f}, {max(waits):.2f} at most\n"
    )
    assert max(waits) < LONGEST_WAIT


async def log_in_again(shop: Shop) -> None:
    """Log somebody in, and begin again whenever the connection breaks."""
    while True:
        async with visiting() as http:
            with suppress(aiohttp.ClientError):
                await Visitors(http, shop, "oauth2").log_in(new_people(1), 1)
                return


async def crowd(shop: Shop, workers: int = 1, rounds: int = ROUNDS) -> list[float]:
    """Log new people in by rounds, as many for each worker; returns what a login cost in each, in ms of CPU."""
    async with visiting() as http:
        visitors = Visitors(http, shop, "oauth2")
        found = [await visitors.log_in(new_people(PEOPLE * workers), IN_FLIGHT * workers) for _ in range(rounds)]
    return [start.cpu + callback.cpu for start, callback in found]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_two_workers(engine: str, require: Callable[[object, str], None], vendors: str, tmp_path: Path) -> None:
    """Two workers serve one database, and what a login costs them and one is printed."""
    server = server_of(engine)
    require(is_answering(server), f"{engine} does not answer on this machine")
    costs: dict[int, list[float]] = {1: [], 2: []}
    with ExitStack() as stack:
        shops = {number: stack.enter_context(serving(vendors, server, tmp_path, number)) for number in costs}
        before = get_part(shops[1], engine)
        for _ in range(ROUNDS):
            for number, shop in shops.items():
                costs[number] += asyncio.run(crowd(shop, number, 1))
        part = (get_part(shops[1], engine) - before) * 1000 / (PEOPLE * ROUNDS)
    show_machine()
    one, two = (statistics.median(some) for some in costs.values())
    whose = "to commit" if engine == "sqlite" else "the server's"
    sys.stdout.write(
        f"{engine}: CPU ms a first login, {IN_FLIGHT} in flight for each worker: "
        f"one worker {one:.2f} ({part:.2f} {whose}), two workers {two:.2f}; "
        f"with a core for each and nothing to wait for, two carry {2 * one / two:.2f} × of one\n"
    )


def get_part(shop: Shop, engine: str) -> float:
    """The CPU, in seconds, of the thread that commits to SQLite, and of a server's processes."""
    return shop.busiest_thread() if engine == "sqlite" else Shop("", shop.pids[1:]).cpu()


@contextmanager
def serving(vendors: str, server: str, folder: Path, workers: int) -> Iterator[Shop]:
    """A shop with so many workers and a database of its own, warmed up; the server's processes count as its own."""
    own = folder / str(workers)
    own.mkdir()
    with (
        new_database(server, own) as url,
        running_shop(own, vendors, "normal", database_url=url, workers=workers) as shop,
    ):
        asyncio.run(crowd(shop, workers, 1))
        yield replace(shop, pids=[*shop.pids, *find_servers(url)])


@pytest.mark.parametrize("synchronous", ["full", "normal"])
def test_two_processes_at_one_file(synchronous: str, require: Callable[[object, str], None], tmp_path: Path) -> None:
    """Two processes log people in at the same SQLite file, and how many more that are than with one is printed."""
    require(len(os.sched_getaffinity(0)) > 1, "two processes want two cores")
    alone, together = [], []
    with new_database("", tmp_path) as url, ExitStack() as stack:
        writers = [stack.enter_context(writer(url, synchronous, name)) for name in "ab"]
        for _ in range(ROUNDS):
            alone.append(write(writers[:1]))
            together.append(write(writers))
    show_machine()
    one, two = statistics.median(alone), statistics.median(together)
    sys.stdout.write(
        f"SQLite, synchronous = {synchronous}, logins a second without vendor and HTTP: one process {one:.0f}, "
        f"two {two:.0f}: {two / one:.2f} ×\n"
    )


@contextmanager
def writer(url: str, synchronous: str, name: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that logs people in at the database `url` when it is told."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "writer.py"), url, synchronous, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.communicate(timeout=30)


def write(writers: "list[subprocess.Popen[str]]") -> float:
    """Let these log people in at the same time; returns logins a second."""
    for process in writers:
        assert process.stdin is not None
        process.stdin.write(f"{SECONDS}\n")
        process.stdin.flush()
    return sum(int(process.stdout.readline()) for process in writers if process.stdout) / SECONDS
