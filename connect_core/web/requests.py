"""Reading requests: parameters, small bodies, cookies, bearer tokens, language.

What a client sends is bounded in size here; each parameter is judged when it is read, see `ReceivedParameters`. Never
decides who may do what.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from connect_core.devices import UNKNOWN_DEVICE, Device
from connect_core.errors import BadRequest, Forbidden, PageOutdated
from connect_core.identity import Language
from connect_core.limits import REQUEST_BODY_LIMIT, REQUEST_HEAD_LIMIT
from connect_core.login.values import Visit
from connect_core.providers.parameters import ReceivedParameters
from connect_core.sessions import NO_TOKENS, PresentedTokens
from connect_core.web.mounting import get_root
from connect_core.web.pages.catalogues import Catalogues

LANGUAGE_COOKIE = "connect_lang"
_COOKIES_READ = "connect_login.cookies"
"""Where a request's scope keeps its cookies, once they have been read."""
_PURPOSES = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")


def get_parameters(request: Request) -> ReceivedParameters:
    """Return the query's parameters."""
    return _parse_encoded(request.scope["query_string"])


async def read_content(request: Request, limit: int) -> bytes:
    """Return the body as it came. Raises `BadRequest` for more than `limit` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BadRequest(f"the body is larger than {limit // 1024} KiB")
    return bytes(body)


async def _read_body(request: Request) -> bytes:
    """Return the body, which may be read again: the check of a form's subject comes before the act reads its fields."""
    body: bytes | None = getattr(request.state, "body", None)
    if body is None:
        body = request.state.body = await read_content(request, REQUEST_BODY_LIMIT)
    return body


async def read_form(request: Request) -> ReceivedParameters:
    """Return the fields of a posted form. Raises `BadRequest` for a form above `REQUEST_BODY_LIMIT`."""
    return _parse_encoded(await _read_body(request))


async def read_json(request: Request) -> ReceivedParameters:
    """Return the members of a small JSON object as texts; an empty body is an empty object.

    A whole number keeps its digits, null is absent, and what else is no text is malformed. Raises `BadRequest` for a
    body that is no JSON object, or above `REQUEST_BODY_LIMIT`.
    """
    return _parse_json(await _read_body(request))


def _parse_json(body: bytes, *, keeps_objects: bool = False) -> ReceivedParameters:
    if not body.strip():
        return ReceivedParameters([])
    try:
        text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        # not strict: a control character refuses the text that it stands in, once somebody reads it
        value = json.loads(text, object_pairs_hook=_JsonObject, parse_int=_parse_int, strict=False)
    except (ValueError, RecursionError):
        raise BadRequest("the body is no JSON object") from None
    if not isinstance(value, _JsonObject):
        raise BadRequest("the body is no JSON object")
    pairs = ((name, item) for name, item in value.pairs if item is not None)
    return ReceivedParameters([(name, _as_text(item, keeps_objects=keeps_objects)) for name, item in pairs])


async def read_fields(request: Request, *, keeps_objects: bool = False) -> ReceivedParameters:
    """Return what was posted, by a page as a form or by a program as JSON. Raises as those two.

    With `keeps_objects`, an object or a list is its JSON text: some vendors' clients give such a thing to be handed in.
    A JSON object whose sender calls it a form, as `curl --data` does, is one: a form writes a brace as `%7B`.
    """
    body = await _read_body(request)
    if is_form(request) and not body.startswith(b"{"):
        return _parse_encoded(body)
    return _parse_json(body, keeps_objects=keeps_objects)


def get_credentials(fields: ReceivedParameters, *without: str) -> dict[str, str]:
    """Return the well-formed fields but those named, for whoever checks credentials.

    Raises `BadRequest` for a malformed user name or password.
    """
    for name in ("username", "password"):
        fields.get(name)
    return {name: value for name, value in fields.items() if name not in (*without, "page_subject")}


def check_subject(fields: ReceivedParameters, subject: str) -> None:
    """Raise `PageOutdated` for a form whose page showed something else than `subject`, on which it would act now.

    In another tab the browser may have got another login since then, of somebody else or with another vendor. The
    page says what it showed in the hidden field `page_subject`. A form without it, such as a shop's own, is taken.
    """
    if fields.get("page_subject", "") not in ("", subject):
        raise PageOutdated("the page with this form was about another member or login")


def is_form(request: Request) -> bool:
    """Tell whether the body is a form."""
    return (
        request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"
    )


def is_speculative(request: Request) -> bool:
    """Tell whether the browser looks ahead, by prefetch or prerender, and nobody has followed the link yet.

    Browsers say so in `Sec-Purpose` (WICG Nav Speculation), older ones in `Purpose`, `X-Purpose` or `X-Moz`.
    """
    purposes = b" ".join(value for name, value in request.scope["headers"] if name in _PURPOSES).lower()
    return any(word in purposes for word in (b"prefetch", b"prerender", b"preview", b"instant"))


def wants_page(request: Request) -> bool:
    """Tell whether to answer with a page: a browser that navigates accepts `text/html`, a script or an app does not."""
    return "text/html" in request.headers.get("accept", "").lower()


def get_bearer(request: Request) -> str:
    """Return the bearer token (RFC 6750 §2.1), or the empty text."""
    return _get_bearer(dict(request.scope["headers"]))


