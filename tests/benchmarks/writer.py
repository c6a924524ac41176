"""One of several processes of a shop that do nothing but log people in: `writer.py URL SYNCHRONOUS NAME`.

The vendor is in memory and there is no HTTP: what is left to be in another process's way with is the database. It says
`ready`, and at each line it is told logs in for that many seconds and prints how many logins that were.
"""

import asyncio
import itertools
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from kit.acme import hand_in, using

from connect_core.manager import ConnectManager

IN_FLIGHT = 16


async def obey(manager: ConnectManager) -> None:
    """Log known people in, a while for each line."""
    name, numbers = sys.argv[3], itertools.count()
    await log_in_until(time.monotonic() + 0.5, manager, name, numbers)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while seconds := await asyncio.to_thread(sys.stdin.readline):
        ends = time.monotonic() + float(seconds)
        logins = await asyncio.gather(*(log_in_until(ends, manager, name, numbers) for _ in range(IN_FLIGHT)))
        sys.stdout.write(f"{sum(logins)}\n")
        sys.stdout.flush()


async def log_in_until(ends: float, manager: ConnectManager, name: str, numbers: "itertools.count[int]") -> int:
    """Log one after the other in, and return how many it were."""
    for done in itertools.count():
        if time.monotonic() > ends:
            return done
        number = next(numbers)
        await hand_in(manager, f"{name}{number % 100}.{name}{number}")
    raise AssertionError("unreachable")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        using(Path(folder), obey, service={"database_url": sys.argv[1], "sqlite_synchronous": sys.argv[2]})
