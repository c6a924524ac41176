"""What every log line of a request tells about it: its id, the client's address, and how long it has been running.

A filter on our logger adds the fields, so that lines from anywhere in the code carry them, in a service that runs by
itself and in one that is mounted.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Request:
    request_id: str
    find_address: Callable[[], str]
    began_at: float


_current: ContextVar[_Request | None] = ContextVar("request", default=None)


@contextmanager
def logging_request(request_id: str, find_address: Callable[[], str]) -> Iterator[None]:
    """Give the log lines of the block, and of tasks that start in it, the fields of this request.

    `find_address` returns the client's address; it is called for a line, and not before.
    """
    token = _current.set(_Request(request_id, find_address, time.monotonic()))
    try:
        yield
    finally:
        _current.reset(token)


class RequestFields(logging.Filter):
    """Adds `request_id`, `address` and `duration_ms` to the lines of a request, unless a line has them already."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields, and let the line through."""
        request = _current.get()
        if request is not None:
            duration = round((time.monotonic() - request.began_at) * 1000)
            fields = {"request_id": request.request_id, "address": request.find_address(), "duration_ms": duration}
            for name, value in fields.items():
                record.__dict__.setdefault(name, value)
        return True


logging.getLogger("connect_login").addFilter(RequestFields())
