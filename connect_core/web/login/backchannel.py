"""The route to which a vendor posts that a person has logged out there (OpenID Connect Back-Channel Logout 1.0 §2.5).

The vendor's server calls it, no browser: no cookie counts, and every refusal is JSON.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import BadRequest, CodeSeen, ConnectError, ProviderBadResponse, ProviderUnsigned
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.endpoints import route
from connect_core.web.requests import is_form, read_form

_INVALID = (BadRequest, CodeSeen, ProviderBadResponse, ProviderUnsigned)
"""What makes the request invalid; any other error is ours, and the vendor may send the token again."""


def backchannel_routes(context: WebContext) -> list[BaseRoute]:
    """Return the route of this module."""

    async def end_sessions(request: Request) -> Response:
        provider, logouts = request.path_params["provider"], context.manager.vendor_logouts
        logouts.check_receives(provider)
        context.check_failures(request)
        if not is_form(request):
            raise BadRequest("the request is no form")
        logout_token = (await read_form(request)).get("logout_token", "")
        if not logout_token:
            raise BadRequest("logout_token is missing")
        try:
            await logouts.end_sessions(provider, logout_token)
        except (ProviderBadResponse, ProviderUnsigned):
            await context.note_failure(request)
            raise
        return Response(status_code=200, headers=responses.HEADERS)

    path = f"{context.prefix}/{{provider}}/backchannel-logout"
    return [route(context, path, end_sessions, "POST", style=_answer_error)]


def _answer_error(request: Request, error: ConnectError) -> Response:
    """Answer 400 as §2.8 asks for, and anything else with the error's own status."""
    if not isinstance(error, _INVALID):
        return responses.problem(error, request.state.request_id)
    body = {"error": "invalid_request", "code": error.code, "request_id": request.state.request_id}
    return responses.json_response(body, 400)
