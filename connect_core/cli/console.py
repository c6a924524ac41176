"""Waits for Ctrl-C, and says what it leaves behind."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from connect_core.errors import Unavailable


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


@contextmanager
def resumable() -> Iterator[None]:
    """Say how to go on, in one line, where Ctrl-C or a database that is lost ends the block. Ctrl-C exits with 130."""
    try:
        yield
    except (KeyboardInterrupt, Unavailable) as error:
        typer.echo("connect-login: interrupted; run the same command again, and it goes on from there", err=True)
        if isinstance(error, Unavailable):
            raise
        raise typer.Exit(128 + signal.SIGINT) from None
