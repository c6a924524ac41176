"""Notices to plugins that hang, are slow or fail: logins go on, others are told, nothing that was stored is lost."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connect_core.errors import Unavailable
from connect_core.events import notices
from connect_core.events.dispatch import DELIVERY_DAYS, REDELIVERY_AFTER_SECONDS
from connect_core.identity import ClientType
from connect_core.manager import ConnectManager
from connect_core.plugin import ErasedEvent, Language, LoginEvent, MergePlan, hookimpl

from ..conftest import MakeManager
from ..kit.acme import DAY, NOW, hand_in, outcome_of, rows
from ..kit.clock import Clock

pytestmark = pytest.mark.usefixtures("database_url")


class Hanging:
    """A plugin that hangs in each notice until the test lets it go."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.calls = 0

    @hookimpl
    def connect_logged_in(self) -> None:
        self.calls += 1
        self.released.wait(30)

    @hookimpl
    def connect_check_credentials(self) -> int | None:
        self.released.wait(30)
        return 1

    @hookimpl
    def connect_plan_merge(self, kept_id: int, merged_id: int, language: Language) -> MergePlan | None:
        self.released.wait(30)
        return None


class Listener:
    """A plugin that takes what comes."""

    def __init__(self) -> None:
        self.heard: list[LoginEvent] = []

    @hookimpl
    def connect_logged_in(self, event: LoginEvent) -> None:
        self.heard.append(event)

    async def wait_for(self, count: int) -> None:
        """Wait until so many events came."""
        while len(self.heard) < count:  # noqa: ASYNC110 - they come from threads
            await asyncio.sleep(0.01)


class Failing:
    """A plugin that raises so many times and then takes what comes."""

    def __init__(self, times: int) -> None:
        self.failures_left = times
        self.heard: list[LoginEvent | ErasedEvent] = []

    @hookimpl
    def connect_logged_in(self, event: LoginEvent) -> None:
        self._take(event)

    @hookimpl
    def connect_erased(self, event: ErasedEvent) -> None:
        self._take(event)

    def _take(self, event: LoginEvent | ErasedEvent) -> None:
        if self.failures_left:
            self.failures_left -= 1
            raise RuntimeError
        self.heard.append(event)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """A plugin that hangs until the test is over."""
    hanging = Hanging()
    yield hanging
    hanging.released.set()


def undispatched(folder: Path) -> list[str]:
    """The kinds of events that a plugin is still to take."""
    return [row["kind"] for row in rows(folder, "SELECT kind FROM es_connect_event WHERE dispatched_at IS NULL")]


async def test_hooks_that_hang_stop_no_login_and_no_dns(make_manager: MakeManager, hanging: Hanging) -> None:
    """Forty logins with a hook that never returns all succeed; names resolve, and the other plugin is told."""
    listener = Listener()
    manager = make_manager(extra=[("hanging", hanging), ("listener", listener)])
    outcomes = await asyncio.gather(*(outcome_of(hand_in(manager, f"p{n}.1")) for n in range(40)))
    assert outcomes == ["ok"] * 40
    async with asyncio.timeout(5):
        await asyncio.get_running_loop().getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)
        await listener.wait_for(40)
    assert hanging.calls == notices.THREADS_PER_PLUGIN
    began = time.monotonic()
    await manager.aclose()
    assert time.monotonic() - began < 8


