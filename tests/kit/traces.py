"""Spans that a test looks at: kept in memory, or sent to a collector of the test's own over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from connect_core import spans
from connect_core.observability.tracing import Tracing


@dataclass
class Recorded:
    """The spans of a block, as they ended."""

    provider: TracerProvider
    exporter: InMemorySpanExporter

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Every span that has ended."""
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        """The only span of this name."""
        [span] = [span for span in self.spans if span.name == name]
        return span

    def children_of(self, parent: ReadableSpan) -> list[ReadableSpan]:
        """The spans right below another one, in the order in which they began."""
        below = [span for span in self.spans if span.parent and span.parent.span_id == parent.context.span_id]
        return sorted(below, key=lambda span: span.start_time or 0)


@contextmanager
def recording() -> Iterator[Recorded]:
    """Record the spans of this process until the block ends."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    before = spans.listen(Tracing(provider))
    try:
        yield Recorded(provider, exporter)
    finally:
        spans.listen(before)
        provider.shutdown()


@dataclass
class Collector:
    """A server that takes every request and remembers it."""

    url: str
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector on loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            collector.bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - http.server's own name

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
