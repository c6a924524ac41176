"""Something blocks the event loop: the operator is told, once in a while, and whose code was under way."""

import asyncio
import logging
import time

import pytest

from connect_core.deadlines import run_within
from connect_core.harness import Visitor
from connect_core.observability import loop_monitor
from connect_core.observability.loop_monitor import monitor_loop
from connect_core.plugin import AuthorizationResponse, Identity

from ..kit.web_shops import acme_shop, person


def get_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """The fields of each line about a blocked loop."""
    return [vars(record) for record in caplog.records if record.message == "event_loop_blocked"]


async def block(seconds: float = 0.15) -> None:
    """Do what a plugin does that forgets to await."""
    time.sleep(seconds)  # noqa: ASYNC251 - the very mistake


@pytest.mark.parametrize("moment", [0.001, 0.01, 0.02, 0.03, 0.039])
async def test_a_blocked_loop_is_told(moment: float, caplog: pytest.LogCaptureFixture) -> None:
    """For 0.15 seconds, at any moment between two timers; the line says for how long and who."""
    with monitor_loop(start_after=0):
        await asyncio.sleep(moment)
        await run_within(block, 5, "acme")
        await asyncio.sleep(0.05)
    line, *more = get_lines(caplog)
    assert (line["levelno"], line["providers"], more) == (logging.WARNING, "acme", [])
    assert isinstance(line["seconds"], float)
    assert line["seconds"] > 0.1


async def test_a_line_comes_once_in_a_while(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that is blocked again and again does not fill the disk."""
    assert (loop_monitor.PAUSE_SECONDS, loop_monitor.BLOCKED_SECONDS) == (10, 0.1)
    with monitor_loop(start_after=0):
        for _ in range(3):
            await block()
            await asyncio.sleep(0.05)
        assert len(get_lines(caplog)) == 1
        monkeypatch.setattr(loop_monitor, "PAUSE_SECONDS", 0)
    with monitor_loop(start_after=0):
        for _ in range(3):
            await asyncio.sleep(0.01)
            await block()
            await asyncio.sleep(0.05)
    assert len(get_lines(caplog)) == 4
    assert get_lines(caplog)[-1]["providers"] == ""


async def test_a_start_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """A service that starts is busy with itself; neither is what happens after the end."""
    assert loop_monitor.START_SECONDS == 1
    with monitor_loop():
        await asyncio.sleep(0.05)
        await block()
        await asyncio.sleep(0.05)
    with monitor_loop(start_after=0):
        await asyncio.sleep(0.01)
    await block()
    await asyncio.sleep(0.05)
    assert get_lines(caplog) == []


def test_a_running_shop_tells_whose_plugin_blocks_it(caplog: pytest.LogCaptureFixture) -> None:
    """Any application with our lifespan has the monitor."""

    async def answer(response: AuthorizationResponse) -> Identity:
        await block()
        return person(response.code)

    with acme_shop(answer) as shop, Visitor(shop) as visitor:
        time.sleep(loop_monitor.START_SECONDS + 0.2)
        assert visitor.http.post("/connect/acme/mini/token", json={"code": "c-1"}).status_code == 200
        time.sleep(0.1)
    assert "acme" in [line["providers"] for line in get_lines(caplog)]
