"""Writing responses: the security headers that all of them carry, cookies, redirects, HTML, JSON, problem details.

Never decides what a response says, and never reads a request.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from urllib.parse import quote

from starlette.responses import Response

from connect_core.errors import ConnectError, LoginTooOld, MethodNotAllowed, PasswordRefused
from connect_core.web.requests import LANGUAGE_COOKIE

HEADERS: Mapping[str, str] = {
    "cache-control": "no-store, private",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
}
_URL_MARKS = "%/:=&?~#+!$,;'@()*[]"
_URL = re.compile(rf"[\w.{re.escape(_URL_MARKS)}-]*", re.ASCII)
_OPENER = "cross-origin-opener-policy"
# without it a pop-up keeps the window that opened it, so that the page where the login ends can tell it
_REDIRECT_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name != _OPENER]


def redirect(url: str) -> Response:
    """Redirect by 303 See Other, after which the browser sends a GET (RFC 9700 §4.12); no other redirect is used.

    Carries no `Cross-Origin-Opener-Policy`, which would cut a pop-up from the page that opened it.
    """
    response, location = Response(status_code=303), url if _URL.fullmatch(url) else quote(url, safe=_URL_MARKS)
    response.raw_headers += [*_REDIRECT_HEADERS, (b"location", location.encode("ascii"))]
    return response


def no_content() -> Response:
    """Answer 204 No Content."""
    return Response(status_code=204, headers=HEADERS)


def refuse_speculation() -> Response:
    """Answer a browser that only looks ahead: 503 makes it ask again when the visitor really goes there."""
    return Response(status_code=503, headers={**HEADERS, "retry-after": "2"})


def html_response(text: str, status: int = 200) -> Response:
    """Answer an HTML page."""
    return Response(text, status, HEADERS, "text/html; charset=utf-8")


def text_response(text: str) -> Response:
    """Answer a text without markup."""
    return Response(text, 200, HEADERS, "text/plain; charset=utf-8")


def json_response(value: object, status: int = 200, *, media_type: str = "application/json") -> Response:
    """Answer `value` as JSON; a dataclass in it is an object of its fields."""
    return Response(json.dumps(value, ensure_ascii=False, default=asdict), status, HEADERS, media_type)


def problem(error: ConnectError, request_id: str, more: Mapping[str, object] | None = None) -> Response:
    """Answer an error as problem details (RFC 9457), with our `code`, the request's id and the members of `more`."""
    body = {
        "type": "about:blank",
        "title": error.code,
        "status": error.status,
        "code": error.code,
        "request_id": request_id,
        **(more or {}),
    }
    if isinstance(error, PasswordRefused):
        body |= {"detail": error.detail, "reason": error.reason}
    return with_retry(json_response(body, error.status, media_type="application/problem+json"), error)


def with_retry(response: Response, error: ConnectError) -> Response:
    """Add when and how to try again: `Retry-After`, `Allow`, `WWW-Authenticate` (RFC 6750 §3, RFC 9470 §3)."""
    if isinstance(error, MethodNotAllowed):
        response.headers["allow"] = ", ".join(error.allowed)
    if error.status in (429, 503) or error.retry_after is not None:
        response.headers["retry-after"] = str(error.retry_after or 2)
    if error.status == 401:
        response.headers["www-authenticate"] = "Bearer"
    if isinstance(error, LoginTooOld):
        response.headers["www-authenticate"] = 'Bearer error="insufficient_user_authentication"'
    return response


def is_known(if_none_match: str, tag: str) -> bool:
    """Tell whether a client that sent `If-None-Match` has what the ETag `tag` names (RFC 9110 §13.1.2)."""
    tags = (known.strip().removeprefix("W/") for known in if_none_match.split(","))
    return if_none_match.strip() == "*" or tag in tags


TOKEN_COOKIES = ("access_token", "refresh_token", "uid")
"""The cookies of a login by the `/buyer` routes."""
LANGUAGE_MEMORY = 365 * 24 * 3600
"""Seconds for which a browser remembers the language that was chosen."""
LAST_USED_MEMORY = 365 * 24 * 3600
"""Seconds for which a browser remembers by which provider it logged in last."""


class Cookies:
    """The names and attributes of the cookies that we set: `__Host-`, Secure, HttpOnly, SameSite=Lax.

    A service on plain loopback http has no `__Host-` and no Secure, so that any client can try it.
    """

    def __init__(self, *, is_plain_loopback: bool, readable_token_cookies: bool) -> None:
        """`readable_token_cookies`: scripts may read the token cookies of the `/buyer` routes."""
        self._protection = "" if is_plain_loopback else "; Secure"
        self._is_readable = readable_token_cookies
        prefix = "" if is_plain_loopback else "__Host-"
        self.session = f"{prefix}connect_session"
        self.flow = f"{prefix}connect_flow_"
        self.pending = f"{prefix}connect_pending"
        self.handover = f"{prefix}connect_handover"
        self.merge = f"{prefix}connect_merge"
        self.flash = f"{prefix}connect_flash"
        self.opened = f"{prefix}connect_opened"
        self.mark = f"{prefix}connect_doctor"
        self.language = prefix + LANGUAGE_COOKIE
        self.last_used = f"{prefix}connect_last_used"
        self.admin = f"{prefix}connect_admin"
        self.admin_flow = f"{prefix}connect_admin_flow"
        self.admin_flash = f"{prefix}connect_admin_flash"

    def set(self, response: Response, name: str, value: str, max_age: int) -> None:
        """Set a cookie for `max_age` seconds."""
        self._set(response, name, value, max_age, "; HttpOnly")

    def set_strict(self, response: Response, name: str, value: str, max_age: int) -> None:
        """Set a cookie that comes along only where a page of ours leads here, no other site's (`SameSite=Strict`)."""
        self._set(response, name, value, max_age, "; HttpOnly", "strict")

    def set_token(self, response: Response, name: str, value: str, max_age: int) -> None:
        """Set a token cookie of the `/buyer` routes, which scripts may read if the shop's settings say so."""
        self._set(response, name, value, max_age, "" if self._is_readable else "; HttpOnly")

    def write(self, name: str, value: str, max_age: int) -> str:
        """Return the header that `set` adds to a response."""
        return self._write(name, value, max_age, "; HttpOnly")

    def drop(self, response: Response, name: str) -> None:
        """Delete a cookie."""
        self._set(response, name, "", 0, "; HttpOnly")

    def _set(
        self, response: Response, name: str, value: str, max_age: int, access: str, same_site: str = "lax"
    ) -> None:
        """Write the header by hand (RFC 6265 §4.1): names and values are ours and need no quotes.

        Starlette's `set_cookie` goes through `http.cookies`, which takes ten times as long. Each cookie has one header,
        the last (RFC 6265 §4.1.1).
        """
        start = f"{name}=".encode("ascii")
        response.raw_headers[:] = [
            pair for pair in response.raw_headers if pair[0] != b"set-cookie" or not pair[1].startswith(start)
        ]
        text = self._write(name, value, max_age, access, same_site)
        response.raw_headers.append((b"set-cookie", text.encode("ascii")))

    def _write(self, name: str, value: str, max_age: int, access: str, same_site: str = "lax") -> str:
        return f"{name}={value}; Max-Age={max_age}; Path=/; SameSite={same_site}{access}{self._protection}"
