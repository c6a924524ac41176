"""Which request the code at work belongs to, and what its log lines tell of it: its id, its login, the vendor's trace.

Keeps the fields. `observability.request_context` begins a request and puts its fields into lines.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request under way: `find_address` returns the client's address, `began_at` is in seconds of `time.monotonic`.

    `fields` are further fields of its log lines.
    """

    request_id: str
    find_address: Callable[[], str]
    began_at: float
    fields: dict[str, object] = field(default_factory=dict)


current: ContextVar[LoggedRequest | None] = ContextVar("request", default=None)
"""The request under way, None outside of one."""


def add_fields(**fields: object) -> None:
    """Give the log lines of the request under way these fields as well, from now on; outside of one, do nothing."""
    request = current.get()
    if request is not None:
        request.fields.update(fields)
