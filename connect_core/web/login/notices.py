"""The route to which a vendor tells what has become of a person's account there.

The vendor's server calls it, no browser: no cookie counts, and every refusal is JSON. However many notices a vendor
sends, none is refused for that; an address that sends forged ones is, by the limit `failures_per_address`.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import BadRequest, ConnectError, Forbidden, ProviderBadResponse, ProviderUnsigned
from connect_core.limits import NOTICE_LIMIT
from connect_core.providers.abilities import NoticeRequest
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.endpoints import route
from connect_core.web.requests import get_parameters, read_content


def notice_routes(context: WebContext) -> list[BaseRoute]:
    """Return the route of this module. Some vendors check the address by GET before they use it."""

    async def receive_notice(request: Request) -> Response:
        provider, notices = request.path_params["provider"], context.manager.vendor_notices
        notices.check_receives(provider)
        context.check_failures(request)
        received = NoticeRequest(
            request.method,
            dict(get_parameters(request)),
            {name.lower(): value for name, value in request.headers.items()},
            await read_content(request, NOTICE_LIMIT),
            f"{context.manager.settings.service.public_url}{context.prefix}/{provider}/notify",
        )
        try:
            answer = await notices.receive(provider, received, request.state.request_id)
        except ProviderUnsigned as error:
            await context.note_failure(request)
            raise Forbidden(str(error)) from error
        except ProviderBadResponse as error:
            raise BadRequest(str(error)) from error
        return Response(answer.content, answer.status, responses.HEADERS, answer.media_type)

    path = f"{context.prefix}/{{provider}}/notify"
    return [route(context, path, receive_notice, "GET", "POST", style=_answer_error)]


def _answer_error(request: Request, error: ConnectError) -> Response:
    return responses.problem(error, request.state.request_id)
