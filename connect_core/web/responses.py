"""Writing answers: the security headers of them all, cookies, redirects, pages, JSON, errors as problem details."""

import json
import re
from collections.abc import Mapping
from urllib.parse import quote

from starlette.responses import Response

from connect_core.errors import ConnectError, LoginTooOld
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
_RAW_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


def redirect(url: str) -> Response:
    """303 See Other: the only redirect there is (RFC 9700 §4.12)."""
    response, location = Response(status_code=303), url if _URL.fullmatch(url) else quote(url, safe=_URL_MARKS)
    response.raw_headers += [*_RAW_HEADERS, (b"location", location.encode("ascii"))]
    return response


def no_content() -> Response:
    """204 No Content: done, and nothing to show."""
    return Response(status_code=204, headers=HEADERS)


def page(text: str, status: int = 200) -> Response:
    """An HTML page."""
    return Response(text, status, HEADERS, "text/html; charset=utf-8")


def plain(text: str) -> Response:
    """A bare text."""
    return Response(text, 200, HEADERS, "text/plain; charset=utf-8")


def answer(value: object, status: int = 200, *, media_type: str = "application/json") -> Response:
    """A JSON answer."""
    return Response(json.dumps(value, ensure_ascii=False), status, HEADERS, media_type)


def problem(error: ConnectError, request_id: str) -> Response:
    """The error as problem details (RFC 9457), with our `code` and the request's id."""
    body = {
        "type": "about:blank",
        "title": error.code,
        "status": error.status,
        "code": error.code,
        "request_id": request_id,
    }
    return with_retry(answer(body, error.status, media_type="application/problem+json"), error)


def with_retry(response: Response, error: ConnectError) -> Response:
    """Add what the client should know about coming back: `Retry-After`, `WWW-Authenticate`."""
    if error.status in (429, 503) or error.retry_after is not None:
        response.headers["retry-after"] = str(error.retry_after or 2)
    if error.status == 401:
        response.headers["www-authenticate"] = "Bearer"
    if isinstance(error, LoginTooOld):
        response.headers["www-authenticate"] = 'Bearer error="insufficient_user_authentication"'
    return response


LANGUAGE_MEMORY = 365 * 24 * 3600
"""Seconds for which a browser remembers the language that was chosen."""


class Cookies:
    """The cookies we set: `__Host-`, Secure, HttpOnly, SameSite=Lax; without the first two on plain loopback http."""

    def __init__(self, *, is_plain_loopback: bool, readable_token_cookies: bool) -> None:
        self._protection = "" if is_plain_loopback else "; Secure"
        self._is_readable = readable_token_cookies
        prefix = "" if is_plain_loopback else "__Host-"
        self.session = f"{prefix}connect_session"
        self.flow = f"{prefix}connect_flow_"
        self.pending = f"{prefix}connect_pending"
        self.handover = f"{prefix}connect_handover"
        self.merge = f"{prefix}connect_merge"
        self.language = prefix + LANGUAGE_COOKIE

    def set(self, response: Response, name: str, value: str, max_age: int) -> None:
        """Set a cookie for `max_age` seconds."""
        self._set(response, name, value, max_age, "; HttpOnly")

    def set_token(self, response: Response, name: str, value: str, max_age: int) -> None:
        """Set a token cookie of the `/buyer` routes, which a shop may choose to make readable."""
        self._set(response, name, value, max_age, "" if self._is_readable else "; HttpOnly")

    def drop(self, response: Response, name: str) -> None:
        """Have the browser forget a cookie."""
        self._set(response, name, "", 0, "; HttpOnly")

    def _set(self, response: Response, name: str, value: str, max_age: int, access: str) -> None:
        """RFC 6265 §4.1. Names and values are ours and need no quotes; Starlette's way takes ten times as long."""
        text = f"{name}={value}; Max-Age={max_age}; Path=/; SameSite=lax{access}{self._protection}"
        response.raw_headers.append((b"set-cookie", text.encode("ascii")))
