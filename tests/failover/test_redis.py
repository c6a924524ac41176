"""A Redis master is lost under load, and Sentinel makes its replica the master: no login fails."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks.processes import running_vendors
from tests.kit.databases import fresh_database
from tests.reliability.services import running_service
from tests.reliability.traffic import flowing

from ..conftest import Require
from ..kit.ports import free_port

SECONDS = 3
_SENTINEL = """\
port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor shop 127.0.0.1 {master} 1
sentinel down-after-milliseconds shop 1000
sentinel failover-timeout shop 5000
"""


@dataclass
class Replicated:
    """A master, its replica, and the Sentinel that watches both."""

    master: subprocess.Popen[bytes]
    replica_port: int
    sentinel_port: int

    @property
    def url(self) -> str:
        """As an operator writes it; nothing listens at the first Sentinel."""
        return f"redis+sentinel://127.0.0.1:1,127.0.0.1:{self.sentinel_port}/shop/0"


@pytest.fixture
def redis(require: Require, tmp_path: Path) -> Iterator[Replicated]:
    """A Redis of the test's own, with a replica and a Sentinel."""
    require(shutil.which("redis-server") and shutil.which("redis-sentinel"), "Redis or its Sentinel is not installed")
    ports = [free_port() for _ in range(3)]
    folder = tmp_path / "redis"
    folder.mkdir()
    config = folder / "sentinel.conf"
    config.write_text(_SENTINEL.format(port=ports[2], folder=folder, master=ports[0]), "utf-8")
    serve = ["redis-server", "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), "--port"]
    with (
        _running([*serve, str(ports[0])], ports[0]) as master,
        _running([*serve, str(ports[1]), "--replicaof", "127.0.0.1", str(ports[0])], ports[1]),
        _running(["redis-sentinel", str(config)], ports[2]),
    ):
        yield Replicated(master, ports[1], ports[2])


@contextmanager
def _running(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(500):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait(10)


def ask(port: int, command: str) -> str:
    """The answer of a server of Redis's, as it is."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"{command}\r\n".encode())
        return connection.recv(65536).decode()


async def test_a_killed_master_fails_no_login(redis: Replicated, tmp_path: Path) -> None:
    """Limits are counted in Redis before, in each process meanwhile, and in the new master afterwards."""
    folder = tmp_path / "shop"
    with fresh_database("", tmp_path) as url, running_vendors() as vendors:
        shared = f'redis_url = "{redis.url}"\n[limits]\nper_address = "999999/hour"\n'
        with running_service(folder, url, vendors, limits=shared) as service:
            async with flowing(service.url) as traffic:
                await traffic.flow(SECONDS)
                assert ":0" not in ask(redis.replica_port, "DBSIZE")
                redis.master.kill()
                await traffic.flow_until(lambda: "role:master" in ask(redis.replica_port, "INFO replication"))
                ask(redis.replica_port, "FLUSHALL")
                assert await traffic.flow(SECONDS) > SECONDS
                await traffic.flow_until(lambda: ":0" not in ask(redis.replica_port, "DBSIZE"))
    assert traffic.failures == []
    log = (folder / "shop.log").read_text("utf-8")
    assert log.index("cache_down") < log.index("cache_up")
