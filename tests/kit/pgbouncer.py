"""A PgBouncer of the test's own, in transaction mode, before the PostgreSQL server of this machine."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from .ports import free_port

COMMAND = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
USER = "nobody"  # PgBouncer does not run as root
_CONFIG = """\
[databases]
* = host={host} port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
query_wait_timeout = 5
{more}
"""


@contextmanager
def running_pgbouncer(database_url: str, more: str = "") -> Iterator[str]:
    """The address of the same database through a PgBouncer, which shares three connections of the server.

    `more` are further lines of its configuration.
    """
    url = make_url(database_url)
    assert COMMAND
    port = free_port()
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        config = folder / "pgbouncer.ini"
        config.write_text(
            _CONFIG.format(host=url.host, server_port=url.port, port=port, folder=folder, more=more), "utf-8"
        )
        (folder / "users.txt").write_text(f'"{url.username}" "{url.password or ""}"\n', "utf-8")
        run_as = ["-u", USER] if os.geteuid() == 0 else []
        process = subprocess.Popen([COMMAND, "-q", *run_as, str(config)], stderr=subprocess.DEVNULL)
        try:
            _wait_for(port, process)
            yield url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        finally:
            process.kill()
            process.wait(10)


def get_version() -> tuple[int, ...]:
    """The version of the PgBouncer of this machine, such as `(1, 25, 2)`."""
    assert COMMAND
    told = subprocess.run([COMMAND, "-V"], capture_output=True, text=True, check=True, timeout=20).stdout
    return tuple(map(int, told.split()[1].split(".")))


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        assert process.poll() is None, "pgbouncer did not start"
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.02)
    raise AssertionError("pgbouncer does not answer")
