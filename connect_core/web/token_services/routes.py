"""`POST /introspect` (RFC 7662) and `POST /revoke` (RFC 7009), for services of the shop; no cookie counts here.

With them come the routes of `metadata`, which name the same resource servers.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import BadRequest, ClientInvalid
from connect_core.providers.parameters import ReceivedParameters
from connect_core.sessions import is_session_token
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.endpoints import route
from connect_core.web.login.oauth_errors import UnsupportedTokenType, answer_oauth_error
from connect_core.web.requests import is_form, read_form
from connect_core.web.token_services.clients import ResourceServers
from connect_core.web.token_services.metadata import metadata_routes


def token_service_routes(context: WebContext) -> list[BaseRoute]:
    """Return the routes of this package."""
    servers = ResourceServers(context.manager.settings.resource_servers)
    endpoints, prefix = _TokenServices(context, servers), context.prefix
    return [
        route(context, f"{prefix}/introspect", endpoints.introspect, "POST", style=answer_oauth_error),
        route(context, f"{prefix}/revoke", endpoints.revoke, "POST", style=answer_oauth_error, cross_origin=True),
        *metadata_routes(context, servers),
    ]


class _TokenServices:
    def __init__(self, context: WebContext, servers: ResourceServers) -> None:
        self._context, self._servers = context, servers

    async def introspect(self, request: Request) -> Response:
        """Say whether a token is active, and what it says; to resource servers alone."""
        form, is_known = await self._read(request)
        if not is_known:
            raise ClientInvalid("no client id and secret")
        description = await self._context.manager.introspection.describe(_get_token(form))
        return responses.json_response({"active": False} if description is None else {"active": True, **description})

    async def revoke(self, request: Request) -> Response:
        """End the login that a token belongs to. Whoever holds the token may do that, as with a log-out."""
        form, _ = await self._read(request)
        token = _get_token(form)
        if is_session_token(token):
            raise UnsupportedTokenType("a session is ended by logging out")
        await self._context.manager.current_member.logout(token)
        return Response(status_code=200, headers=responses.HEADERS)

    async def _read(self, request: Request) -> tuple[ReceivedParameters, bool]:
        """Return the form, and whether a resource server sent it. A wrong secret counts as a failure of the address."""
        self._context.check_failures(request)
        if not is_form(request):
            raise BadRequest("the request is no form")
        form = await read_form(request)
        is_known = self._servers.authenticate(request, form)
        if is_known:
            request.state.counted_address = ""  # what it passes on from others is no guess of its own
        return form, is_known


def _get_token(form: ReceivedParameters) -> str:
    if not (token := form.get("token", "")):
        raise BadRequest("token is missing")
    return token
