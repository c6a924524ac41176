"""What a plugin listens to is told at least once, whenever the process ends."""

import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from connect_core.events.dispatch import REDELIVERY_AFTER_SECONDS
from connect_core.manager import ConnectManager
from connect_core.plugin import LoginEvent, hookimpl
from tests.kit.acme import execute, hand_in, using

from .services import Tell, script

T = TypeVar("T")


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


def on_shop(
    url: str, folder: Path, listener: Listener, work: Callable[[ConnectManager], Awaitable[T]], late: int = 0
) -> T:
    return using(
        folder, work, extra=[("listener", listener)], now=lambda: time.time() + late, service={"database_url": url}
    )


def test_a_notice_survives_a_kill(url: str, tell: Tell, tmp_path: Path) -> None:
    """Killed between commit and notice: another process tells it a minute later, whole, in order, and once."""
    assert subprocess.run(**script("dying", url), check=False, timeout=60).returncode == -9
    listener = Listener()

    async def redeliver(manager: ConnectManager) -> int:
        return await manager.dispatcher.redeliver()

    assert on_shop(url, tmp_path, listener, redeliver) == 0, "somebody may still be telling it"
    assert on_shop(url, tmp_path, listener, redeliver, REDELIVERY_AFTER_SECONDS + 2) == 2
    assert on_shop(url, tmp_path, listener, redeliver, REDELIVERY_AFTER_SECONDS + 2) == 0
    told = [(event.kind, event.is_new_member, event.member_id) for event in listener.heard]
    tell("notices lost by a kill between commit and notice", 2 - len(told), "0")
    member = execute(url, "SELECT id FROM es_member")[0]["id"]
    assert told == [("registered", True, member), ("logged_in", True, member)]
    ids = [row["id"] for row in execute(url, "SELECT id FROM es_connect_event WHERE kind <> 'bound' ORDER BY id")]
    assert [event.id for event in listener.heard] == ids


def test_what_was_told_is_not_told_again(url: str, tmp_path: Path) -> None:
    """A login that is told as it should be leaves nothing untold, with the ids of its rows."""
    listener = Listener()

    async def log_in(manager: ConnectManager) -> None:
        await hand_in(manager, "lihua.1")
        await manager.dispatcher.drain()

    on_shop(url, tmp_path, listener, log_in)
    heard: list[LoginEvent] = listener.heard
    assert [event.kind for event in heard] == ["registered", "logged_in"]
    assert execute(url, "SELECT id FROM es_connect_event WHERE dispatched_at IS NULL") == []
    stored = execute(url, "SELECT id, kind FROM es_connect_event ORDER BY id")
    assert {event.id: event.kind for event in heard}.items() <= {row["id"]: row["kind"] for row in stored}.items()
