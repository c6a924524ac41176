"""The HTTP client that each provider gets, with limits and a deadline of its own, and the pool that they share."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from connect_core import spans
from connect_core.cache import Cache, Fetch
from connect_core.deadlines import Failure, run_within
from connect_core.errors import ConnectError, ProviderBadResponse, ProviderTimeout, Unavailable
from connect_core.http.answers import Answer
from connect_core.http.network import CALL_ERRORS, CONNECT_DEADLINE, Network, Transport, make_fault
from connect_core.http.observation import VendorClock, find_skew
from connect_core.http.requests import Request, make_request
from connect_core.spans import Span, SpanKind

TOTAL_DEADLINE = 8.0
"""Seconds for a call in all, with the wait for a free slot."""
T = TypeVar("T")


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

    def set_vendor_calls(self, vendor_calls: int) -> None:
        """Limit each provider to so many calls at once from now on; those under way still count for the old limit."""
        self.vendor_calls = vendor_calls
        for client in list(self._clients.values()):
            client.limit_calls(vendor_calls)

    async def find_skew(self, url: str) -> float | None:
        """Return by how many seconds the clock of the server at `url` is ahead of ours, as its `Date` tells (HEAD).

        None when it does not answer, or tells no time. Takes no slot of a provider: no login waits for this.
        """
        began_at = time.time()
        try:
            async with asyncio.timeout(CONNECT_DEADLINE):
                answer = await self._transport.send(make_request("HEAD", url))
        except (*CALL_ERRORS, ConnectError):
            return None
        return find_skew(answer.headers, (began_at + time.time()) / 2)

    def count_calls(self) -> tuple[int, int]:
        """Return how many calls are under way, and how many wait for a slot."""
        calls = [client._calls for client in self._clients.values()]
        busy = sum(min(number, self.vendor_calls) for number in calls)
        return busy, sum(calls) - busy

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
        self._clock = VendorClock(name)

    @property
    def name(self) -> str:
        """NAME of the section `[providers.NAME]` whose provider this client belongs to."""
        return self._name

    @property
    def clock_skew(self) -> float | None:
        """Seconds by which the vendor's clock was ahead of ours at its last reading; None while there was none.

        It is read from the header `Date` of answers, at most every 10 seconds.
        """
        return self._clock.skew

    def limit_calls(self, vendor_calls: int) -> None:
        """Let so many calls be under way at once, besides those that are or wait now."""
        self._slots = asyncio.Semaphore(vendor_calls)

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
        return await self._send(make_request("GET", url, params=params, headers=headers))

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
        return await self._send(make_request("POST", url, params=params, form=form, content=content, headers=headers))

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
        with spans.current.start(request.method, SpanKind.CLIENT) as span:
            if span.is_recording:
                self._describe(span, request)
            answer = await self._send_in_time(request, span)
            if span.is_recording:
                span.describe({"http.response.status_code": answer.status})
                if answer.status >= 400:
                    span.fail(str(answer.status))
            return answer

    def _describe(self, span: Span, request: Request) -> None:
        """Say whom the request goes to. Its path may name a person, and its query a token: neither is told."""
        span.describe(
            {
                "http.request.method": request.method,
                "server.address": request.url.host or "",
                "server.port": request.url.port or 0,
                "url.scheme": request.url.scheme,
                "connect.provider": self._name,
            }
        )

    async def _send_in_time(self, request: Request, span: Span) -> Answer:
        try:
            async with asyncio.timeout(self._pool.deadline):
                return await self._send_in_turn(request)
        except CALL_ERRORS as error:
            fault = make_fault(error, request.url.host or "")
        span.fail(fault.trouble or fault.code)
        raise fault  # outside of `except`, so that no error of a library hangs on it: their texts contain the URL

    async def _send_in_turn(self, request: Request) -> Answer:
        if self._calls >= self._pool.vendor_calls + self._pool.waiting:
            raise Unavailable("too many calls to this vendor wait already", retry_after=1)
        self._calls += 1
        try:
            async with self._slots:
                answer = await self._transport.send(request)
        finally:
            self._calls -= 1
        self._clock.note(answer.headers)
        return answer
