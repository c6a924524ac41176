"""SQLite's file is locked, its disk full or read-only."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import aclosing, closing, contextmanager, suppress
from pathlib import Path

import pytest

from connect_core.errors import SettingsError, Unavailable
from connect_core.manager import ConnectManager
from connect_core.store import Database, schema
from connect_core.store.probe import probe_write
from tests.kit.acme import NOW, Acme, begin, come_back, execute, hand_in, locked, outcome_of, provider_of

from ..conftest import MakeManager
from .services import BOUND, Tell, percentile, recover, told_after

sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Leave no room on the disk."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    yield
    ballast.unlink()


@sqlite
async def test_a_full_disk_is_told_and_recovered_from(
    small_disk: Path, make_manager: MakeManager, acme: Acme, tell: Tell
) -> None:
    """503 while it is full, the vendor is not asked; then the same address works, and the file is whole."""
    url = f"sqlite:///{small_disk / 'connect.db'}"
    async with aclosing(make_manager(provider=provider_of(acme), service={"database_url": url})) as manager:
        await hand_in(manager, "lihua.0")
        begun = await begin(manager)
        with filled(small_disk):
            # the last pages of the log may still have room
            outcomes = [await outcome_of(hand_in(manager, f"lihua.{number + 1}")) for number in range(200)]
            with pytest.raises(Unavailable, match="SQLITE_FULL"):
                await probe_write(manager.database, NOW, are_members_elsewhere=False)
            requests = len(acme.requests)
            await told_after(come_back(manager, begun))
            assert len(acme.requests) == requests
        took = await recover(lambda: come_back(manager, begun))
        await hand_in(manager, "wangfang.1")
        await probe_write(manager.database, NOW, are_members_elsewhere=False)
    assert set(outcomes) <= {"ok", Unavailable.code}
    refused = outcomes.count(Unavailable.code)
    whole = execute(url, "PRAGMA integrity_check")
    tell("disk full", f"{refused} × 503, back after {took:.2f} s", "503s, then normal, file whole")
    assert refused > 100
    assert whole == [{"integrity_check": "ok"}]
    assert execute(url, "SELECT COUNT(*) AS n FROM es_member") == [{"n": 2}]


@sqlite
def test_a_read_only_disk_is_told_at_the_start(engine: str, small_disk: Path) -> None:
    """The operator reads what is wrong with which setting."""
    url = f"sqlite:///{small_disk / 'connect.db'}"
    with closing(Database(url)) as database:
        schema.prepare(database)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(SettingsError, match=r"database_url: .*: this user may not write here"):
        Database(url)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    with closing(Database(url)) as database:
        schema.prepare(database)


@sqlite
async def test_a_locked_file_is_told(manager: ConnectManager, acme: Acme, tell: Tell, tmp_path: Path) -> None:
    """A back-up that holds the lock: thirty callers are told within seconds, and nobody's code is burnt."""
    await hand_in(manager, "lihua.0")
    begun = await begin(manager)
    requests = len(acme.requests)
    with locked(tmp_path):
        tries = [come_back(manager, begun), *(hand_in(manager, f"wangfang.{n}") for n in range(30))]
        longest = max(await asyncio.gather(*map(told_after, tries)))
    assert len(acme.requests) == requests
    took = await recover(lambda: come_back(manager, begun))
    tell("file locked, 31 requests", f"503 after {longest:.2f} s, back after {took:.2f} s", "≤ 2.5 s, ≤ 5 s")
    assert longest <= BOUND
    assert took <= 5


async def test_32_logins_at_once_wait_for_nobody_long(manager: ConnectManager, tell: Tell) -> None:
    """32 logins in flight all the time: nobody is refused."""
    latencies: list[float] = []

    async def log_in_ten_times(number: int) -> None:
        for job in range(10):
            began = time.monotonic()
            await hand_in(manager, f"person{number}.{job}")
            latencies.append((time.monotonic() - began) * 1000)

    await asyncio.gather(*(log_in_ten_times(number) for number in range(32)))
    measured = f"p50 {percentile(latencies, 50):.0f} ms, p99 {percentile(latencies, 99):.0f} ms"
    tell("32 logins in flight", measured, "0 refused, p99 < 1 s on a quiet machine")
    assert len(latencies) == 320
