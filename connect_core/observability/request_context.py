"""What every log line of a request tells about it: its id, the client's address, and how long it has been running.

Also which login it belongs to and the vendor's trace ids, once they are known, and its own trace, where traces are
recorded.

A filter on our logger adds the fields, so that lines from anywhere in the code carry them, in a service that runs by
itself and in one that is mounted.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from connect_core import log_fields, spans


@contextmanager
def logging_request(request_id: str, find_address: Callable[[], str]) -> Iterator[None]:
    """Give the log lines of the block, and of tasks that start in it, the fields of this request.

    `find_address` returns the client's address; it is called for a line, and not before.
    """
    token = log_fields.current.set(log_fields.LoggedRequest(request_id, find_address, time.monotonic()))
    try:
        yield
    finally:
        log_fields.current.reset(token)


class RequestFields(logging.Filter):
    """Adds `request_id`, `address`, `duration_ms` and what `add_fields` was given to the lines of a request.

    Also `trace_id` and `span_id` to a line inside a span. A field that a line has already stays as it is.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields, and let the line through."""
        request = log_fields.current.get()
        if request is not None:
            duration = round((time.monotonic() - request.began_at) * 1000)
            fields = {"request_id": request.request_id, "address": request.find_address(), "duration_ms": duration}
            _add_missing(record, {**fields, **request.fields})
        if ids := spans.current.find_ids():
            _add_missing(record, dict(zip(("trace_id", "span_id"), ids, strict=True)))
        return True


def _add_missing(record: logging.LogRecord, fields: Mapping[str, object]) -> None:
    for name, value in fields.items():
        record.__dict__.setdefault(name, value)


logging.getLogger("connect_login").addFilter(RequestFields())
