"""What benchmarks run on: the shop, the vendors' sandboxes and the load, each a process of its own.

The shop is started by the command `connect-login`, as an operator starts it, and only its CPU time is counted. Whatever
it is compared with takes the same call and answers the same routes. The load keeps its connections open, as the reverse
proxy in front of a shop does. Linux alone.
"""

import asyncio
import json
import secrets
import subprocess
import sys
import sysconfig
import time
import tomllib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Generic, TypeVar
from urllib.request import urlopen

import aiohttp

from connect_core.cli.keys import new_key
from tests.kit.ports import free_port

T = TypeVar("T")
Item = TypeVar("Item")
Begun = tuple[str, str, str]

HERE = Path(__file__).parent
COMMAND = [str(Path(sysconfig.get_path("scripts"), "connect-login"))]
FLOOR = [sys.executable, str(HERE / "floor.py")]
HAND_WRITTEN = [sys.executable, str(HERE / "handwritten.py")]
BROWSER = {
    "user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "accept-language": "zh-CN,zh;q=0.9,en;q=0.8",
    "accept-encoding": "gzip, deflate, br",
}


@dataclass(frozen=True, slots=True)
class Shop:
    """A running shop and its processes. `start_up` is in seconds, from the call of the command to the first answer."""

    url: str
    pids: Sequence[int] = ()
    start_up: float = 0

    def cpu(self) -> float:
        """The CPU time that the processes have used, in seconds: all threads, user and system."""
        # clock_getcpuclockid(3), for which Python has no function
        return sum(time.clock_gettime(~pid << 3 | 2) for pid in self.pids)

    def busiest_thread(self) -> float:
        """The CPU time, in seconds, of the thread that has used most, the first of each process not counted."""
        threads = [one for pid in self.pids for one in Path(f"/proc/{pid}/task").iterdir() if one.name != str(pid)]
        return max((int((one / "schedstat").read_text("ascii").split()[0]) / 1e9 for one in threads), default=0)

    def memory(self) -> float:
        """The resident set of the largest process in MiB."""
        return max(_memory(pid, "status", "VmRSS") for pid in self.pids)

    def memory_in_all(self) -> float:
        """The proportional set size of all processes in MiB: a page that several share is divided among them."""
        return sum(_memory(pid, "smaps_rollup", "Pss") for pid in self.pids)


