"""The errors of the token routes that OAuth 2.0 defines, in the form of RFC 6749 §5.2.

The body has `error` as clients of OAuth 2.0 read it, and our `code` and `request_id`. Everything that RFC 6749 has no
word for, such as too many requests, is answered as problem details.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from connect_core.errors import BadRequest, ClientInvalid, ConnectError, MemberDisabled, TokenInvalid
from connect_core.web import responses


class UnsupportedTokenType(BadRequest):
    """A token that cannot be revoked here (RFC 7009 §2.2.1), such as a browser's session."""


class UnsupportedGrantType(BadRequest):
    """A grant other than `refresh_token` (RFC 6749 §5.2)."""


_WORDS: Mapping[type[ConnectError], str] = {
    UnsupportedTokenType: "unsupported_token_type",
    UnsupportedGrantType: "unsupported_grant_type",
    ClientInvalid: "invalid_client",
    TokenInvalid: "invalid_grant",
    MemberDisabled: "invalid_grant",
    BadRequest: "invalid_request",
}


def answer_oauth_error(request: Request, error: ConnectError) -> Response:
    """Answer 400, or 401 with `WWW-Authenticate` for a client that is not known."""
    word = _WORDS.get(type(error))
    if word is None:
        return responses.problem(error, request.state.request_id)
    is_unknown = isinstance(error, ClientInvalid)
    body = {"error": word, "code": error.code, "request_id": request.state.request_id}
    response = responses.json_response(body, 401 if is_unknown else 400)
    if is_unknown:
        response.headers["www-authenticate"] = 'Basic realm="connect-login"'
    return response
