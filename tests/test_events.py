"""What is told of a login once it is over: to plugins, which may fail, and to the log."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from connect_core.errors import (
    CodeInvalid,
    ConnectError,
    MemberDisabled,
    ProviderConfig,
    ProviderTimeout,
    StateInvalid,
    Unavailable,
)
from connect_core.events import Notices, log_refusal
from connect_core.identity import ClientType
from connect_core.plugin import LoginEvent, hookimpl
from connect_core.registry import Plugins
from connect_core.store import Database

from .acme import NOW
from .canaries import CANARY, every_record


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
def telling(*plugins: object) -> Iterator[Notices]:
    """Notices to plugins."""
    named = [(f"own-{place}", plugin) for place, plugin in enumerate(plugins)]
    with closing(Database("sqlite://")) as unused:
        yield Notices(Plugins(named, discover=False).hooks, unused, time.time)


def tell(kind: str, *plugins: object) -> float:
    """Tell plugins, and wait for them; returns how long the telling itself took, in seconds."""

    async def run() -> float:
        with telling(*plugins) as notices:
            began = time.monotonic()
            notices.tell(event_of(kind))
            took = time.monotonic() - began
            await notices.drain()
            return took

    return asyncio.run(run())


@pytest.mark.parametrize("error", [ValueError(CANARY), SystemExit(3), RecursionError(), Unavailable(CANARY)])
def test_a_plugin_that_fails_to_take_a_notice_harms_nobody(error: BaseException) -> None:
    """The others are told all the same, before or after it, and the log says whose failed, without its text."""
    before, after = Listener(), Listener()
    with every_record() as records:
        tell("logged_in", before, Grumpy(error), after)
    assert before.heard == after.heard == [event_of("logged_in")]
    assert records.text.count("notice_failed") == 1
    assert CANARY not in records.text


def test_a_slow_plugin_holds_nobody_up() -> None:
    """The visitor's answer does not wait for it; the service does, before it stops."""
    slow = Slow()
    assert tell("logged_in", slow) < 0.1
    assert slow.is_done


def test_every_login_is_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Whose it was, and through what; a conflict of ids is a line more, which the operator should read."""
    caplog.set_level(logging.INFO, "connect_login")
    for kind in ("registered", "bound", "identity_conflict", "logged_in"):
        tell(kind, Listener())
    conflict, login = caplog.records
    assert (conflict.levelname, conflict.message) == ("WARNING", "identity_conflict")
    assert (login.levelname, login.message) == ("INFO", "logged_in")
    told = {"member_id": 1, "is_new_member": False, "provider": "acme", "client_type": "pc"}
    assert vars(login).items() >= {**told, "union_type": "ACME", "request_id": "r"}.items()


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (StateInvalid, "INFO"),
        (CodeInvalid, "INFO"),
        (MemberDisabled, "INFO"),
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
    log_refusal(error("the reason", vendor={"sub_code": "isv.x"}), {"request_id": "r", "provider": "acme"})
    [record] = caplog.records
    told = vars(record)
    assert (record.levelname, record.message, told["code"]) == (level, "login_refused", error.code)
    assert (told["reason"], told["vendor_sub_code"], told["request_id"]) == ("the reason", "isv.x", "r")
