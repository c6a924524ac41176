"""The one way out: every vendor call goes through here, and httpx is imported nowhere else in the core.

One pool per process; for each provider its own slots, so that a slow vendor takes nobody else's. A call has a total
deadline, follows no redirect, decodes no content encoding, reads at most 256 KiB and is sent once: aiohttp's silent
second try of a GET is switched off, because some vendors redeem a code with one. No URL leaves in a log or an error.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from connect_core.cache import Cache, Fetch
from connect_core.errors import (
    ConnectError,
    ProviderBadResponse,
    ProviderFault,
    ProviderRefused,
    ProviderTimeout,
    Unavailable,
)

TOTAL_DEADLINE = 8.0
CONNECT_DEADLINE = 3.0
ANSWER_LIMIT = 256 * 1024
JSON_DEPTH = 32
T = TypeVar("T")

logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor's answer, read whole, not yet believed."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    def json(self, encoding: str = "utf-8") -> dict[str, Any]:
        """Return the body as a JSON object. Raises `ProviderBadResponse`."""
        try:
            text = self.content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            text = None
        if text is None:
            # raised out here: a decoding error shows the whole answer in its repr
            raise ProviderBadResponse("the answer is not in the expected charset")
        return parse_object(text)

    def raise_for_outage(self) -> Self:
        """Return the answer. Raises `ProviderRefused` for 429 and 5xx, `ProviderBadResponse` for a redirect."""
        if self.status == 429 or self.status >= 500:
            hint = self.headers.get("retry-after", "")
            raise ProviderRefused(
                f"the vendor answered HTTP {self.status}",
                retry_after=min(int(hint), 3600) if hint.isascii() and hint.isdigit() and len(hint) < 6 else None,
            )
        if 300 <= self.status < 400:
            raise ProviderBadResponse(f"the vendor answered with a redirect, HTTP {self.status}")
        return self


def parse_object(text: str, *, control_characters: bool = False) -> dict[str, Any]:
    """Parse a JSON object strictly: no duplicate names, no NaN, at most 32 deep; a BOM is let pass.

    `control_characters` accepts raw ones inside strings, which some vendors send in nicknames.
    Raises `ProviderBadResponse`; the text never stands in it.
    """
    decoder = _LENIENT if control_characters else _STRICT
    try:
        value = decoder.decode(text.removeprefix("\ufeff"))
        _check_depth(value, JSON_DEPTH)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        # raised out here: the decoder's error keeps the whole text
        raise ProviderBadResponse("the answer is no JSON object")
    return value


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate name")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError("not a JSON number")


def _check_depth(value: Any, left: int) -> None:
    if not left:
        raise ValueError("too deep")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                _check_depth(item, left - 1)


_STRICT = json.JSONDecoder(object_pairs_hook=_unique_pairs, parse_constant=_no_constant)
_LENIENT = json.JSONDecoder(object_pairs_hook=_unique_pairs, parse_constant=_no_constant, strict=False)


class HttpPool:
    """The process's connections. Make one, hand `for_provider` out, close it at the end."""

    def __init__(
        self,
        *,
        vendor_calls: int = 50,
        waiting: int = 200,
        deadline: float = TOTAL_DEADLINE,
        trust_env: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
        cache: Cache | None = None,
    ) -> None:
        """`vendor_calls` at once per provider, `waiting` more in `deadline` seconds; a test hands a `transport` in."""
        self.vendor_calls = vendor_calls
        self.waiting = waiting
        self.deadline = deadline
        self.cache = cache or Cache()
        self._faces: dict[str, Http] = {}
        self._transport = transport or _make_transport(trust_env=trust_env)

    def for_provider(self, name: str) -> "Http":
        """Return the provider's own face of the pool, with its own slots; the same one for the same `name`."""
        return self._faces.setdefault(name, Http(name, self, self._transport))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()


def _make_transport(*, trust_env: bool) -> AiohttpTransport:
    tls = ssl.create_default_context()
    return AiohttpTransport(verify=tls, client=lambda: _session(tls, trust_env=trust_env), trust_env=trust_env)


def _session(tls: ssl.SSLContext, *, trust_env: bool) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=0, keepalive_timeout=20),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=trust_env,
        max_line_size=8190,
        max_field_size=8190,
    )
    session._retry_connection = False  # no public switch; a test sends a GET into a closed connection
    return session


