"""HTTP calls to vendors. Every one goes through here, and nothing else in the core imports aiohttp.

A process has one pool of connections, and each provider a limit of its own on concurrent calls, so that a slow vendor
does not delay the others. A call has a total deadline, follows no redirect, decodes no content encoding, reads at most
1 MiB and is sent once: aiohttp's silent second attempt of a GET is switched off, because with some vendors a GET
redeems a code. No URL appears in a log line or an error.
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
from connect_core.deadlines import Failure, run_within
from connect_core.errors import (
    ConnectError,
    ProviderBadResponse,
    ProviderFault,
    ProviderRefused,
    ProviderTimeout,
    Unavailable,
)
from connect_core.http.proxies import check_proxies, find_proxy
from connect_core.http.resolver import ThreadsResolver
from connect_core.limits import ANSWER_HEADER_LIMIT, ANSWER_LIMIT

TOTAL_DEADLINE = 8.0
"""Seconds for a call in all, with the wait for a free slot."""
CONNECT_DEADLINE = 3.0
"""Seconds for opening a connection."""
JSON_DEPTH = 32
"""How deep objects and arrays may be nested."""
_HEADERS = {"accept-encoding": "identity", "user-agent": "connect-login"}
_PRINTABLE = re.compile(r"[ -~]*")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is sent: the URL and the body are already encoded."""

    method: str
    url: URL = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor's HTTP response, read completely. Nothing in it has been checked yet."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    def json(self, encoding: str = "utf-8") -> dict[str, Any]:
        """Return the body, decoded from `encoding`, as a JSON object.

        Raises `ProviderBadResponse` when it is no JSON object, or as `parse_object` does.
        """
        try:
            text = self.content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            text = None
        if text is None:
            # raised outside of `except`: the decoding error would hang on it, and its repr shows the whole answer
            raise ProviderBadResponse("the answer is not in the expected charset")
        return parse_object(text)

    def raise_for_outage(self) -> Self:
        """Return the answer itself, so that calls can be chained.

        Raises `ProviderRefused` for status 429 and 5xx, with the vendor's `Retry-After` when it is in seconds, and
        `ProviderBadResponse` for a redirect.
        """
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
    """Parse a JSON object strictly: no duplicate names, no NaN, nested at most 32 deep. A BOM is ignored.

    `control_characters` accepts raw control characters inside strings, which some vendors send in nicknames. Raises
    `ProviderBadResponse`, which never quotes the text.
    """
    decoder = _LENIENT if control_characters else _STRICT
    try:
        value = decoder.decode(text.removeprefix("\ufeff"))
        _check_depth(value, JSON_DEPTH)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        # raised outside of `except`: the decoder's error, which contains the whole text, would hang on it
        raise ProviderBadResponse("the answer is no JSON object")
    return value


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate name")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError("not a JSON number")


def _check_depth(value: Any, levels_left: int) -> None:
    if not levels_left:
        raise ValueError("too deep")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                _check_depth(item, levels_left - 1)


_STRICT = json.JSONDecoder(object_pairs_hook=_unique_pairs, parse_constant=_no_constant)
_LENIENT = json.JSONDecoder(object_pairs_hook=_unique_pairs, parse_constant=_no_constant, strict=False)


class Transport(Protocol):
    """Sends requests: over the network, or to what a test puts in its place."""

    async def send(self, request: Request) -> Answer:
        """Send the request once, and return its answer."""

    async def aclose(self) -> None:
        """Close every connection."""


class Network:
    """The transport over TCP and TLS. Connections stay open for the next call, for 20 seconds."""

    def __init__(self, *, outbound_proxy: bool = False) -> None:
        """`outbound_proxy` sends calls through the proxies that the environment names; see `find_proxy`.

        Raises `SettingsError` when the environment names one that cannot be used.
        """
        if outbound_proxy:
            check_proxies()
        self._outbound_proxy = outbound_proxy
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Request) -> Answer:
        """Send the request once, and return its answer. Raises `ProviderBadResponse` and what aiohttp raises."""
        session = self._session = self._session or self._open()
        response = await session.request(
            request.method,
            request.url,
            data=request.content,
            headers=request.headers,
            allow_redirects=False,
            proxy=find_proxy(request.url) if self._outbound_proxy else None,
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
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=20, resolver=ThreadsResolver()),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_DEADLINE),
            auto_decompress=False,
            trust_env=False,  # it would read .netrc too, and send its passwords in place of our `Authorization`
            max_line_size=ANSWER_HEADER_LIMIT,
            max_field_size=ANSWER_HEADER_LIMIT,
        )
        session._retry_connection = False  # aiohttp has no public switch; a test sends a GET into a closed connection
        return session


class HttpPool:
    """A process's connections to all vendors. Make one, give each provider its `for_provider`, close it at the end."""

    def __init__(
        self,
        *,
        vendor_calls: int = 50,
        waiting: int = 200,
        deadline: float = TOTAL_DEADLINE,
        outbound_proxy: bool = False,
        transport: Transport | None = None,
        cache: Cache | None = None,
    ) -> None:
        """Set the limits of each provider: `vendor_calls` at once, `waiting` more, all within `deadline` seconds.

        `outbound_proxy` uses the environment's proxies; tests pass a `transport`. `cache` has the values of
        `Http.cached`.
        """
        self.vendor_calls = vendor_calls
        self.waiting = waiting
        self.deadline = deadline
        self.cache = cache or Cache()
        self._clients: dict[str, Http] = {}
        self._transport = transport or Network(outbound_proxy=outbound_proxy)

    def for_provider(self, name: str) -> "Http":
        """Return the client of the provider `name`, with a limit of its own on calls; always the same one."""
        return self._clients.setdefault(name, Http(name, self, self._transport))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()


