"""What a plugin listens to is told at least once, whenever the process ends."""

import asyncio
import subprocess
import time
from contextlib import aclosing

from connect_core.events.dispatch import REDELIVERY_AFTER_SECONDS
from connect_core.plugin import LoginEvent, hookimpl
from tests.kit.acme import execute, hand_in

from ..conftest import MakeManager
from ..kit.clock import Clock
from .services import Tell, script


class Listener:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[LoginEvent] = []

    @hookimpl
    def connect_registered(self, event: LoginEvent) -> None:
        """Listen."""
        self.heard.append(event)

    @hookimpl
    def connect_logged_in(self, event: LoginEvent) -> None:
        """Listen."""
        self.heard.append(event)


def killed_after_the_commit(url: str) -> bool:
    """Log in, in a process that is killed between the commit and the notices."""
    return subprocess.run(**script("dying", url), check=False, timeout=60).returncode == -9


async def test_a_notice_survives_a_kill(url: str, tell: Tell, make_manager: MakeManager) -> None:
    """Killed between commit and notice: another process tells it a minute later, whole, in order, and once."""
    assert await asyncio.to_thread(killed_after_the_commit, url)
    listener = Listener()
    redelivered = []
    for late in (0, REDELIVERY_AFTER_SECONDS + 2, REDELIVERY_AFTER_SECONDS + 2):
        clock = Clock(time.time() + late)
        async with aclosing(make_manager(extra=[("listener", listener)], now=clock)) as manager:
            redelivered.append(await manager.dispatcher.redeliver())
    assert redelivered == [0, 2, 0], "within the first minute another process may still be telling it"
    heard = [(event.kind, event.is_new_member, event.member_id) for event in listener.heard]
    tell("notices lost by a kill between commit and notice", 2 - len(heard), "0")
    member = execute(url, "SELECT id FROM es_member")[0]["id"]
    assert heard == [("registered", True, member), ("logged_in", True, member)]
    ids = [row["id"] for row in execute(url, "SELECT id FROM es_connect_event WHERE kind <> 'bound' ORDER BY id")]
    assert [event.id for event in listener.heard] == ids


async def test_what_was_told_is_not_told_again(url: str, make_manager: MakeManager) -> None:
    """A login that is told as it should be leaves nothing untold, with the ids of its rows."""
    listener = Listener()
    manager = make_manager(extra=[("listener", listener)])
    await hand_in(manager, "lihua.1")
    await manager.dispatcher.drain()
    heard: list[LoginEvent] = listener.heard
    assert [event.kind for event in heard] == ["registered", "logged_in"]
    assert execute(url, "SELECT id FROM es_connect_event WHERE dispatched_at IS NULL") == []
    stored = execute(url, "SELECT id, kind FROM es_connect_event ORDER BY id")
    assert {event.id: event.kind for event in heard}.items() <= {row["id"]: row["kind"] for row in stored}.items()