@dataclass(frozen=True, slots=True)
class Measured(Generic[T]):
    """What a round of equal requests answered and cost: `cpu` in ms each, `latencies` in ms, shortest first."""

    answers: list[T]
    cpu: float
    latencies: list[float]

    def latency(self, percent: int) -> float:
        """A percentile in ms."""
        return self.latencies[(len(self.latencies) - 1) * percent // 100]


@contextmanager
def running_vendors() -> Iterator[str]:
    """Run the vendors' sandboxes; yields the settings that reach them, as TOML."""
    call = [sys.executable, str(HERE / "vendors.py")]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield "".join(takewhile(lambda line: not line.startswith("# "), process.stdout))
    finally:
        _stop(process)


@contextmanager
def running_shop(
    folder: Path,
    vendors: str,
    synchronous: str = "full",
    command: Sequence[str] = COMMAND,
    *,
    database_url: str = "",
    workers: int = 1,
    options: Sequence[str] = (),
) -> Iterator[Shop]:
    """Run a shop of its own in `folder`, which talks to the `sandboxes`; `synchronous` is SQLite's.

    It keeps its members in `database_url`, by default a new file in the folder. `options` are further ones of `serve`.
    """
    folder.mkdir(exist_ok=True)
    port = free_port()
    url, config = f"http://127.0.0.1:{port}", folder / "connect.toml"
    database = database_url or f"sqlite:///{folder / 'connect.db'}"
    own = _CONFIG.format(url=url, database=database, synchronous=synchronous, key=new_key())
    config.write_text(own + vendors, "utf-8")
    # for what reads no TOML
    config.with_suffix(".json").write_text(json.dumps(tomllib.loads(own + vendors)), "utf-8")
    began = time.monotonic()
    with (folder / "shop.log").open("w", encoding="utf-8") as log:
        call = [*command, "serve", "--config", str(config), "--port", str(port), "--workers", str(workers), *options]
        process = subprocess.Popen(call, stdout=log, stderr=log, text=True)
    try:
        _wait_for(f"{url}/healthz", process)
        yield Shop(url, (process.pid, *find_workers(process.pid, workers)), time.monotonic() - began)
    finally:
        _stop(process)


async def measured(
    shop: Shop, work: Callable[[Item], Awaitable[T]], items: Sequence[Item], in_flight: int
) -> Measured[T]:
    """Do `work` for each of the items, at most `in_flight` at once."""
    answers: dict[int, T] = {}
    latencies: list[float] = []
    waiting = iter(enumerate(items))

    async def visit() -> None:
        for place, item in waiting:
            began = time.monotonic()
            answers[place] = await work(item)
            latencies.append((time.monotonic() - began) * 1000)

    before = shop.cpu()
    await asyncio.gather(*(visit() for _ in range(in_flight)))
    cpu = (shop.cpu() - before) * 1000 / len(items)
    return Measured([answers[place] for place in range(len(items))], cpu, sorted(latencies))


@dataclass(frozen=True, slots=True)
class Visitors:
    """Visitors with PC browsers: what each of a login's requests looks like. Cookies are carried by hand."""

    http: aiohttp.ClientSession
    shop: Shop
    provider: str

    async def log_in(self, people: Sequence[str], in_flight: int) -> tuple[Measured[Begun], Measured[str]]:
        """Log everybody in by rounds: all starts, all consents, all callbacks; returns the first and the last."""
        start = await measured(self.shop, self.start, people, in_flight)
        consents = await measured(self.shop, self.consent, start.answers, 8)
        return start, await measured(self.shop, self.come_back, consents.answers, in_flight)

    async def start(self, person: str) -> Begun:
        """Begin a login; returns the person, the vendor's address and the flow's cookie."""
        path = f"/connect/{self.provider}/pc/login"
        async with self.http.get(self.shop.url + path, headers=BROWSER, allow_redirects=False) as answer:
            assert answer.status in (302, 303), await answer.text()
            return person, answer.headers["location"], _cookie(answer)

    async def consent(self, begun: Begun) -> tuple[str, str]:
        """Agree at the vendor's; returns the address of our callback and the flow's cookie."""
        person, login_url, cookie = begun
        form = {"person": person, "decision": "agree"}
        async with self.http.post(login_url, data=form, allow_redirects=False) as answer:
            assert answer.status in (302, 303), await answer.text()
            return answer.headers["location"], cookie

    async def come_back(self, agreed: tuple[str, str]) -> str:
        """Finish the login; returns the session's cookie."""
        callback, cookie = agreed
        headers = {**BROWSER, "cookie": cookie}
        async with self.http.get(callback, headers=headers, allow_redirects=False) as answer:
            assert answer.status in (302, 303), await answer.text()
            return _cookie(answer)

    async def ask_who(self, cookie: str) -> int:
        """Return the member that the shop says is logged in."""
        headers = {**BROWSER, "accept": "application/json", "cookie": cookie}
        async with self.http.get(f"{self.shop.url}/connect/me", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return int((await answer.json())["uid"])


def visiting() -> aiohttp.ClientSession:
    """The connections of a crowd; cookies are each visitor's own."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(limit=0))


def new_people(number: int) -> list[str]:
    """Names of people whom no shop has seen."""
    return [secrets.token_hex(6) for _ in range(number)]


def _memory(pid: int, file: str, name: str) -> float:
    lines = Path(f"/proc/{pid}/{file}").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def find_workers(pid: int, number: int) -> list[int]:
    """The processes that serve for their supervisor, once there are so many; one alone has none."""
    serving: list[int] = []
    while number > 1 and len(serving) < number:
        time.sleep(0.05)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        serving = [int(child) for child in children]
    return serving


def _cookie(answer: aiohttp.ClientResponse) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def _wait_for(url: str, process: subprocess.Popen[str]) -> None:
    while True:
        with suppress(OSError), urlopen(url):
            return
        assert process.poll() is None, "the shop did not start; its folder holds shop.log"
        time.sleep(0.005)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=30)


# the limit for an address counts, as it does by default, and never strikes
_CONFIG = """\
[service]
public_url = "{url}"
database_url = "{database}"
sqlite_synchronous = "{synchronous}"
secret_keys = ["{key}"]
[limits]
per_address = "9999999/minute"
[clients]
pc = ["alipay", "oauth2", "wechat"]
"""
