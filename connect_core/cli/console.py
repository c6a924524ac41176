"""Waiting for Ctrl-C, cleanly."""

import signal
import threading
from types import FrameType


def wait_for_stop(stop: threading.Event) -> None:
    """Return at SIGINT or SIGTERM, without a traceback."""

    def note(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        while not stop.wait(0.5):
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
