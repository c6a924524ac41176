"""The span of a request, by OpenTelemetry's semantic conventions for HTTP servers, and whose `traceparent` is believed.

Of the address a span has the route and what is configured here. What a visitor sent is left out: the query, which
carries codes and states, other parts of the path, which carry them on some routes, and the client's address.
"""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from connect_core import spans
from connect_core.identity import ClientType
from connect_core.spans import Attribute, SpanKind
from connect_core.web.context import WebContext

_TRACE_HEADERS = ("traceparent", "tracestate")
_CLIENT_TYPES = frozenset(ClientType)


def traced(
    context: WebContext, path: str, endpoint: Callable[[Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    """Return `endpoint` in a span that is named after the method and the route `path`."""
    address = _describe_address(context.manager.settings.service.public_url)

    async def answer(request: Request) -> Response:
        if not spans.current.records:
            return await endpoint(request)
        headers = {name: request.headers[name] for name in _TRACE_HEADERS if name in request.headers}
        if headers and not context.trusted_proxies.has_sent(request):
            headers = {}
        with spans.current.start(f"{request.method} {path}", SpanKind.SERVER, headers) as span:
            response = await endpoint(request)
            if span.is_recording:
                span.describe({**address, **_describe(context, path, request, response)})
                if response.status_code >= 500:
                    span.fail(getattr(request.state, "outcome", "") or str(response.status_code))
            return response

    return answer


def _describe_address(public_url: str) -> Mapping[str, Attribute]:
    parts = urlsplit(public_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {"url.scheme": parts.scheme, "server.address": parts.hostname or "", "server.port": port}


def _describe(context: WebContext, path: str, request: Request, response: Response) -> dict[str, Attribute]:
    configured = _find_configured(context, request)
    shown_path = path
    for name, value in configured.items():
        shown_path = shown_path.replace(f"{{{name}}}", value)
    attributes: dict[str, Attribute] = {
        "http.request.method": request.method,
        "http.route": path,
        "http.response.status_code": response.status_code,
        "network.protocol.version": request.scope.get("http_version", "1.1"),
        "url.path": shown_path,
        "connect.outcome": getattr(request.state, "outcome", "ok"),
        "connect.request_id": request.state.request_id,
    }
    for name, attribute in (("provider", "connect.provider"), ("client", "connect.client_type")):
        if name in configured:
            attributes[attribute] = configured[name]
    return attributes


def _find_configured(context: WebContext, request: Request) -> dict[str, str]:
    """Return the provider and the client type of the path, as far as they are ours and not any text."""
    known = {"provider": {configured.name for configured in context.manager.registry}, "client": _CLIENT_TYPES}
    return {name: value for name, value in request.path_params.items() if value in known.get(name, ())}
