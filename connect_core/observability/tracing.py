"""Records spans with OpenTelemetry: the only module that imports it, so import this one where traces are wanted alone.

Decides nothing about when: `trace_export` does. Of an exception a span keeps the type's name; its text and its
traceback, which may hold a secret, are never recorded.
"""

import os
from collections.abc import Mapping
from contextvars import Token
from importlib.metadata import entry_points
from types import TracebackType
from typing import Self

from opentelemetry import context, trace
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from connect_core import __version__
from connect_core.errors import SettingsError
from connect_core.spans import Attribute, Span, SpanKind, Spans

_KINDS = {
    SpanKind.SERVER: trace.SpanKind.SERVER,
    SpanKind.CLIENT: trace.SpanKind.CLIENT,
    SpanKind.INTERNAL: trace.SpanKind.INTERNAL,
}
_FAILED = trace.Status(trace.StatusCode.ERROR)
_TRACE_CONTEXT = TraceContextTextMapPropagator()
_PROTOCOLS = {"": "otlp_proto_http", "http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
"""The exporter of each value of `OTEL_EXPORTER_OTLP_PROTOCOL`."""


class Tracing(Spans):
    """Records spans with the tracer of a provider."""

    records = True

    def __init__(self, provider: trace.TracerProvider) -> None:
        self._tracer = provider.get_tracer("connect_login", __version__)

    def start(self, name: str, kind: SpanKind = SpanKind.INTERNAL, headers: Mapping[str, str] | None = None) -> Span:
        """Return a span that is recorded, as far as the provider's sampler wants it."""
        return _RecordedSpan(self._tracer, name, kind, headers or {})

    def find_ids(self) -> tuple[str, str] | None:
        """Return the ids of the current span, which may be one of the application that mounts the service."""
        ids = trace.get_current_span().get_span_context()
        return (trace.format_trace_id(ids.trace_id), trace.format_span_id(ids.span_id)) if ids.is_valid else None


class _RecordedSpan(Span):
    def __init__(self, tracer: trace.Tracer, name: str, kind: SpanKind, headers: Mapping[str, str]) -> None:
        self._tracer, self._name, self._kind, self._headers = tracer, name, kind, headers
        self._has_failed = False

    def __enter__(self) -> Self:
        parent, kind = context.get_current(), self._kind
        if kind is SpanKind.SERVER:
            parent, kind = self._find_parent(parent)
        self._span = self._tracer.start_span(
            self._name, parent, _KINDS[kind], record_exception=False, set_status_on_exception=False
        )
        self.is_recording = self._span.is_recording()
        entered = trace.set_span_in_context(self._span, parent)
        if kind is SpanKind.CLIENT:  # an instrumented aiohttp would add `traceparent` to what a vendor gets
            entered = context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True, entered)
        self._token: Token[Context] = context.attach(entered)
        return self

    def _find_parent(self, current: Context) -> tuple[Context, SpanKind]:
        """Return the parent of a request's span. Below a span of the application that mounts us it is no entry."""
        if trace.get_current_span(current).get_span_context().is_valid:
            return current, SpanKind.INTERNAL
        return _TRACE_CONTEXT.extract(self._headers, current), SpanKind.SERVER

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the span."""
        if kind is not None and not self._has_failed:
            self.fail(kind.__name__)
        context.detach(self._token)
        self._span.end()

    def describe(self, attributes: Mapping[str, Attribute]) -> None:
        """Add attributes."""
        self._span.set_attributes(attributes)

    def fail(self, error_type: str) -> None:
        """Set `error.type` and the status."""
        self._has_failed = True
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(_FAILED)


def find_global_provider() -> trace.TracerProvider | None:
    """Return the provider that the application around us has set for the process; None where it has set none."""
    provider = trace.get_tracer_provider()
    return None if isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider) else provider


def make_provider(exporters: str) -> TracerProvider:
    """Return a provider that sends spans to `exporters`, a list like `OTEL_TRACES_EXPORTER`; empty is `otlp`.

    Everything else comes from the other variables of OpenTelemetry. Its thread starts at once, so call this in the
    process that serves. Raises `SettingsError`.
    """
    names = [name.strip() for name in (exporters or "otlp").split(",")]
    known = {SERVICE_VERSION: __version__}
    resource = Resource.create()
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        known[SERVICE_NAME] = "connect-login"
    provider = TracerProvider(resource=resource.merge(Resource(known)), shutdown_on_exit=False)
    for name in names:
        provider.add_span_processor(BatchSpanProcessor(_load_exporter(name)))
    return provider


def _load_exporter(name: str) -> SpanExporter:
    if name == "otlp":
        protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        name = _PROTOCOLS.get((protocol or "").strip(), f"otlp of {protocol}")
    for entry_point in entry_points(group="opentelemetry_traces_exporter", name=name):
        exporter: SpanExporter = entry_point.load()()
        return exporter
    raise SettingsError([f"OTEL_TRACES_EXPORTER: no exporter {name} is installed"])
