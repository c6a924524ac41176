"""An OceanBase server of one's own: starts `seekdb`, its edition for one machine, from the package `pylibseekdb`."""

import atexit
import os
import shutil
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import pymysql

from .ports import free_port

START_SECONDS = 120
OPTIONS = ("datafile_size=2G", "log_disk_size=2G", "memory_limit=3G")


def is_wanted() -> bool:
    """Tell whether this run, and this process of it, is to start a server."""
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    return os.environ.get("CONNECT_TEST_OCEANBASE") == "1" and not is_worker


def start_oceanbase() -> str:
    """Start a server on loopback, which ends with this process, and return the address of its database `test`."""
    package = find_spec("pylibseekdb")
    assert package is not None
    assert package.origin is not None
    binary = Path(package.origin).parent / "seekdb"
    folder, port = Path(mkdtemp(prefix="connect-oceanbase-")), free_port()
    parameters = [part for option in OPTIONS for part in ("--parameter", option)]
    arguments = [binary, "--nodaemon", "--port", str(port), "--base-dir", folder / "data", *parameters]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(_stop, process, folder)
    _wait_until_it_answers(process, port)
    return f"mysql+pymysql://root@127.0.0.1:{port}/test"


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, "seekdb ended at its start"
        try:
            pymysql.connect(host="127.0.0.1", port=port, user="root", database="test").close()
        except pymysql.Error:
            assert time.monotonic() < ends_at, "seekdb does not answer"
            time.sleep(0.5)
        else:
            return


def _stop(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.kill()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)
