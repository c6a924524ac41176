"""What stands before every route of the management API: the bearer token and its scope (RFC 6750); and its errors.

No cookie counts, and no page of another origin may call it. Every answer is JSON.
"""

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.api_tokens import ApiTokens, Scope
from connect_core.errors import ConnectError, Forbidden, NotThere, SettingsError, TokenInvalid
from connect_core.web import responses
from connect_core.web.admin.api.requests import LARGEST_ID, ApiCall, ApiRoute, InvalidBody
from connect_core.web.context import WebContext
from connect_core.web.endpoints import Endpoint
from connect_core.web.requests import get_bearer

REALM = 'Bearer realm="connect-login admin"'


class ScopeNeeded(Forbidden):
    """The token may not do this; `scope` is what it lacks."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"the token lacks the scope {scope}")
        self.scope = scope


def guard(context: WebContext, tokens: ApiTokens, route: ApiRoute) -> Endpoint:
    """Return the endpoint of `route` behind its checks."""

    async def guarded(request: Request) -> Response:
        await context.count(request)
        token = await tokens.find(get_bearer(request))
        if token is None:
            await context.note_failure(request)
            raise TokenInvalid("there is no bearer token, or it is unknown, expired or revoked")
        request.state.counted_address = ""  # a mistake of a program that may be here is no guess
        request.state.api_token = token
        if route.scope not in token.scopes:
            raise ScopeNeeded(route.scope)
        if any(isinstance(value, int) and value > LARGEST_ID for value in request.path_params.values()):
            raise NotThere("no row has such a number")
        try:
            answer = await route.endpoint(ApiCall(request, token))
        except SettingsError as error:
            raise InvalidBody(error.mistakes) from error
        if route.status == 204:
            return responses.no_content()
        response = responses.json_response(answer, route.status)
        if route.is_tagged:
            response.headers["etag"] = f'"{answer["revision"]}"'
        return response

    return guarded


def answer_api_error(request: Request, error: ConnectError) -> Response:
    """Answer problem details (RFC 9457); `detail` says what is wrong to those who have a token."""
    more: dict[str, object] = {}
    if getattr(request.state, "api_token", None) is not None:
        more["detail"] = str(error)
    if isinstance(error, InvalidBody):
        more["mistakes"] = list(error.mistakes)
    response = responses.problem(error, request.state.request_id, more)
    if isinstance(error, TokenInvalid):
        response.headers["www-authenticate"] = f'{REALM}, error="invalid_token"' if get_bearer(request) else REALM
    if isinstance(error, ScopeNeeded):
        response.headers["www-authenticate"] = f'{REALM}, error="insufficient_scope", scope="{error.scope}"'
    return response