class Http:
    """What a provider calls its vendor with."""

    def __init__(self, name: str, pool: HttpPool, transport: httpx.AsyncBaseTransport) -> None:
        self._name = name
        self._pool = pool
        self._transport = transport
        self._slots = asyncio.Semaphore(pool.vendor_calls)
        self._taken = 0

    async def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GET `url` (absolute) with `params` encoded once.

        Raises `ProviderTimeout`, `ProviderBadResponse`, `Unavailable`.
        """
        return await self._send(_request("GET", url, params=params, headers=headers))

    async def post(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """POST a `form`, or raw `content` whose type stands in `headers`. Raises as `get`."""
        return await self._send(_request("POST", url, params=params, form=form, content=content, headers=headers))

    async def cached(self, name: str, fetch: Callable[[], Awaitable[tuple[str, float]]]) -> str:
        """Return what the vendor gives out seldom, such as an app token, fetched once for all who wait for it.

        `name` tells this provider's values apart: put the app id in. `fetch` answers the value and its lifetime in
        seconds; it is asked again shortly before that ends. What it raises reaches all who wait, and is not kept.
        Raises `ProviderTimeout` when it takes longer than any call may.
        """
        return await self._pool.cache.cached(f"{self._name}:{name}", lambda: self._in_time(fetch))

    async def forget(self, name: str, value: str) -> None:
        """Drop what `cached` keeps under `name` if it is still `value`, which the vendor calls dead."""
        await self._pool.cache.forget(f"{self._name}:{name}", value)

    async def with_cached(
        self, name: str, fetch: Fetch, ask: Callable[[str], Awaitable[T]], is_dead: Callable[[ConnectError], bool]
    ) -> T:
        """Return what `ask` makes of the value that `cached` keeps; where that `is_dead`, of a new one, once."""
        value = await self.cached(name, fetch)
        try:
            return await ask(value)
        except ConnectError as error:
            if not is_dead(error):
                raise
        await self.forget(name, value)
        return await ask(await self.cached(name, fetch))

    async def _in_time(self, fetch: Fetch) -> tuple[str, float]:
        try:
            async with asyncio.timeout(self._pool.deadline):
                return await fetch()
        except TimeoutError:
            raise ProviderTimeout("a value to be kept took too long to fetch") from None

    async def _send(self, request: httpx.Request) -> Answer:
        try:
            async with asyncio.timeout(self._pool.deadline), self._slot():
                response = await self._transport.handle_async_request(request)
                return Answer(response.status_code, response.headers, await _read(response))
        except (TimeoutError, httpx.TransportError, aiohttp.ClientError, OSError, ValueError) as error:
            fault, kind = _judge(error)
        # raised out here, so that no foreign error hangs on it: their texts hold the URL and its secrets
        raise fault(f"{request.url.host}: {kind}")

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        if self._taken >= self._pool.vendor_calls + self._pool.waiting:
            raise Unavailable("too many calls to this vendor wait already", retry_after=1)
        self._taken += 1
        try:
            async with self._slots:
                yield
        finally:
            self._taken -= 1


def _request(
    method: str,
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Request:
    try:
        return httpx.Request(
            method,
            _with_query(url, params) if params else _parse(url),
            data=form,
            content=content,
            headers={"accept-encoding": "identity", "user-agent": "connect-login", **(headers or {})},
            extensions={"timeout": {"connect": CONNECT_DEADLINE}},
        )
    except (httpx.InvalidURL, ValueError) as error:
        kind = type(error).__name__
    # raised out here for the reason given in `_send`
    raise ProviderBadResponse(f"no request can be made of the given values: {kind}")


@lru_cache(256)
def _parse(url: str) -> httpx.URL:
    """An endpoint's address is the same for every call, and costs httpx 0.1 ms to read."""
    return httpx.URL(url)


def _with_query(url: str, params: Mapping[str, str]) -> str:
    """Add to the query that an endpoint may be configured with; httpx would parse the address three times for it."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params, quote_via=quote)}"


def _judge(error: Exception) -> tuple[type[ProviderFault], str]:
    # httpx-aiohttp calls every refused or lost connection a ConnectTimeout; what aiohttp said hangs on it
    said = error.__cause__ if isinstance(error, httpx.TransportError) and error.__cause__ else error
    slow = isinstance(said, TimeoutError | httpx.TimeoutException)
    return ProviderTimeout if slow else ProviderBadResponse, type(said).__name__


async def _read(response: httpx.Response) -> bytes:
    try:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise ProviderBadResponse("the answer is compressed, which was not asked for")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > ANSWER_LIMIT:
                raise ProviderBadResponse("the answer is larger than 256 KiB")
        return bytes(body)
    finally:
        await response.aclose()
