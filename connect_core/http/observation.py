"""What is noted of vendors' answers besides their content: how many came, and how far their clocks are from ours."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz

from connect_core import measurements
from connect_core.errors import printable
from connect_core.log_fields import add_fields, current

TRACES_KEPT = 4
"""Trace ids of vendors that the log lines of one request have at most."""
READING_PAUSE_SECONDS = 10.0
"""Shortest time between two readings of a vendor's clock."""
_HALF_SECOND = 0.5
"""Added to a `Date`, which is cut to whole seconds."""


@dataclass(slots=True)
class AnswerCount:
    """How many answers of vendors came while the block of `count_answers` ran."""

    value: int = 0


_count: ContextVar[AnswerCount | None] = ContextVar("answer_count", default=None)


@contextmanager
def count_answers() -> Iterator[AnswerCount]:
    """Count the answers that come to calls made inside the block, and in tasks that it starts; not those of others."""
    count = AnswerCount()
    token = _count.set(count)
    try:
        yield count
    finally:
        _count.reset(token)


def find_skew(headers: Mapping[str, str], now: float) -> float | None:
    """Return by how many seconds the clock behind an answer is ahead of `now`, an epoch time, by its header `Date`.

    None when it has none that can be read, or when a cache sent the answer, with the `Date` of the first time
    (RFC 9111 §5.1).
    """
    parts = None if "age" in headers else parsedate_tz(headers.get("date", ""))
    if parts is None:
        return None
    try:
        return mktime_tz(parts) + _HALF_SECOND - now
    except (ValueError, OverflowError):
        return None


class VendorClock:
    """How far the clock of one provider's vendor is ahead of ours, according to the header `Date` of its answers.

    `skew` is in seconds, negative for a clock behind ours, and None while no answer has told.
    """

    __slots__ = ("_name", "_next_reading_at", "skew")

    def __init__(self, name: str) -> None:
        """`name` is that of the provider, for the measurements."""
        self.skew: float | None = None
        self._name = name
        self._next_reading_at = 0.0

    def note(self, headers: Mapping[str, str]) -> None:
        """Take note of an answer with these `headers`, whose names may be in any case.

        The clock is read once in `READING_PAUSE_SECONDS`, so that a login does not pay for it.
        """
        if (count := _count.get()) is not None:
            count.value += 1
        now = time.monotonic()
        if now >= self._next_reading_at:
            self._next_reading_at = now + READING_PAUSE_SECONDS
            self._read(headers)

    def _read(self, headers: Mapping[str, str]) -> None:
        skew = find_skew(headers, time.time())
        if skew is not None:
            self.skew = skew
            measurements.current.set_clock_skew(self._name, skew)


def note_trace(trace_id: object) -> None:
    """Give the log lines of the request under way a vendor's own id of a call, which its support asks for.

    Call it with what the vendor's answer or header has for it, wherever that may be missing: what is no text and no
    whole number is left out. It is no secret. The lines have the ids as `vendor_trace`, in the order of the calls.
    """
    request = current.get()
    if request is None or not isinstance(trace_id, str | int) or isinstance(trace_id, bool):
        return
    traces = str(request.fields.get("vendor_trace", "")).split()
    trace = printable(str(trace_id)).replace(" ", "")
    if trace and trace not in traces and len(traces) < TRACES_KEPT:
        add_fields(vendor_trace=" ".join((*traces, trace)))
