"""What is told of a login once it is over: to plugins, which may fail, and to the log."""

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from connect_core.errors import (
    AuthorizationRefused,
    CodeInvalid,
    ConnectError,
    MemberDisabled,
    ProviderConfig,
    ProviderTimeout,
    StateInvalid,
    Unavailable,
)
from connect_core.events.dispatch import REDELIVERY_AFTER_SECONDS, Dispatcher
from connect_core.identity import ClientType
from connect_core.manager import ConnectManager
from connect_core.observability.refusals import REFUSALS_A_MINUTE, RefusalLog
from connect_core.plugin import LoginEvent, hookimpl
from connect_core.providers.registry import Plugins
from connect_core.store import Database

from ..conftest import MakeManager
from ..kit.acme import NOW, hand_in, rows
from ..kit.canaries import CANARY, every_record
from ..kit.clock import Clock


class Listener:
    """A plugin that listens to logins."""

    def __init__(self) -> None:
        self.heard: list[LoginEvent] = []

    @hookimpl
    def connect_logged_in(self, event: LoginEvent) -> None:
        """Listen."""
        self.heard.append(event)


class Grumpy:
    """A plugin that fails to."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    @hookimpl
    def connect_logged_in(self) -> None:
        """Take no parameter, which is allowed, and fail."""
        raise self._error


class Slow:
    """A plugin that takes its time."""

    def __init__(self) -> None:
        self.is_done = False

    @hookimpl
    def connect_logged_in(self) -> None:
        """Write to a slow mail server, say."""
        time.sleep(0.2)
        self.is_done = True


def event_of(kind: str) -> LoginEvent:
    """Something that happened to a member."""
    return LoginEvent(kind, 1, "acme", ClientType.PC, "ACME", is_new_member=False, request_id="r", time=NOW)


@contextmanager
def telling(*plugins: object) -> Iterator[Dispatcher]:
    """Notices to plugins."""
    named = [(f"own-{place}", plugin) for place, plugin in enumerate(plugins)]
    with closing(Database("sqlite://")) as unused:
        yield Dispatcher(Plugins(named, discover=False).hooks, unused, time.time)


async def tell(kind: str, *plugins: object) -> float:
    """Tell plugins, and wait for them; returns how long the telling itself took, in seconds."""
    with telling(*plugins) as dispatcher:
        began = time.monotonic()
        dispatcher.dispatch(event_of(kind))
        took = time.monotonic() - began
        await dispatcher.drain()
        return took


@pytest.mark.parametrize("error", [ValueError(CANARY), SystemExit(3), RecursionError(), Unavailable(CANARY)])
async def test_a_plugin_that_fails_to_take_a_notice_harms_nobody(error: BaseException) -> None:
    """The others are told all the same, before or after it, and the log says whose failed, without its text."""
    before, after = Listener(), Listener()
    with every_record() as records:
        await tell("logged_in", before, Grumpy(error), after)
    assert before.heard == after.heard == [event_of("logged_in")]
    assert records.text.count("notice_failed") == 1
    assert CANARY not in records.text


async def test_a_slow_plugin_holds_nobody_up() -> None:
    """The visitor's answer does not wait for it; the service does, before it stops."""
    slow = Slow()
    assert await tell("logged_in", slow) < 0.1
    assert slow.is_done