async def test_a_hook_that_takes_long_is_a_line(
    make_manager: MakeManager, hanging: Hanging, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The line names hook, plugin and time, once; what the hook takes in the end is not told again."""
    monkeypatch.setattr(notices, "NOTICE_SECONDS", 0.1)
    manager = make_manager(extra=[("hanging", hanging)])
    await hand_in(manager, "lihua.1")
    await asyncio.sleep(0.5)
    [record] = [record for record in caplog.records if record.message == "notice_slow"]
    fields = vars(record)
    assert (fields["hook"], fields["plugin"], record.levelname) == ("connect_logged_in", "hanging", "ERROR")
    assert 0.1 <= fields["seconds"] < 5
    hanging.released.set()
    await manager.dispatcher.drain()
    assert await manager.dispatcher.redeliver() == 0
    assert hanging.calls == 1


async def test_what_does_not_fit_is_put_off(
    make_manager: MakeManager,
    hanging: Hanging,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """While a plugin hangs, a bounded number of events wait in memory; the others stay stored and are told later."""
    monkeypatch.setattr(notices, "WAITING_PER_PLUGIN", 2)
    clock = Clock(time.time())
    manager = make_manager(extra=[("hanging", hanging)], now=clock)
    for n in range(10):
        await hand_in(manager, f"p{n}.1")
    await asyncio.sleep(0.1)
    assert [record.message for record in caplog.records].count("notices_put_off") == 1
    hanging.released.set()
    await manager.dispatcher.drain()
    assert len(undispatched(tmp_path)) == 4
    clock.advance(REDELIVERY_AFTER_SECONDS + 1)
    assert await manager.dispatcher.redeliver() == 4
    assert (hanging.calls, undispatched(tmp_path)) == (10, [])


async def test_an_event_whose_hook_raised_is_told_again(make_manager: MakeManager, tmp_path: Path) -> None:
    """After one minute, two, four; only to the plugin that did not take it, and in the same words."""
    failing, listener, clock = Failing(3), Listener(), Clock(time.time())
    manager = make_manager(extra=[("failing", failing), ("listener", listener)], now=clock)
    await hand_in(manager, "lihua.1")
    await manager.dispatcher.drain()
    taken = []
    for minutes in (0, 1, 1, 1, 2, 2, 9):
        clock.advance(60 * minutes + 1)
        taken.append((await manager.dispatcher.redeliver(), failing.failures_left))
    assert taken == [(0, 2), (0, 1), (0, 1), (0, 0), (0, 0), (1, 0), (0, 0)]
    assert failing.heard == listener.heard
    assert undispatched(tmp_path) == []


async def test_an_erasure_whose_hook_raised_is_told_again(make_manager: MakeManager, tmp_path: Path) -> None:
    """The shop must learn that it has to delete what it keeps, also from another process."""
    failing, clock = Failing(2), Clock(time.time())
    manager = make_manager(extra=[("failing", failing)], now=clock)
    await manager.database.write(lambda tx: manager.dispatcher.write(tx, [ErasedEvent(7, "r", int(clock()))], 0, ""))
    clock.advance(REDELIVERY_AFTER_SECONDS + 1)
    assert await manager.dispatcher.redeliver() == 0
    other = make_manager(extra=[("failing", failing)], now=clock)
    assert await other.dispatcher.redeliver() == 0
    clock.advance(3600)
    assert await manager.dispatcher.redeliver() == 1
    [event] = failing.heard
    assert isinstance(event, ErasedEvent)
    assert (event.member_id, event.id) == (7, 1)
    assert undispatched(tmp_path) == []


async def test_events_that_are_not_taken_are_in_nobodys_way(make_manager: MakeManager, tmp_path: Path) -> None:
    """A hundred and fifty events that wait for their next attempt do not keep a newer one from being told."""
    failing, listener, clock = Failing(150), Listener(), Clock(time.time())
    manager = make_manager(extra=[("failing", failing)], now=clock)
    events = [event_at(int(clock())) for _ in range(150)]
    await manager.database.write(lambda tx: manager.dispatcher.write(tx, events, 1, ""))
    clock.advance(REDELIVERY_AFTER_SECONDS + 1)
    assert await manager.dispatcher.redeliver() == 0
    late = event_at(int(clock()) - 61)
    await manager.database.write(lambda tx: manager.dispatcher.write(tx, [late], 1, ""))
    assert await manager.dispatcher.redeliver() == 1
    assert [event.id for event in failing.heard] == [151]
    assert listener.heard == []


async def test_an_event_that_is_never_taken_is_given_up(
    make_manager: MakeManager, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After a week, with a line of the log; its row stays."""
    failing, clock = Failing(10**6), Clock(time.time())
    manager = make_manager(extra=[("failing", failing)], now=clock)
    event = event_at(int(clock()) - DELIVERY_DAYS * DAY - 1)
    await manager.database.write(lambda tx: manager.dispatcher.write(tx, [event], 1, ""))
    assert await manager.dispatcher.redeliver() == 1
    [line] = [record for record in caplog.records if record.message == "notice_given_up"]
    assert (vars(line)["kind"], vars(line)["event_id"]) == ("logged_in", 1)
    assert undispatched(tmp_path) == []


async def test_a_hook_that_a_visitor_waits_for_has_a_deadline(
    make_manager: MakeManager, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shop's check of credentials hangs: the visitor is told so, and everybody else's threads are free."""
    monkeypatch.setattr("connect_core.members.current.HOOK_SECONDS", 0.1)
    manager = make_manager(extra=[("hanging", hanging)])
    tries = (manager.current_member.check_credentials({"username": str(n)}) for n in range(40))
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert {str(answer) for answer in answers} == {"the shop's check of credentials does not answer"}
    assert all(isinstance(answer, Unavailable) and answer.retry_after for answer in answers)
    async with asyncio.timeout(2):
        await asyncio.get_running_loop().getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)


def event_at(time_: int) -> LoginEvent:
    """A login at a time."""
    return LoginEvent("logged_in", 1, "acme", ClientType.PC, "ACME", is_new_member=False, request_id="r", time=time_)


@pytest.mark.parametrize("kind", ["registered", "bound", "unbound", "logged_in", "handed_over", "identity_conflict"])
async def test_what_happened_to_a_member_is_a_line(
    manager: ConnectManager, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Named like the event's kind, with whose and through what; only what an operator should look at is a warning."""
    caplog.set_level(logging.INFO, "connect_login")
    manager.dispatcher.dispatch(replace(event_at(NOW), kind=kind))
    [record] = caplog.records
    assert (record.message, record.levelname) == (kind, "WARNING" if kind == "identity_conflict" else "INFO")
    fields = {"member_id": 1, "provider": "acme", "client_type": "pc", "union_type": "ACME", "request_id": "r"}
    assert vars(record).items() >= fields.items()


async def test_an_erasure_and_a_merge_are_lines(manager: ConnectManager, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever writes the event, the line is the dispatcher's."""
    caplog.set_level(logging.INFO, "connect_login")
    manager.dispatcher.dispatch(ErasedEvent(7, "r", NOW))
    [record] = caplog.records
    assert (record.message, vars(record)["member_id"], vars(record)["request_id"]) == ("erased", 7, "r")
