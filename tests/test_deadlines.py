"""Awaiting a plugin's code: it ends in time, or it is left behind, and nothing of it comes back later."""

import asyncio
import gc
import logging
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from contextvars import ContextVar

import pytest

from connect_core import deadlines
from connect_core.deadlines import ABANDONED_LIMIT, GRACE_SECONDS, Failure, get_providers_under_way, run_within
from connect_core.errors import Unavailable

from .kit.canaries import CANARY
from .kit.stubborn import WAYS, Stubborn, stubborn

REQUEST_ID: ContextVar[str] = ContextVar("request_id")


def fail() -> None:
    """End with a text that may be in no log."""
    raise ValueError(CANARY)


async def settle() -> None:
    """Let tasks that may end do so."""
    for _ in range(20):
        await asyncio.sleep(0)
    gc.collect()


def get_reports(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """The fields of every line about an abandoned call; there is no other line."""
    assert {record.message for record in caplog.records} <= {"plugin_ignores_cancellation"}
    return [{key: vars(record)[key] for key in ("levelno", "provider", "seconds")} for record in caplog.records]


@pytest.mark.parametrize("way", sorted(WAYS.keys() - {"shield"}))
@pytest.mark.parametrize("ending", [lambda: "late", fail])
async def test_code_that_ignores_its_cancellation_is_left_behind(
    way: str, ending: Callable[[], object], caplog: pytest.LogCaptureFixture
) -> None:
    """The caller goes on after the deadline and the grace; how the code ends is dropped, and one line is logged."""
    with stubborn(ending) as code:
        began = time.monotonic()
        outcome = await run_within(WAYS[way](code), 0.05, "acme")
        assert time.monotonic() - began < 5
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, TimeoutError)
    await settle()
    assert get_reports(caplog) == [{"levelno": logging.WARNING, "provider": "acme", "seconds": 0.05}]
    assert CANARY not in caplog.text
    assert not deadlines._abandoned


async def test_shielded_code_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """It ended when it was cancelled; what it shields goes on as a task of the plugin's own."""
    with stubborn() as code:
        outcome = await run_within(code.shield, 0.05, "acme")
        assert isinstance(outcome, Failure)
        assert isinstance(outcome.error, TimeoutError)
    await settle()
    assert get_reports(caplog) == []


@pytest.mark.parametrize("way", WAYS)
async def test_a_caller_who_is_cancelled_does_not_wait_for_it(way: str) -> None:
    """The visitor left or the service stops: the code gets its grace, and the caller ends as cancelled."""
    with stubborn() as code:
        caller = asyncio.create_task(run_within(WAYS[way](code), 60, "acme"))
        await asyncio.sleep(0.01)
        began = time.monotonic()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert time.monotonic() - began < 5
    await settle()


async def test_a_caller_may_be_cancelled_during_the_grace() -> None:
    """It then waits no longer, and the task is left behind all the same."""
    with stubborn() as code:
        caller = asyncio.create_task(run_within(code.catch, 0.01, "acme"))
        await asyncio.sleep(0.05)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert len(deadlines._abandoned) == 1
    await settle()


async def test_sound_code_has_the_time_to_clean_up(caplog: pytest.LogCaptureFixture) -> None:
    """A `finally` runs to its end, also one that awaits for a moment, and nothing is logged."""
    ended = []

    async def sound() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(GRACE_SECONDS / 10)
            ended.append(True)

    outcome = await run_within(sound, 0.01, "acme")
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, TimeoutError)
    caller = asyncio.create_task(run_within(sound, 60, "acme"))
    await asyncio.sleep(0.01)
    caller.cancel()
    await asyncio.wait([caller])
    assert (ended, get_reports(caplog)) == ([True, True], [])


async def test_what_code_returns_or_raises_in_its_grace_counts() -> None:
    """A plugin that answers its cancellation with a result or an error of its own is believed."""

    async def answer() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "in spite of it"
        return ""

    async def blame() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise LookupError from None

    assert await run_within(answer, 0.01, "acme") == "in spite of it"
    outcome = await run_within(blame, 0.01, "acme")
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, LookupError)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, ValueError])
async def test_whatever_code_raises_comes_back_as_a_value(kind: type[BaseException]) -> None:
    """Out of a task, a SystemExit or KeyboardInterrupt would stop the event loop."""

    async def fail() -> None:
        raise kind

    outcome = await run_within(fail, 1, "acme")
    assert isinstance(outcome, Failure)
    assert type(outcome.error) is kind


async def test_code_sees_the_context_of_its_caller() -> None:
    """Such as the id of the request; what it sets itself stays its own."""

    async def read() -> str:
        request_id = REQUEST_ID.get()
        REQUEST_ID.set("changed")
        return request_id

    REQUEST_ID.set("r-1")
    assert await run_within(read, 1, "acme") == "r-1"
    assert REQUEST_ID.get() == "r-1"


async def test_calls_are_refused_while_too_many_are_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one provider, and until some of them end; another provider's calls go on."""
    assert ABANDONED_LIMIT == 100
    monkeypatch.setattr(deadlines, "ABANDONED_LIMIT", 3)
    with stubborn() as code:
        await asyncio.gather(*(run_within(code.catch, 0, "acme") for _ in range(4)))
        asked = []

        async def ask() -> None:
            asked.append(True)

        with pytest.raises(Unavailable) as caught:
            await run_within(ask, 1, "acme")
        assert (caught.value.retry_after, asked) == (5, [])
        await run_within(ask, 1, "other")
    await settle()
    await run_within(ask, 1, "acme")
    assert asked == [True, True]


async def test_the_calls_under_way_are_known() -> None:
    """By provider, each once, as long as somebody waits for them."""
    with stubborn() as code:
        callers = [asyncio.create_task(run_within(code.catch, 0.05, name)) for name in ("b", "a", "b")]
        await asyncio.sleep(0.01)
        assert get_providers_under_way() == ["a", "b"]
        await asyncio.wait(callers)
        assert get_providers_under_way() == []
    await settle()


SCRIPT = """
import asyncio, sys
from connect_core.deadlines import run_within

async def hang():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("cancelled", flush=True)

async def main():
    await run_within(hang, 0.05, "acme")
    print("left", flush=True)
    {after}

asyncio.run(main())
"""


def test_a_task_left_behind_does_not_keep_a_program_from_ending() -> None:
    """`asyncio.run` does not wait for it, it is cancelled once only, and asyncio prints nothing about it."""
    script = textwrap.dedent(SCRIPT).format(after="")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["cancelled", "left"])
    assert done.stderr.split() == ["plugin_ignores_cancellation"]


def test_ctrl_c_ends_a_program_in_whose_code_it_lands(caplog: pytest.LogCaptureFixture) -> None:
    """While somebody waits for the code, and after it was left behind; asyncio has nothing to say about it."""

    async def interrupt() -> None:
        signal.raise_signal(signal.SIGINT)

    async def interrupt_late(code: Stubborn) -> None:
        await code.catch()
        raise KeyboardInterrupt

    async def pass_on() -> None:
        outcome = await run_within(interrupt, 5, "acme")
        assert isinstance(outcome, Failure)
        raise outcome.error

    async def leave_behind() -> None:
        code = Stubborn()
        await run_within(lambda: interrupt_late(code), 0.01, "acme")
        code.may_end.set()
        await asyncio.sleep(5)

    for program in (pass_on, leave_behind):
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(program())
    gc.collect()
    assert len(get_reports(caplog)) == 1
