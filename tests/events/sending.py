"""A process that sends what is due, once it gets a line, until it is killed: `sending.py FOLDER RECEIVER_URL`."""

import asyncio
import sys
import time
from contextlib import suppress
from pathlib import Path

from kit.acme import make_manager
from kit.receiver import SECRET

from connect_core.errors import Unavailable
from connect_core.events.deliveries import Deliveries

LEASE_SECONDS = 1


async def send_for_ever(folder: Path, url: str) -> None:
    """Send, with a lease that runs out soon."""
    manager = make_manager(folder, webhooks={"shop": {"url": url, "secrets": [SECRET], "allow_private": True}})
    deliveries = Deliveries(
        manager.database, manager.subscriptions, time.time, manager.open_sink, lease_seconds=LEASE_SECONDS
    )
    print("ready", flush=True)  # noqa: T201 - the parent waits for it
    await asyncio.to_thread(sys.stdin.readline)
    while True:
        with suppress(Unavailable):
            await deliveries.start_due()
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(send_for_ever(Path(sys.argv[1]), sys.argv[2]))
