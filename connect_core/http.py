"""The one way out: every vendor call goes through here, and aiohttp is imported nowhere else in the core.

One pool per process; for each provider its own slots, so that a slow vendor takes nobody else's. A call has a total
deadline, follows no redirect, decodes no content encoding, reads at most 256 KiB and is sent once: aiohttp's silent
second try of a GET is switched off, because some vendors redeem a code with one. No URL leaves in a log or an error.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from connect_core.cache import Cache, Fetch
from connect_core.errors import (
    ConnectError,
    ProviderBadResponse,
    ProviderRefused,
    ProviderTimeout,
    Unavailable,
)

TOTAL_DEADLINE = 8.0
CONNECT_DEADLINE = 3.0
ANSWER_LIMIT = 256 * 1024
JSON_DEPTH = 32
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """A call, ready for the wire."""

    method: str
    url: URL = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)


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


class Transport(Protocol):
    """What carries calls: the network, or what a test puts in its place."""

    async def exchange(self, request: Request) -> Answer:
        """Send the request and read its answer, once."""

    async def aclose(self) -> None:
        """Close every connection."""


class Network:
    """Connections over TCP and TLS, kept for a while."""

    def __init__(self, *, trust_env: bool = False) -> None:
        """`trust_env` heeds the proxies that the environment names."""
        self._trust_env = trust_env
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, request: Request) -> Answer:
        """Send the request and read its answer, once. Raises `ProviderBadResponse` and what aiohttp raises."""
        session = self._session = self._session or self._open()
        response = await session.request(
            request.method,
            request.url,
            data=request.content,
            headers=request.headers,
            allow_redirects=False,
        )
        try:
            return Answer(response.status, response.headers, await _read(response))
        finally:
            response.release()

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=20),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_DEADLINE),
            auto_decompress=False,
            trust_env=self._trust_env,
            max_line_size=8190,
            max_field_size=8190,
        )
        session._retry_connection = False  # no public switch; a test sends a GET into a closed connection
        return session


class HttpPool:
    """The process's connections. Make one, hand `for_provider` out, close it at the end."""

    def __init__(
        self,
        *,
        vendor_calls: int = 50,
        waiting: int = 200,
        deadline: float = TOTAL_DEADLINE,
        trust_env: bool = False,
        transport: Transport | None = None,
        cache: Cache | None = None,
    ) -> None:
        """`vendor_calls` at once per provider, `waiting` more in `deadline` seconds; a test hands a `transport` in."""
        self.vendor_calls = vendor_calls
        self.waiting = waiting
        self.deadline = deadline
        self.cache = cache or Cache()
        self._faces: dict[str, Http] = {}
        self._transport = transport or Network(trust_env=trust_env)

    def for_provider(self, name: str) -> "Http":
        """Return the provider's own face of the pool, with its own slots; the same one for the same `name`."""
        return self._faces.setdefault(name, Http(name, self, self._transport))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()


class Http:
    """What a provider calls its vendor with."""

    def __init__(self, name: str, pool: HttpPool, transport: Transport) -> None:
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

    async def _send(self, request: Request) -> Answer:
        try:
            async with asyncio.timeout(self._pool.deadline):
                return await self._exchange(request)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            fault, kind = ProviderTimeout if isinstance(error, TimeoutError) else ProviderBadResponse, type(error)
        # raised out here, so that no foreign error hangs on it: their texts hold the URL and its secrets
        raise fault(f"{request.url.host}: {kind.__name__}")

    async def _exchange(self, request: Request) -> Answer:
        if self._taken >= self._pool.vendor_calls + self._pool.waiting:
            raise Unavailable("too many calls to this vendor wait already", retry_after=1)
        self._taken += 1
        try:
            async with self._slots:
                return await self._transport.exchange(request)
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
) -> Request:
    try:
        address = with_query(url, params) if params else url
        sent = {**_HEADERS, **(headers or {})}
        if form is not None:
            content, sent["content-type"] = encode_form(form), "application/x-www-form-urlencoded"
        if not _PRINTABLE.fullmatch("".join((address, *sent.values()))):
            raise ValueError
        return Request(method, URL(address, encoded=True), sent, content)
    except ValueError as error:
        kind = type(error).__name__
    # raised out here for the reason given in `_send`
    raise ProviderBadResponse(f"no request can be made of the given values: {kind}")


_HEADERS = {"accept-encoding": "identity", "user-agent": "connect-login"}
_PRINTABLE = re.compile(r"[ -~]*")


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """Return `url` with `parameters` added to the query that it may have, everything reserved percent-encoded.

    Raises `UnicodeEncodeError`.
    """
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters, quote_via=quote, safe='')}"


def encode_form(fields: Mapping[str, str], charset: str = "utf-8", errors: str = "strict") -> bytes:
    """Return `fields` as `application/x-www-form-urlencoded`; `charset` and `errors` are those of `str.encode`.

    Raises `UnicodeEncodeError`.
    """
    sent = {name: value.encode(charset, errors).decode(charset) for name, value in fields.items()}
    if charset.lower() != "utf-8":
        return urlencode(sent, encoding=charset).encode()
    return URL.build(query=sent).raw_query_string.encode()  # a fifth of the time of `urlencode`


async def _read(response: aiohttp.ClientResponse) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ProviderBadResponse("the answer is compressed, which was not asked for")
    body = bytearray()
    while not response.content.at_eof():
        body += await response.content.readany()
        if len(body) > ANSWER_LIMIT:
            raise ProviderBadResponse("the answer is larger than 256 KiB")
    return bytes(body)
