"""Which request the code at work belongs to, and what its log lines tell of it: its id, its login, the vendor's trace.

Keeps the fields. The filter that puts them into lines is in `observability.request_context`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request under way: `find_address` returns the client's address, `began_at` is in seconds of `time.monotonic`.

    `fields` are further fields of its log lines.
    """

    request_id: str
    find_address: Callable[[], str]
    began_at: float
    fields: dict[str, object] = field(default_factory=dict)


_current: ContextVar[LoggedRequest | None] = ContextVar("request", default=None)


@contextmanager
def logging_request(request_id: str, find_address: Callable[[], str]) -> Iterator[None]:
    """Give the log lines of the block, and of tasks that start in it, the fields of this request.

    `find_address` returns the client's address; it is called for a line, and not before.
    """
    token = _current.set(LoggedRequest(request_id, find_address, monotonic()))
    try:
        yield
    finally:
        _current.reset(token)


def find_request() -> LoggedRequest | None:
    """Return the request under way, or None outside of one."""
    return _current.get()


def add_fields(**fields: object) -> None:
    """Give the log lines of the request under way these fields as well, from now on; outside of one, do nothing."""
    request = _current.get()
    if request is not None:
        request.fields.update(fields)
