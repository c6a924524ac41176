"""What is noted of vendors' answers besides their content: how many came, and how far their clocks are from ours."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz

from connect_core import measurements

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


class VendorClock:
    """How far the clock of one provider's vendor is before ours, according to the header `Date` of its answers.

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
        if "age" in headers:  # a cache's: RFC 9111 §5.1, its Date is that of the first answer
            return
        parts = parsedate_tz(headers.get("date", ""))
        try:
            vendor_time = None if parts is None else mktime_tz(parts)
        except (ValueError, OverflowError):
            vendor_time = None
        if vendor_time is not None:
            self.skew = vendor_time + _HALF_SECOND - time.time()
            measurements.current.set_clock_skew(self._name, self.skew)
