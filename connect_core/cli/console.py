"""Waits for Ctrl-C."""

import signal
import threading
from types import FrameType


def wait_for_stop(stop: threading.Event) -> None:
    """Return at SIGINT or SIGTERM, or once `stop` is set; the previous signal handlers are back in place then."""

    def set_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, set_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        while not stop.wait(0.5):
            pass
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
