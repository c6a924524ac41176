"""Whether a login costs more where there are many members: ten thousand, a million, and on request ten million.

Counted is the CPU of the shop and of the database server's processes that work for it. The plain vendor's logins have
the largest share of the database, so they show most of its growth. SQLite runs with synchronous = normal.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from connect_core.manager import ConnectManager
from connect_core.web.app import SWEEP_STEP
from tests.kit.acme import using
from tests.kit.databases import is_answering, new_database, server_of

from .filling import OLD, fill, find_servers, get_sizes, plant_expired
from .processes import Shop, Visitors, new_people, running_shop, visiting
from .rounds import PEOPLE, WARM_UP, Rounds, log_in, show_machine

SIZES = (10_000, 1_000_000, *([10_000_000] if os.environ.get("CONNECT_BENCH") == "full" else []))
IN_FLIGHT = 8
STEPS = 20
HEAD = f"{'':<16} {'members':>10}   {'CPU ms for each':>17}     {'latency p50, ms':>17}\n"
Filled = Mapping[int, tuple[str, list[str]]]
"""For each number of members, the address of the database and the names of the old ones."""


@pytest.fixture(scope="module")
def filled(
    require: Callable[[object, str], None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Filled]]:
    """Databases of all sizes; those of the two engines are filled at the same time."""
    servers = {"sqlite": "", "postgresql": server_of("postgresql")}
    require(is_answering(servers["postgresql"]), "postgresql does not answer on this machine")
    began = time.monotonic()
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        urls = {
            engine: {
                size: stack.enter_context(new_database(server, tmp_path_factory.mktemp(f"{engine}{size}")))
                for size in SIZES
            }
            for engine, server in servers.items()
        }
        filling = {engine: threads.submit(_fill_all, one) for engine, one in urls.items()}
        found = {engine: one.result() for engine, one in filling.items()}
        sys.stdout.write(f"\nfilled in {time.monotonic() - began:.0f} s\n")
        yield found


def _fill_all(urls: Mapping[int, str]) -> Filled:
    return {size: (url, fill(url, size)) for size, url in urls.items()}


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_scale(engine: str, filled: Mapping[str, Filled], vendors: str, tmp_path: Path) -> None:
    """Old and new members log in at any size, what is over is swept, and the tables are printed."""
    databases = filled[engine]
    for url, _ in databases.values():
        plant_expired(url, STEPS * SWEEP_STEP)
    swept = [sweep(url, tmp_path) for url, _ in databases.values()]
    with ExitStack() as stack:
        shops = []
        for size, (url, _) in databases.items():
            shop = running_shop(tmp_path / f"{size}", vendors, "normal", database_url=url)
            shops.append(stack.enter_context(shop))
        found = asyncio.run(log_in_in_turn(shops, list(databases.values())))
    show_machine()
    sys.stdout.write(f"{engine}, {IN_FLIGHT} in flight\n{HEAD}")
    for kind in ("returning", "first"):
        costs = [(one[kind].login, one[kind].latency(50)) for one in found]
        show(f"{kind} login", costs)
    show(f"sweep of {SWEEP_STEP}", swept)
    show_sizes(databases)


def show(name: str, costs: list[tuple[float, float]]) -> None:
    """Print a row for each size, with the ratio to the smallest."""
    for size, (cpu, latency) in zip(SIZES, costs, strict=True):
        grown = [f"{cpu:>8.2f} {cpu / costs[0][0]:>6.2f} ×", f"{latency:>8.1f} {latency / costs[0][1]:>6.2f} ×"]
        sys.stdout.write(f"{name:<16} {size:>10}   {'   '.join(grown)}\n")


def show_sizes(databases: Filled) -> None:
    """Print what a member takes in the largest database, table by table, indexes included."""
    size, (url, _) = max(databases.items())
    sizes = {name: found / size for name, found in get_sizes(url).items() if found > size}
    listed = ", ".join(f"{name} {found:.0f}" for name, found in sorted(sizes.items()))
    sys.stdout.write(f"bytes a member, indexes included: {sum(sizes.values()):.0f} ({listed})\n")


async def log_in_in_turn(shops: list[Shop], databases: list[tuple[str, list[str]]]) -> list[dict[str, Rounds]]:
    """Log new and old members in, at one shop after the other; returns what it cost at each."""
    found = [{"first": Rounds(), "returning": Rounds()} for _ in shops]
    async with visiting() as http:
        for shop in shops:
            await Visitors(http, shop, "oauth2").log_in(new_people(WARM_UP), IN_FLIGHT)
        crowds = [
            Visitors(http, replace(shop, pids=[*shop.pids, *find_servers(url)]), "oauth2")
            for shop, (url, _) in zip(shops, databases, strict=True)
        ]
        for number in range(OLD // PEOPLE):
            for visitors, (_, old), costs in zip(crowds, databases, found, strict=True):
                people = old[number * PEOPLE : (number + 1) * PEOPLE]
                costs["returning"].rounds.append(await log_in(visitors, people, IN_FLIGHT))
                costs["first"].rounds.append(await log_in(visitors, new_people(PEOPLE), IN_FLIGHT))
    return found


def sweep(url: str, folder: Path) -> tuple[float, float]:
    """Sweep away what was planted; returns the median CPU and time of a step, in ms."""

    async def work(manager: ConnectManager) -> list[tuple[float, float]]:
        await manager.sweep(SWEEP_STEP)
        processes = Shop("", [os.getpid(), *find_servers(url)])
        found = []
        for _ in range(STEPS - 1):
            cpu, began = processes.cpu(), time.monotonic()
            assert await manager.sweep(SWEEP_STEP) == 2 * SWEEP_STEP
            found.append(((processes.cpu() - cpu) * 1000, (time.monotonic() - began) * 1000))
        return found

    steps = using(folder, work, service={"database_url": url, "sqlite_synchronous": "normal"})
    return statistics.median(cpu for cpu, _ in steps), statistics.median(took for _, took in steps)
