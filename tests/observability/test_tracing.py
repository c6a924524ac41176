"""Traces: a request and all that it does is one trace, by OpenTelemetry's names, and nothing spendable is in a span."""

import json
import logging
from collections.abc import Iterator

import pytest
from opentelemetry import context, trace
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY
from opentelemetry.trace import SpanKind as Kind

from connect_core import spans
from connect_core.harness import RunningShop, Visitor
from connect_core.http import Answer, HttpPool, Request
from connect_core.observability.logs import JsonFormatter
from connect_core.spans import SpanKind

from ..kit.canaries import CANARY
from ..kit.databases import run_shop
from ..kit.traces import Recorded, collecting, recording
from ..kit.web_shops import TOKEN, alipay_and_wechat, come_back, query

CALLBACK = "GET /connect/{provider}/{client}/callback"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01", "tracestate": "vendor=1"}


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """The spans of the test."""
    with recording() as spans_of_test:
        yield spans_of_test


@pytest.fixture
def shop() -> Iterator[RunningShop]:
    """A shop with Alipay and WeChat, behind no proxy."""
    with run_shop(alipay_and_wechat()) as running:
        yield running


def test_a_login_is_one_trace_by_the_semantic_conventions(recorded: Recorded, shop: RunningShop) -> None:
    """The callback's span has the route and the outcome; below are the provider's methods, calls, the database."""
    with Visitor(shop) as visitor:
        login = visitor.log_in("alipay", "pc")
    server = recorded.named(CALLBACK)
    assert (server.kind, server.parent) == (Kind.SERVER, None)
    attributes = dict(server.attributes or {})
    assert attributes.pop("server.port") == int(shop.url.rpartition(":")[2])
    assert attributes == {
        "http.request.method": "GET",
        "http.route": "/connect/{provider}/{client}/callback",
        "http.response.status_code": 303,
        "url.scheme": "http",
        "url.path": "/connect/alipay/pc/callback",
        "server.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "connect.provider": "alipay",
        "connect.client_type": "pc",
        "connect.outcome": "ok",
        "connect.request_id": login.headers["x-request-id"],
    }
    below = recorded.children_of(server)
    assert [span.name for span in below] == [
        "statement",
        "provider.login_callback",
        "write",
        "provider.fetch_profile",
        "write",
    ]
    assert {span.context.trace_id for span in below} == {server.context.trace_id}
    [call] = recorded.children_of(below[1])
    assert (call.name, call.kind) == ("POST", Kind.CLIENT)
    assert dict(call.attributes or {}) == {
        "http.request.method": "POST",
        "server.address": "127.0.0.1",
        "server.port": int(shop.sandbox_url.rpartition(":")[2]),
        "url.scheme": "http",
        "http.response.status_code": 200,
        "connect.provider": "alipay",
    }
    assert dict(below[0].attributes or {}).keys() == {"db.system.name", "db.operation.name"}


def test_nothing_spendable_is_in_any_span(recorded: Recorded, shop: RunningShop) -> None:
    """No state, code, ticket, token or id of a person: not of logins, refusals, codes in a path, or a vendor outage."""
    secrets: set[str] = set()
    with Visitor(shop) as visitor:
        back = come_back(visitor)
        secrets |= set(query(back).values())
        visitor.http.get(back)
        secrets |= set(visitor.http.cookies.values())
        with Visitor(shop) as stranger:
            assert stranger.http.get(come_back(visitor)).status_code == 400
            stranger.http.get(f"/connect/{CANARY}/pc/login", params={"return_to": f"/{CANARY}"})
            stranger.http.get(f"/connect/h/{CANARY}")
        code = visitor.client_parameters("alipay", "mini")["authCode"]
        secrets.add(code)
        assert visitor.http.post(f"/login/{code}").status_code == 200
        tokens = visitor.log_in("alipay", "mini").json()
        secrets |= {tokens["access_token"], tokens["refresh_token"]}
        shop.sandboxes["alipay"].faults.add("status", 503, on=TOKEN)
        assert visitor.log_in("alipay", "pc").status_code == 502
    secrets |= {
        value for sandbox in shop.sandboxes.values() for call in sandbox.calls for value in call.parameters.values()
    }
    secrets |= {row["union_id"] for row in shop.rows("es_connect")} | {CANARY}
    told = "\n".join(f"{span.name} {dict(span.attributes or {})} {span.status.description}" for span in recorded.spans)
    assert not any(span.events or span.links for span in recorded.spans)
    assert [secret for secret in secrets if len(secret) >= 8 and secret in told] == []
    assert "?" not in told
    assert "POST /login/{authCode}" in told


