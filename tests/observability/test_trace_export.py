"""When traces are recorded: as the variables of OpenTelemetry say, in each worker, and never at a login's expense."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from connect_core import spans
from connect_core.harness import Visitor
from connect_core.observability.trace_export import are_wanted, exporting_traces

from ..kit.traces import Collector, collecting
from ..kit.web_shops import served
from ..kit.worker_processes import wait_until

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what the machine says about traces."""
    for name in ("OTEL_TRACES_EXPORTER", ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({ENDPOINT: "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({ENDPOINT: " "}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", ENDPOINT: "http://collector:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", ENDPOINT: "http://collector:4318"}, False),
    ],
)
def test_the_variables_switch_traces_on(environment: dict[str, str], wanted: bool) -> None:  # noqa: FBT001 - a parameter
    """An exporter or an endpoint does; `none` and OTEL_SDK_DISABLED win."""
    assert are_wanted(environment) is wanted


async def test_without_variables_nothing_is_recorded() -> None:
    """The default is off."""
    async with exporting_traces():
        assert not spans.current.records


@pytest.mark.parametrize("exporter", ["no-such", "otlp"])
async def test_a_wrong_variable_keeps_no_service_from_starting(
    exporter: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says what is wrong, once, and logins go on without traces."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", exporter)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "smoke")
    with caplog.at_level(logging.ERROR, "connect_login"):
        async with exporting_traces():
            assert not spans.current.records
    [record] = caplog.records
    assert record.message == "traces_not_exported"
    assert "OTEL_TRACES_EXPORTER" in vars(record)["reason"]


async def test_spans_go_to_the_collector_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was recorded a moment before the service ends is sent, and then nobody records any more."""
    with collecting() as collector:
        monkeypatch.setenv(ENDPOINT, collector.url)
        async with exporting_traces():
            with spans.current.start("work"):
                pass
        assert not spans.current.records
        [sent] = read(collector)
    assert attributes_of(sent)["service.name"] == "connect-login"
    assert [span.name for scope in sent.scope_spans for span in scope.spans] == ["work"]


async def test_the_shops_own_provider_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that mounts the service and has a tracer provider gets our spans there, without any variable."""
    provider = trace.NoOpTracerProvider()
    shared = type("Provider", (trace.TracerProvider,), {"get_tracer": provider.get_tracer})()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: shared)
    async with exporting_traces():
        assert spans.current.records
    assert not spans.current.records


def test_each_worker_exports_its_spans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporter's thread starts in the worker: one that was made before the fork would send nothing."""
    with collecting() as collector:
        monkeypatch.setenv(ENDPOINT, collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "otel,process")
        with served(tmp_path, "--workers", "2") as service:
            with Visitor(service) as visitor:  # type: ignore[arg-type]  # url is all that it reads here
                visitor.http.get(visitor.consent(visitor.begin("alipay", "pc")))

            def has_both() -> bool:
                with Visitor(service) as another:  # type: ignore[arg-type]  # as above
                    another.http.get("/healthz")
                return len({attributes_of(sent)["process.pid"] for sent in read(collector)}) == 2

            wait_until(has_both)
        names = {span.name for sent in read(collector) for scope in sent.scope_spans for span in scope.spans}
    assert names >= {"GET /connect/{provider}/{client}/callback", "provider.login_callback", "GET /healthz"}
    assert "traces_not_exported" not in service.output


def read(collector: Collector) -> Iterator[ResourceSpans]:
    """What the collector got."""
    for body in list(collector.bodies):
        yield from ExportTraceServiceRequest.FromString(body).resource_spans


def attributes_of(sent: ResourceSpans) -> dict[str, object]:
    """The attributes of a process."""
    return {item.key: item.value.string_value or item.value.int_value for item in sent.resource.attributes}