class Http:
    """The HTTP client with which a provider calls its vendor."""

    def __init__(self, name: str, pool: HttpPool, transport: Transport) -> None:
        self._name = name
        self._pool = pool
        self._transport = transport
        self._slots = asyncio.Semaphore(pool.vendor_calls)
        self._calls = 0

    @property
    def name(self) -> str:
        """NAME of the section `[providers.NAME]` whose provider this client belongs to."""
        return self._name

    async def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a GET to the absolute `url` with `params` added to its query, percent-encoded.

        Raises `ProviderTimeout` when no answer comes within the deadline, `ProviderRefused` when the vendor cannot be
        reached or hangs up without an answer, `ProviderBadResponse` when its certificate is not trusted, the request
        cannot be made or the answer is cut short, malformed or too large, and `Unavailable` when too many calls to this
        vendor wait already.
        A status of 400 or more is no error here; see `Answer.raise_for_outage`.
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
        """Send a POST with a `form`, or with raw `content` whose type is in `headers`. Raises as `get` does."""
        return await self._send(_request("POST", url, params=params, form=form, content=content, headers=headers))

    async def cached(self, name: str, fetch: Fetch) -> str:
        """Return a value that many logins share, such as an app's access token; fetched once for all who wait for it.

        `name` distinguishes the provider's values: put the app id in it. `fetch` returns the value and its lifetime in
        seconds, and is called again shortly before that ends. What it raises is not cached and reaches all who wait, as
        does `ProviderTimeout` when it takes longer than the deadline of a call.
        """
        return await self._pool.cache.cached(f"{self._name}:{name}", lambda: self._in_time(fetch))

    async def forget(self, name: str, value: str) -> None:
        """Drop the value `name` from the cache if it is still `value`: use this when the vendor calls it invalid."""
        await self._pool.cache.forget(f"{self._name}:{name}", value)

    async def with_cached(
        self, name: str, fetch: Fetch, ask: Callable[[str], Awaitable[T]], is_dead: Callable[[ConnectError], bool]
    ) -> T:
        """Call `ask` with a value from `cached` and return its result.

        When `ask` raises a `ConnectError` that `is_dead` accepts (the vendor no longer accepts the value), the value is
        fetched again and `ask` called once more.
        """
        value = await self.cached(name, fetch)
        try:
            return await ask(value)
        except ConnectError as error:
            if not is_dead(error):
                raise
        await self.forget(name, value)
        return await ask(await self.cached(name, fetch))

    async def _in_time(self, fetch: Fetch) -> tuple[str, float]:
        outcome = await run_within(fetch, self._pool.deadline, self._name)
        match outcome:
            case Failure(TimeoutError()):
                raise ProviderTimeout("a value to be kept took too long to fetch")
            case Failure(Exception() | KeyboardInterrupt() as error):
                raise error
            case Failure(error):  # in a task for all who wait, SystemExit would stop the loop, CancelledError all
                raise ProviderBadResponse(f"fetching a value to be kept raised {type(error).__name__}")
        return outcome

    async def _send(self, request: Request) -> Answer:
        try:
            async with asyncio.timeout(self._pool.deadline):
                return await self._send_in_turn(request)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            fault, kind = _fault_of(error), type(error)
        # raised outside of `except`, so that no error of a library hangs on it: their texts contain the URL
        raise fault(f"{request.url.host}: {kind.__name__}")

    async def _send_in_turn(self, request: Request) -> Answer:
        if self._calls >= self._pool.vendor_calls + self._pool.waiting:
            raise Unavailable("too many calls to this vendor wait already", retry_after=1)
        self._calls += 1
        try:
            async with self._slots:
                return await self._transport.send(request)
        finally:
            self._calls -= 1


def _fault_of(error: Exception) -> type[ProviderFault]:
    """Return the fault that a failed call is: nobody there is an outage, a bad certificate or answer is not."""
    match error:
        case TimeoutError():
            return ProviderTimeout
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return ProviderBadResponse
        case aiohttp.ServerDisconnectedError() | OSError():  # no host of that name, refused, unreachable, reset
            return ProviderRefused
        case _:
            return ProviderBadResponse


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
    # raised outside of `except` for the reason given in `_send`
    raise ProviderBadResponse(f"no request can be made of the given values: {kind}")


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """Return `url` with `parameters` added to its query, if any; reserved characters are percent-encoded.

    Raises `UnicodeEncodeError` for a lone surrogate.
    """
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters, quote_via=quote, safe='')}"


def encode_form(fields: Mapping[str, str], charset: str = "utf-8", errors: str = "strict") -> bytes:
    """Return `fields` as `application/x-www-form-urlencoded`.

    `charset` and `errors` are those of `str.encode`. Raises `UnicodeEncodeError` for what the charset cannot express.
    """
    sent = {name: value.encode(charset, errors).decode(charset) for name, value in fields.items()}
    if charset.lower() != "utf-8":
        return urlencode(sent, encoding=charset).encode()
    return URL.build(query=sent).raw_query_string.encode()  # five times as fast as `urlencode`


async def _read(response: aiohttp.ClientResponse) -> bytes:
    if set(response.headers.get("content-encoding", "").lower().replace(",", " ").split()) - {"identity"}:
        raise ProviderBadResponse("the answer is compressed, which was not asked for")
    body = bytearray()
    while not response.content.at_eof():
        body += await response.content.readany()
        if len(body) > ANSWER_LIMIT:
            raise ProviderBadResponse("the answer is larger than 1 MiB")
    return bytes(body)