def test_a_refusal_and_an_outage_are_told_by_their_codes(recorded: Recorded, shop: RunningShop) -> None:
    """A visitor's mistake is an outcome and no error; what the vendor fails at is an error, with its cause below."""
    with Visitor(shop) as visitor, Visitor(shop) as stranger:
        assert stranger.http.get(come_back(visitor)).status_code == 400
        [refused] = [span for span in recorded.spans if span.name == CALLBACK]
        assert (refused.attributes or {})["connect.outcome"] == "state_invalid"
        assert refused.status.status_code is trace.StatusCode.UNSET
        recorded.exporter.clear()
        shop.sandboxes["alipay"].faults.add("status", 503, on=TOKEN)
        assert visitor.log_in("alipay", "pc").status_code == 502
    failed = recorded.named(CALLBACK)
    assert failed.status.status_code is trace.StatusCode.ERROR
    assert (failed.attributes or {})["error.type"] == (failed.attributes or {})["connect.outcome"] == "provider_refused"
    assert (recorded.named("provider.login_callback").attributes or {})["error.type"] == "outage"
    assert (recorded.named("POST").attributes or {})["error.type"] == "503"


@pytest.mark.parametrize(("trusted", "trace_id"), [(["127.0.0.0/8"], TRACE_ID), (["192.0.2.1"], ""), ([], "")])
def test_a_traceparent_counts_from_a_trusted_proxy_alone(recorded: Recorded, trusted: list[str], trace_id: str) -> None:
    """Anybody else who sends one gets a trace of its own, and decides neither its id nor whether it is kept."""

    def trust(raw: dict[str, dict[str, object]]) -> None:
        raw["service"]["trusted_proxies"] = trusted

    with run_shop(alipay_and_wechat(), change=trust) as shop, Visitor(shop) as visitor:
        visitor.http.get("/connect/providers?client=pc", headers=TRACEPARENT)
    span = recorded.named("GET /connect/providers")
    assert (trace.format_trace_id(span.context.trace_id) == TRACE_ID) == bool(trace_id)
    assert bool(span.parent) == bool(trace_id)


async def test_a_vendor_gets_no_trace_header(recorded: Recorded) -> None:
    """Not of our span, and not of an HTTP library that is instrumented: it finds instrumentation switched off."""
    seen = []

    class Watching:
        async def send(self, request: Request) -> Answer:
            seen.append(context.get_value(_SUPPRESS_INSTRUMENTATION_KEY))
            return Answer(200, {}, b"")

        async def aclose(self) -> None:
            pass

    with collecting() as vendor, spans.current.start("GET /", SpanKind.SERVER, TRACEPARENT):
        pool = HttpPool()
        await pool.for_provider("acme").get(f"{vendor.url}/token?code=1")
        await pool.aclose()
        await HttpPool(transport=Watching()).for_provider("acme").get(vendor.url)
        assert context.get_value(_SUPPRESS_INSTRUMENTATION_KEY) is None
    assert [{"traceparent", "tracestate", "baggage"} & headers.keys() for headers in vendor.headers] == [set()]
    assert seen == [True]


async def test_below_the_span_of_an_application_around_us(recorded: Recorded) -> None:
    """A request that is traced already is no second entry: our span is inside its own, whatever a header says."""
    around = recorded.provider.get_tracer("shop").start_span("GET /", kind=Kind.SERVER)
    with trace.use_span(around, end_on_exit=True), spans.current.start("inner", SpanKind.SERVER, TRACEPARENT):
        pass
    inner = recorded.named("inner")
    assert inner.kind is Kind.INTERNAL
    assert inner.parent is not None
    assert inner.parent.span_id == around.get_span_context().span_id


async def test_an_exception_leaves_its_type_alone(recorded: Recorded) -> None:
    """Its text and traceback, which may hold a secret, are in no attribute, status or event of the span."""
    with pytest.raises(ValueError, match=CANARY), spans.current.start("work"):
        raise ValueError(CANARY)
    span = recorded.named("work")
    assert dict(span.attributes or {}) == {"error.type": "ValueError"}
    assert (span.status.status_code, span.status.description, span.events) == (trace.StatusCode.ERROR, None, ())


def test_log_lines_name_the_trace(recorded: Recorded, shop: RunningShop, caplog: pytest.LogCaptureFixture) -> None:
    """From the line of a login one finds its trace, and the other way by `connect.request_id`."""
    caplog.set_level(logging.INFO, "connect_login")
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == "connect_login"]
    [line] = [line for line in lines if line["event"] == "logged_in"]
    assert line["trace_id"] == trace.format_trace_id(recorded.named(CALLBACK).context.trace_id)
    assert line["request_id"] == (recorded.named(CALLBACK).attributes or {})["connect.request_id"]


def test_without_a_listener_nothing_is_started() -> None:
    """A span that nobody records costs no attributes, and is the same object each time."""
    with spans.current.start("work") as span:
        assert not span.is_recording
        span.fail("timeout")
    assert span is spans.NOT_RECORDED
    assert spans.current.find_ids() is None
