"""The spans of a trace while the service works. Whoever does a piece of work starts a span; nobody may be listening.

The rooms that work know nothing of OpenTelemetry: `observability.tracing` puts its own `Spans` here with `listen`. No
attribute ever has a person, a code, a token, a state, a query or a parameter of a statement in it.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import TracebackType
from typing import Self

Attribute = str | int | bool


class SpanKind(StrEnum):
    """Which side of a call a span is about."""

    SERVER = "server"
    """A request that we answer."""
    CLIENT = "client"
    """A call that we make to a vendor or to the database."""
    INTERNAL = "internal"
    """Work inside the process."""


class Span:
    """A piece of work, from `with` to the end of its block; this one is recorded nowhere."""

    is_recording = False
    """Whether somebody will see it: ask before you compute attributes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the span. Of an error that ends the block only the type's name is kept, never its text."""

    def describe(self, attributes: Mapping[str, Attribute]) -> None:
        """Add attributes, named by OpenTelemetry's semantic conventions or `connect.…`."""

    def fail(self, error_type: str) -> None:
        """Mark the work as failed; `error_type` is a word from a closed list, an error code, or the name of a type."""


class Spans:
    """Starts spans, and here records none."""

    records = False
    """Whether somebody listens: ask before you do anything else for a span."""

    def start(self, name: str, kind: SpanKind = SpanKind.INTERNAL, headers: Mapping[str, str] | None = None) -> Span:
        """Return a span to be entered with `with`, whose parent is the span of the block around it.

        `name` has few different values. `headers` are those of a trusted caller, by lower-case name: without a span
        around it, the parent is what their `traceparent` names (W3C Trace Context).
        """
        return NOT_RECORDED

    def find_ids(self) -> tuple[str, str] | None:
        """Return the trace id and the span id of the block that runs, in hex; None outside of any span."""
        return None


NOT_RECORDED = Span()
current = Spans()
"""Who records the spans of this process: `spans.current.start(…)`, looked up at each call."""


def listen(listener: Spans) -> Spans:
    """Let `listener` record the spans of this process from now on; returns who did before."""
    global current
    before, current = current, listener
    return before
