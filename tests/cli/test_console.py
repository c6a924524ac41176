"""Ctrl-C ends a command that waits for it, whenever it is pressed."""

import enum
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from connect_core.cli.console import wait_for_stop


@pytest.fixture
def give_up() -> Iterator[None]:
    """Raise in the main thread after five seconds, so that a lock which never opens fails the test."""

    def fail(number: int, frame: FrameType | None) -> None:
        raise TimeoutError("the command still waits")

    previous = signal.signal(signal.SIGALRM, fail)
    signal.alarm(5)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("give_up")
def test_a_signal_during_the_wait_ends_it(number: signal.Signals) -> None:
    """Soon, and the handlers are again those of before."""
    before = signal.getsignal(number)
    waker = threading.Timer(0.3, signal.pthread_kill, (threading.main_thread().ident, number))
    waker.start()
    began = time.monotonic()
    wait_for_stop()
    assert time.monotonic() - began < 4
    assert signal.getsignal(number) is before
    waker.join()


@pytest.mark.parametrize("moment", range(1, 9))
@pytest.mark.usefixtures("give_up")
def test_no_line_of_the_wait_is_a_wrong_moment_for_a_signal(moment: int) -> None:
    """SIGINT arrives at the `moment`-th line after the handlers are in place; lines of the standard library count."""
    before = signal.getsignal(signal.SIGINT)
    lines = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal lines
        installs = frame.f_code.co_filename in (signal.__file__, enum.__file__)
        if event == "line" and not installs and signal.getsignal(signal.SIGINT) is not before:
            lines += 1
            if lines == moment:
                signal.raise_signal(signal.SIGINT)
        return trace

    tracing = sys.gettrace()
    sys.settrace(trace)
    try:
        wait_for_stop()
    finally:
        sys.settrace(tracing)
    assert lines >= moment
