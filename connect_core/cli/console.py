"""Waits for Ctrl-C."""

import signal
import time
from types import FrameType

import typer


def wait_for_stop(*lines: str) -> None:
    """Print `lines`, and return within 0.2 seconds of SIGINT or SIGTERM; the previous handlers are back in place then.

    Once the first line can be read, a signal ends the wait and nothing else.
    """
    is_stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal is_stopped
        is_stopped = True  # not `Event.set`: its lock may be held by the very line that the signal interrupts

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for line in lines:
            typer.echo(line)
        while not is_stopped:
            time.sleep(0.2)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