async def test_every_login_is_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Whose it was, and through what; a conflict of ids is a line more, which the operator should read."""
    caplog.set_level(logging.INFO, "connect_login")
    for kind in ("identity_conflict", "logged_in"):
        await tell(kind, Listener())
    conflict, login = caplog.records
    assert (conflict.levelname, conflict.message) == ("WARNING", "identity_conflict")
    assert (login.levelname, login.message) == ("INFO", "logged_in")
    fields = {"member_id": 1, "is_new_member": False, "provider": "acme", "client_type": "pc"}
    assert vars(login).items() >= {**fields, "union_type": "ACME", "request_id": "r"}.items()


def untold(folder: Path) -> list[str]:
    """The kinds of the events that plugins are still to be told of."""
    return [
        row["kind"] for row in rows(folder, "SELECT kind FROM es_connect_event WHERE dispatched_at IS NULL ORDER BY id")
    ]


@pytest.mark.usefixtures("database_url")
async def test_an_event_is_untold_until_its_listeners_were_called(make_manager: MakeManager, tmp_path: Path) -> None:
    """What nobody listens to counts as told; what was told is noted; what was not is told late, once, by anybody."""
    listener, clock = Listener(), Clock(time.time())
    manager = make_manager(extra=[("listener", listener)], now=clock)
    await hand_in(manager, "lihua.1")
    assert untold(tmp_path) == ["logged_in"]
    await manager.dispatcher.drain()
    assert untold(tmp_path) == []
    event = replace(listener.heard[0], id=0, time=int(clock()), is_new_member=True)
    [lost] = await manager.database.write(lambda tx: manager.dispatcher.write(tx, [event], 1, "0" * 64))
    assert await manager.dispatcher.redeliver() == 0
    clock.advance(REDELIVERY_AFTER_SECONDS + 1)
    assert [await manager.dispatcher.redeliver() for _ in range(2)] == [1, 0]
    assert listener.heard[1:] == [lost]
    assert untold(tmp_path) == []
    events = rows(tmp_path, "SELECT id, kind, create_time, dispatched_at FROM es_connect_event ORDER BY id")
    assert [event.id for event in listener.heard] == [row["id"] for row in events if row["kind"] == "logged_in"]
    assert [row["dispatched_at"] for row in events if row["kind"] != "logged_in"] == [events[0]["create_time"]] * 2


@pytest.mark.usefixtures("database_url")
async def test_without_listeners_nothing_is_left_to_tell(manager: ConnectManager, tmp_path: Path) -> None:
    """A plugin that is installed later is not told of the past."""
    await hand_in(manager, "lihua.1")
    await manager.dispatcher.drain()
    assert untold(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (StateInvalid, "INFO"),
        (CodeInvalid, "INFO"),
        (MemberDisabled, "INFO"),
        (AuthorizationRefused, "INFO"),
        (ProviderTimeout, "WARNING"),
        (ProviderConfig, "WARNING"),
        (Unavailable, "WARNING"),
    ],
)
def test_a_refusal_is_a_line_of_the_log(
    error: type[ConnectError], level: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning where the operator must act; with our code, the vendor's own, and where it was."""
    caplog.set_level(logging.INFO, "connect_login")
    RefusalLog().note(error("the reason", vendor={"sub_code": "isv.x"}), {"request_id": "r", "provider": "acme"})
    [record] = caplog.records
    fields = vars(record)
    assert (record.levelname, record.message, fields["code"]) == (level, "login_refused", error.code)
    assert (fields["reason"], fields["vendor_sub_code"], fields["request_id"]) == ("the reason", "isv.x", "r")


def test_a_flood_of_refusals_does_not_fill_the_disk(caplog: pytest.LogCaptureFixture) -> None:
    """10 000 refusals in a minute are 60 lines; the others are counted, and a rare code is told meanwhile."""
    caplog.set_level(logging.INFO, "connect_login")
    clock = Clock(NOW)
    refusals = RefusalLog(clock)
    for _ in range(10_000):
        refusals.note(StateInvalid("forged"), {})
    refusals.note(ProviderConfig("the key is another one"), {})
    assert REFUSALS_A_MINUTE == 60
    assert [vars(record)["code"] for record in caplog.records] == ["state_invalid"] * 60 + ["provider_config"]
    clock.advance(60)
    caplog.clear()
    refusals.note(StateInvalid("forged"), {})
    refusals.note(ProviderConfig("the key is another one"), {})
    [left_out, forged, config] = caplog.records
    assert (left_out.message, left_out.levelname) == ("refusals_left_out", "WARNING")
    assert (vars(left_out)["code"], vars(left_out)["count"]) == ("state_invalid", 9_940)
    assert [forged.message, config.message] == ["login_refused"] * 2