def get_cookies(request: Request) -> dict[str, str]:
    """Return the cookies by name. A name that comes twice is left out: one of the two was planted by somebody else."""
    return {name: values[0] for name, values in get_all_cookies(request).items() if len(values) == 1}


def get_all_cookies(request: Request) -> dict[str, list[str]]:
    """Return every value of each cookie, by name; they are read once for each request."""
    cookies: dict[str, list[str]] | None = request.scope.get(_COOKIES_READ)
    if cookies is None:
        cookies = request.scope[_COOKIES_READ] = _read_cookies(request)
    return cookies


def _read_cookies(request: Request) -> dict[str, list[str]]:
    cookies: dict[str, list[str]] = {}
    for header in request.headers.getlist("cookie"):
        for pair in header[:REQUEST_HEAD_LIMIT].split(";"):
            name, sign, value = pair.strip().partition("=")
            if sign:
                cookies.setdefault(name, []).append(value.strip('"'))
    return cookies


def find_requested_language(request: Request) -> Language | None:
    """Return the language that `?lang=` asks for."""
    if b"lang=" not in request.scope["query_string"]:
        return None
    return get_catalogues(request).find_language(request.query_params.get("lang", ""))


def get_catalogues(request: Request) -> Catalogues:
    """Return the texts of the pages, in every language that this shop offers."""
    catalogues: Catalogues = request.app.state.context.pages.catalogues
    return catalogues


def get_language(request: Request) -> Language:
    """Return the language of the pages that this visitor sees."""
    return _pick(request, dict(request.scope["headers"]))[0]


def get_visit(
    request: Request, presented: PresentedTokens = NO_TOKENS, device_id: str = "", device: Device = UNKNOWN_DEVICE
) -> Visit:
    """Return what the login steps need to know of the visitor.

    `presented` are the tokens that a new login ends, `device_id` what an app calls its device, `device` what a session
    keeps of it.
    """
    headers = dict(request.scope["headers"])  # read once: every login comes here, and Starlette's look-up is linear
    language, chosen = _pick(request, headers)
    agent = headers.get(b"user-agent", b"")[:512].decode("latin-1")
    return Visit(request.state.request_id, agent, language, presented, chosen, device_id, get_root(), device=device)


def _get_bearer(headers: Mapping[bytes, bytes]) -> str:
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _pick(request: Request, headers: Mapping[bytes, bytes]) -> tuple[Language, str]:
    """Return the visitor's language, and again if they chose it, by `?lang=` or by our cookie; else an empty text."""
    catalogues, chosen = get_catalogues(request), find_requested_language(request)
    cookies = headers.get(b"cookie", b"") if chosen is None else b""
    if _COOKIE in cookies:
        values = (value.decode("ascii") for value in _LANGUAGE.findall(cookies[:REQUEST_HEAD_LIMIT]))
        known = (*catalogues.languages, _OLD_CHINESE)
        chosen = next((catalogues.find_language(value) for value in values if value in known), None)
    if chosen:
        return chosen, chosen
    return catalogues.pick_language(headers.get(b"accept-language", b"").decode("latin-1")), ""


def is_from_another_origin(request: Request, allowed: Sequence[str]) -> bool:
    """Tell whether a page of an origin that is not in `allowed` sent the request (cross-site request forgery).

    A request without `Origin` comes from no browser, or from one that says `cross-site` by `Sec-Fetch-Site`. Forms of
    our own pages come with `Origin: null`, because of their referrer policy; there `same-origin` has to be said too.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin is None:
        return site == "cross-site"
    return origin not in allowed and not (origin == "null" and site == "same-origin")


def check_origin(request: Request, allowed: Sequence[str]) -> None:
    """Raise `Forbidden` for a request that a page of another origin than `allowed` sent."""
    if is_from_another_origin(request, allowed):
        raise Forbidden("the request comes from another origin")


def _parse_encoded(encoded: bytes) -> ReceivedParameters:
    """Parse a query or form; a byte that is no UTF-8 is kept as half a surrogate pair, and so refuses its own value."""
    text = encoded.decode("utf-8", "surrogateescape")
    return ReceivedParameters(parse_qsl(text, keep_blank_values=True, errors="surrogateescape"))


_COOKIE = LANGUAGE_COOKIE.encode()
_LANGUAGE = re.compile(rb"(?:^|;)\s*(?:__Host-)?" + _COOKIE + rb"=([A-Za-z0-9-]{2,40})\s*(?=;|$)")
_OLD_CHINESE = "zh"
"""What cookies of earlier versions call `zh-CN`."""


class _JsonObject(dict[str, Any]):
    """A JSON object that keeps members which came more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _parse_int(digits: str) -> float:
    # of more digits Python makes no number, and would refuse the whole body
    return int(digits) if len(digits) <= _MOST_DIGITS else math.inf


_MOST_DIGITS = 255


def _as_text(value: object, *, keeps_objects: bool) -> str | None:
    """Return a member's text; None for what has none, such as a fraction or a truth value."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    try:
        return json.dumps(value, ensure_ascii=False) if keeps_objects and isinstance(value, dict | list) else None
    except RecursionError:
        return None
