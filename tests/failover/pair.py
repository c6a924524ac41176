"""Two PostgreSQL servers of the test's own on loopback: a primary, and a standby that follows it synchronously."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from connect_core.store import Database
from connect_core.store.schema.upgrade import upgrade_schema
from tests.kit.acme import execute
from tests.kit.databases import run_on_server

from ..kit.ports import free_port

USER = "postgres"
"""Who runs the servers: PostgreSQL refuses to run as root."""
STANDBY = "standby"
_CONFIG = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 60
shared_buffers = 32MB
"""


def find_programs() -> Path | None:
    """The folder with the newest `initdb`, `postgres` and `pg_basebackup` of this machine."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    on_path = shutil.which("pg_ctl")
    return next(reversed(folders), None) or (Path(on_path).resolve().parent if on_path else None)


@dataclass
class Server:
    """A server in `folder` that listens on `port`."""

    folder: Path
    port: int

    @property
    def address(self) -> str:
        """The database that every server has."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        _run("pg_ctl", "-D", self.folder, "-w", "-t", "60", "-l", self.folder / "server.log", "start")

    def configure(self, setting: str) -> None:
        """Change a setting of the running server."""
        run_on_server(self.address, f"ALTER SYSTEM SET {setting}")
        run_on_server(self.address, "SELECT pg_reload_conf()")

    def promote(self) -> None:
        """Make a standby the primary, and wait until it takes writes."""
        _run("pg_ctl", "-D", self.folder, "-w", "-t", "60", "promote")

    def kill(self) -> None:
        """End all processes at once, as a machine does that loses its power."""
        with suppress(FileNotFoundError):
            main = int((self.folder / "postmaster.pid").read_text("ascii").split()[0])
            children = Path(f"/proc/{main}/task/{main}/children").read_text("ascii").split()
            for process in (main, *map(int, children)):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)


@dataclass
class Pair:
    """A primary and its standby. `database_url` names both, and takes the one that accepts writes."""

    primary: Server
    standby: Server

    @property
    def database_url(self) -> str:
        """As an operator writes it."""
        hosts = "&".join(f"host=127.0.0.1:{server.port}" for server in (self.primary, self.standby))
        return f"postgresql+psycopg://{USER}@/shop?{hosts}&target_session_attrs=read-write"


@contextmanager
def running_pair() -> Iterator[Pair]:
    """Run two servers with a database `shop` that has our tables; a commit waits for the standby."""
    with TemporaryDirectory(prefix="connect-pair-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        pair = Pair(Server(folder / "first", free_port()), Server(folder / "second", free_port()))
        try:
            _create_primary(pair.primary)
            _create_standby(pair)
            pair.primary.configure(f"synchronous_standby_names = '{STANDBY}'")
            _wait_until_synchronous(pair.primary)
            yield pair
        finally:
            pair.primary.kill()
            pair.standby.kill()


def _create_primary(server: Server) -> None:
    _run("initdb", "-D", server.folder, "-A", "trust", "-U", USER, "-E", "UTF8", "--no-sync")
    with (server.folder / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.write(_CONFIG.format(port=server.port))
    server.start()
    run_on_server(server.address, "CREATE DATABASE shop")
    with closing(Database(server.address.removesuffix("postgres") + "shop")) as database:
        upgrade_schema(database)


def _create_standby(pair: Pair) -> None:
    source = f"host=127.0.0.1 port={pair.primary.port} user={USER} application_name={STANDBY}"
    _run("pg_basebackup", "-D", pair.standby.folder, "-d", source, "-R", "-X", "stream", "-c", "fast", "--no-sync")
    with (pair.standby.folder / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.write(f"port = {pair.standby.port}\n")
    pair.standby.start()


def _wait_until_synchronous(primary: Server) -> None:
    ends = time.monotonic() + 30
    while execute(primary.address, "SELECT sync_state FROM pg_stat_replication") != [{"sync_state": "sync"}]:
        assert time.monotonic() < ends
        time.sleep(0.1)


def _run(program: str, *arguments: object) -> None:
    folder = find_programs()
    assert folder is not None
    as_user = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
    call = [*as_user, str(folder / program), *map(str, arguments)]
    # not by pipes: the server that pg_ctl starts would keep them open
    done = subprocess.run(call, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, f"{program} failed"
