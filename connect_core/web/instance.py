"""`/.well-known/connect-login` below the prefix: tells `connect-login doctor` which instance answers, and how it came.

Whoever cannot prove to have one of our secret keys (`doctor.proof`) learns that this is a connect-login, and no more.
"""

import re
import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core import __version__
from connect_core.doctor.proof import MARK_COOKIE, PATH, Prover
from connect_core.web import responses
from connect_core.web.addresses import is_forwarded
from connect_core.web.context import WebContext
from connect_core.web.endpoints import route
from connect_core.web.requests import get_cookies, get_parameters

MARK_SECONDS = 60
"""How long the browser of a doctor would keep the cookie that it is sent, to see whether a proxy changes it."""

_NONCE = re.compile("[0-9a-f]{32}")


def instance_routes(context: WebContext) -> list[BaseRoute]:
    """Return the route of this module."""
    prover = Prover(context.manager.settings.service.keys)

    async def tell_instance(request: Request) -> Response:
        parameters = get_parameters(request)
        nonce = parameters.get("nonce", "")
        if not _NONCE.fullmatch(nonce) or not prover.is_question(nonce, parameters.get("codes", "")):
            return responses.json_response({"service": "connect-login"})
        response = responses.json_response(
            {
                "service": "connect-login",
                "version": __version__,
                "codes": prover.make_answer(nonce),
                "answer": secrets.token_hex(8),
                "workers": getattr(request.app.state, "workers", 1),
                "cookie": context.cookies.write(context.cookies.mark, nonce, MARK_SECONDS),
                "request": _describe(context, request),
            }
        )
        context.cookies.set(response, context.cookies.mark, nonce, MARK_SECONDS)
        return response

    return [route(context, context.route_prefix + PATH, tell_instance, "GET")]


def _describe(context: WebContext, request: Request) -> dict[str, object]:
    """Return how the request arrived here."""
    headers, peer = request.headers, request.client.host if request.client else ""
    return {
        "scheme": request.scope["scheme"],
        "host": headers.get("host", ""),
        "path": request.scope["path"],
        "peer": peer,
        "is_peer_trusted": context.trusted_proxies.has_sent(request),
        "client": context.trusted_proxies.get_address(request),
        "is_forwarded": is_forwarded(request),
        "has_cookie": bool(get_cookies(request).get(MARK_COOKIE)),
        "has_authorization": bool(headers.get("authorization")),
    }
