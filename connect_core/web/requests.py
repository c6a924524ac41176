"""Reading requests: parameters that must not repeat, small bodies, cookies, bearer tokens, language, client address.

Everything a client sends is checked for form here: size, repeats, control characters. Never decides who may do what.
"""

import ipaddress
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from connect_core.errors import BadRequest, Forbidden
from connect_core.identity import Language
from connect_core.limits import REQUEST_BODY_LIMIT, REQUEST_HEAD_LIMIT, REQUEST_VALUE_LIMIT
from connect_core.login.values import Visit
from connect_core.web.pages.messages import find_language, pick_language

FIELD_LIMIT = 20
LANGUAGE_COOKIE = "connect_lang"


def get_parameters(request: Request) -> dict[str, str]:
    """Return the query's parameters. Raises `BadRequest` where one is repeated, too long or not printable."""
    return _parse_unique(request.scope["query_string"])


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a posted form. Raises as `get_parameters`."""
    return _parse_unique(await _read_body(request))


async def read_json(request: Request) -> dict[str, str]:
    """Return the texts of a small flat JSON object; an empty body is an empty object. Raises `BadRequest`."""
    body = await _read_body(request)
    if not body.strip():
        return {}
    try:
        value = json.loads(body.decode(), object_pairs_hook=_reject_repeats)
    except (ValueError, RecursionError):
        raise BadRequest("the body is no JSON object") from None
    if not isinstance(value, dict):
        raise BadRequest("the body is no JSON object")
    return _check_values({key: _as_text(item) for key, item in value.items() if item is not None})


async def read_fields(request: Request) -> dict[str, str]:
    """Return what was posted, by a page as a form or by a program as JSON. Raises as those two."""
    return await read_form(request) if is_form(request) else await read_json(request)


def is_form(request: Request) -> bool:
    """Tell whether the body is a form."""
    return (
        request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"
    )


def wants_page(request: Request) -> bool:
    """Tell whether to answer with a page: a browser that navigates accepts `text/html`, a script or an app does not."""
    return "text/html" in request.headers.get("accept", "").lower()


def get_bearer(request: Request) -> str:
    """Return the bearer token (RFC 6750 §2.1), or the empty text."""
    return _get_bearer(dict(request.scope["headers"]))


def get_cookies(request: Request) -> dict[str, str]:
    """Return the cookies by name. A name that comes twice is left out: one of the two was planted by somebody else."""
    cookies: dict[str, str] = {}
    repeated: set[str] = set()
    for header in request.headers.getlist("cookie"):
        for pair in header[:REQUEST_HEAD_LIMIT].split(";"):
            name, sign, value = pair.strip().partition("=")
            if sign and name in cookies:
                repeated.add(name)
            cookies[name] = value.strip('"')
    return {name: value for name, value in cookies.items() if name not in repeated}


def new_request_id() -> str:
    """Return 64 random bits in hex, by which a request is found in the log."""
    return secrets.token_hex(8)


def find_requested_language(request: Request) -> Language | None:
    """Return the language that `?lang=` asks for."""
    if b"lang=" not in request.scope["query_string"]:
        return None
    return find_language(request.query_params.get("lang", ""))


def get_language(request: Request) -> Language:
    """Return the language of the pages that this visitor sees."""
    return _pick(request, dict(request.scope["headers"]))[0]


def get_visit(request: Request, session_token: str = "", device_id: str = "") -> Visit:
    """Return what the login steps need to know of the visitor.

    `session_token` is that of their session cookie, `device_id` what an app calls its device.
    """
    headers = dict(request.scope["headers"])  # read once: every login comes here, and Starlette's look-up is linear
    language, chosen = _pick(request, headers)
    agent = headers.get(b"user-agent", b"")[:512].decode("latin-1")
    return Visit(request.state.request_id, agent, language, session_token, _get_bearer(headers), chosen, device_id)


def _get_bearer(headers: Mapping[bytes, bytes]) -> str:
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _pick(request: Request, headers: Mapping[bytes, bytes]) -> tuple[Language, str]:
    """Return the visitor's language, and again if they chose it, by `?lang=` or by our cookie; else an empty text."""
    chosen = find_requested_language(request)
    cookies = headers.get(b"cookie", b"") if chosen is None else b""
    if _COOKIE in cookies and (match := _LANGUAGE.search(cookies[:REQUEST_HEAD_LIMIT])):
        chosen = find_language(match[1].decode())
    language = pick_language(chosen, headers.get(b"accept-language", b"").decode("latin-1"))
    return language, chosen or ""


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


class TrustedProxies:
    """The proxies whose `X-Forwarded-For` is believed, for rate limits and logs only."""

    def __init__(self, proxies: Sequence[str]) -> None:
        """`proxies` are addresses or networks, such as `10.0.0.0/8`. Raises `ValueError` for anything else."""
        self._networks = [ipaddress.ip_network(proxy) for proxy in proxies]

    def get_address(self, request: Request) -> str:
        """Return the client's address, for which limits are counted; of an IPv6 address its /64 network.

        That is the nearest hop that is no trusted proxy: what a client writes into `X-Forwarded-For` itself stands
        further left and is not believed.
        """
        peer = request.client.host if request.client else ""
        if not self._networks:
            return _group_of(peer)
        hops = [peer, *reversed(",".join(request.headers.getlist("x-forwarded-for")).split(","))]
        believed = None
        for hop in hops:
            try:
                believed = ipaddress.ip_address(hop.strip())
            except ValueError:
                break
            if not any(believed in network for network in self._networks):
                break
        return _group_of(str(believed)) if believed else "unknown"


@lru_cache(4096)
def _group_of(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((address, 64), strict=False))


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > REQUEST_BODY_LIMIT:
            raise BadRequest("the body is larger than 256 KiB")
    return bytes(body)


def _parse_unique(encoded: bytes) -> dict[str, str]:
    if len(encoded) > REQUEST_BODY_LIMIT:
        raise BadRequest("too many parameters")
    try:
        pairs = parse_qsl(encoded.decode("ascii"), keep_blank_values=True, max_num_fields=FIELD_LIMIT, errors="strict")
    except ValueError:
        raise BadRequest("the parameters are malformed or too many") from None
    if len(dict(pairs)) != len(pairs):
        raise BadRequest("a parameter is repeated")
    return _check_values(dict(pairs))


def _check_values(values: dict[str, str]) -> dict[str, str]:
    if len(values) > FIELD_LIMIT:
        raise BadRequest("too many parameters")
    for name, value in values.items():
        if len(value) > REQUEST_VALUE_LIMIT or _UNPRINTABLE.search(value) or "[" in name:
            raise BadRequest("a parameter is malformed or too long")
    return values


_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of surrogate pairs, which no database takes."""


_COOKIE = LANGUAGE_COOKIE.encode()
_LANGUAGE = re.compile(rb"(?:^|;)\s*(?:__Host-)?" + _COOKIE + rb"=(zh|en)\s*(?:;|$)")


def _reject_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise BadRequest("a parameter is repeated")
    return dict(pairs)


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    raise BadRequest("a parameter is no text")
