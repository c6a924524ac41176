"""A time limit for a plugin's code that runs at start-up: its import, its registration and its constructors.

Code that runs for a visitor has `connect_core.deadlines`.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class TookTooLong(BaseException):
    """A plugin needed too long. Not an `Exception`, so that a plugin's `except Exception` does not catch it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"did not come to an end within {seconds:g} s")


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` inside the block when it is still running after `seconds`.

    It uses SIGALRM, because an import that hangs in a thread of its own would go on and keep the import lock. Python
    handles signals in the main thread only: in another thread, and on Windows, the block is not limited.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise TookTooLong(seconds)

    previous = signal.signal(signal.SIGALRM, interrupt)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, previous or signal.SIG_DFL)
