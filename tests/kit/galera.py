"""A Galera cluster of the test's own on loopback: three MariaDB servers that can be killed and started again.

Needs the packages mariadb-server, galera-4, mariadb-backup and socat of Debian.
"""

import asyncio
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pymysql
from sqlalchemy.exc import SQLAlchemyError

from connect_core.manager import ConnectManager
from connect_core.store import Transaction

from ..conftest import Require
from .acme import execute
from .merges import outcome
from .ports import free_port

T = TypeVar("T")

SERVER = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
INSTALL = shutil.which("mariadb-install-db")
PROVIDER = next(iter(Path("/usr/lib").rglob("libgalera_smm.so")), None)
START_SECONDS = 60
_CONFIG = """\
[mariadbd]
{user}
datadir = {folder}/data
socket = {folder}/socket
pid-file = {folder}/pid
log-error = {folder}/log.err
port = {port}
bind-address = 127.0.0.1
skip-name-resolve
character-set-server = utf8mb4
max-connections = 300
innodb-buffer-pool-size = 64M
innodb-autoinc-lock-mode = 2
innodb-flush-log-at-trx-commit = 0
binlog-format = ROW
wsrep-on = ON
wsrep-provider = {provider}
wsrep-cluster-name = {name}
wsrep-cluster-address = gcomm://{peers}
wsrep-node-address = 127.0.0.1:{group_port}
wsrep-sst-method = mariabackup
wsrep-sst-auth = root:
wsrep-sst-receive-address = 127.0.0.1:{transfer_port}
wsrep-provider-options = "{options}"
"""
_OPTIONS = (
    "gcache.size=32M",
    "gmcast.listen_addr=tcp://127.0.0.1:{group_port}",
    "ist.recv_addr=127.0.0.1:{increment_port}",
    # a dead node is missed after two seconds instead of five
    "evs.keepalive_period=PT0.5S",
    "evs.suspect_timeout=PT2S",
    "evs.inactive_timeout=PT5S",
)


class GaleraNode:
    """One server of the cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.group_port, self._increment_port, self._transfer_port = (free_port() for _ in range(4))
        self.url = f"mysql+pymysql://root@127.0.0.1:{self.port}/test"
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, peers: str, name: str, template: Path) -> None:
        """Write its configuration, and an empty data folder."""
        ports = {
            "port": self.port,
            "group_port": self.group_port,
            "increment_port": self._increment_port,
            "transfer_port": self._transfer_port,
        }
        options = "; ".join(_OPTIONS).format(**ports)
        user = "user = root" if os.geteuid() == 0 else ""
        texts = {"folder": self.folder, "peers": peers, "name": name, "provider": PROVIDER, "user": user}
        config = _CONFIG.format(**ports, **texts, options=options)
        self.folder.mkdir()
        (self.folder / "my.cnf").write_text(config, "utf-8")
        shutil.copytree(template, self.folder / "data")

    def start(self, *, founds_cluster: bool = False) -> None:
        """Start it and wait until it takes part in the cluster."""
        assert SERVER
        command = [SERVER, f"--defaults-file={self.folder / 'my.cnf'}"]
        self._process = subprocess.Popen(command + ["--wsrep-new-cluster"] * founds_cluster, stderr=subprocess.DEVNULL)
        self.wait_until_synced()

    def is_running(self) -> bool:
        """Tell whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def wait_until_synced(self) -> None:
        """Wait until it takes part in the cluster."""
        ends = time.monotonic() + START_SECONDS
        while not self.is_synced():
            assert self.is_running(), f"the server has ended: {self._get_log()}"
            assert time.monotonic() < ends, f"the server does not join the cluster: {self._get_log()}"
            time.sleep(0.1)

    def is_synced(self) -> bool:
        """Tell whether it answers, and has all that the cluster has."""
        try:
            [row] = execute(self.url, "SHOW STATUS LIKE 'wsrep_local_state_comment'")
        except SQLAlchemyError:
            return False
        return str(row["Value"]) == "Synced"

    def read_status(self, name: str) -> int:
        """Return a counter of Galera's."""
        [row] = execute(self.url, f"SHOW GLOBAL STATUS LIKE '{name}'")
        return int(row["Value"])

    def administer(self, statement: str) -> None:
        """Run a statement outside a transaction, also while the node answers no queries."""
        with pymysql.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True) as connection:
            connection.cursor().execute(statement)

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _get_log(self) -> str:
        return (self.folder / "log.err").read_text("utf-8", errors="replace")[-2000:]


@contextmanager
def running_galera(require: Require, folder: Path, size: int = 3) -> Iterator[list[GaleraNode]]:
    """A cluster of `size` servers until the block ends."""
    require(SERVER and INSTALL, "mariadb-server")
    require(PROVIDER, "galera-4")
    require(shutil.which("mariadb-backup"), "mariadb-backup")
    require(shutil.which("socat"), "socat")
    template = folder / "template"
    user = ["--user=root"] if os.geteuid() == 0 else []
    install = [str(INSTALL), "--no-defaults", f"--datadir={template}", "--auth-root-authentication-method=normal"]
    subprocess.run([*install, *user], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    nodes = [GaleraNode(folder / f"node{number}") for number in range(size)]
    peers = ",".join(f"127.0.0.1:{node.group_port}" for node in nodes)
    for node in nodes:
        node.configure(peers, f"connect_test_{os.getpid()}", template)
    try:
        for number, node in enumerate(nodes):
            node.start(founds_cluster=number == 0)
        yield nodes
    finally:
        for node in nodes:
            node.kill()


async def meet(first: ConnectManager, change: Awaitable[T], other: Awaitable[object], *, place: int) -> list[str]:
    """Have `change` on the node of `first` ready to be committed, then `other` done, then `change` committed.

    `place` says which of the writes of `change` waits. Returns how both end.
    """
    is_ready, may_commit = threading.Event(), threading.Event()
    write, writes = first.database.write, 0

    async def write_slowly(work: Callable[[Transaction], Any], **options: bool) -> Any:
        nonlocal writes
        writes += 1
        is_slow = writes == place

        def do(tx: Transaction) -> Any:
            result = work(tx)
            if is_slow and not is_ready.is_set():
                is_ready.set()
                may_commit.wait(1.5)
            return result

        return await write(do, **options)

    first.database.write = write_slowly  # type: ignore[method-assign]
    changing = asyncio.create_task(outcome(change))
    assert await asyncio.to_thread(is_ready.wait, 5)
    ended = await outcome(other)
    may_commit.set()
    first.database.write = write  # type: ignore[method-assign]
    return [await changing, ended]


@contextmanager
def committing_together(*managers: ConnectManager) -> Iterator[None]:
    """Have the first transaction of each manager committed at the same moment; what is run again does not wait."""
    barrier = threading.Barrier(len(managers))
    for manager in managers:
        manager.database.write = _write_together(manager.database.write, barrier)  # type: ignore[method-assign]
    yield
    for manager in managers:
        del manager.database.write


def _write_together(write: Callable[..., Awaitable[Any]], barrier: threading.Barrier) -> Callable[..., Awaitable[Any]]:
    is_first = True

    async def write_together(work: Callable[[Transaction], Any], **options: bool) -> Any:
        def do(tx: Transaction) -> Any:
            nonlocal is_first
            try:
                return work(tx)
            finally:
                if is_first:
                    is_first = False
                    with suppress(threading.BrokenBarrierError):
                        barrier.wait(5)

        return await write(do, **options)

    return write_together
