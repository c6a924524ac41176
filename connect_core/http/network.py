"""Sends requests over TCP and TLS: no redirect, no content encoding, no second attempt, at most 1 MiB of answer."""

from typing import Protocol

import aiohttp

from connect_core.errors import ProviderBadResponse, ProviderFault, ProviderRefused, ProviderTimeout
from connect_core.http.answers import Answer
from connect_core.http.proxies import check_proxies, find_proxy
from connect_core.http.requests import Request
from connect_core.http.resolver import ThreadsResolver
from connect_core.limits import ANSWER_HEADER_LIMIT, ANSWER_LIMIT

CONNECT_DEADLINE = 3.0
"""Seconds for opening a connection."""
_COMPRESSIONS = frozenset({"br", "compress", "dcb", "dcz", "deflate", "gzip", "x-compress", "x-gzip", "zstd"})
"""Content codings (IANA's registry). Some servers write `none` or `UTF-8` there, which changes nothing in the body."""
CALL_ERRORS = (TimeoutError, aiohttp.ClientError, OSError, ValueError)
"""What a transport may raise for a call that failed."""


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


def make_fault(error: Exception, host: str) -> ProviderFault:
    """Return the error for a call to `host` that failed: nobody there is an outage, a bad certificate or answer is not.

    It does not contain the text of `error`, which may contain the URL.
    """
    kind, trouble = _judge(error)
    fault = kind(f"{host}: {type(error).__name__}")
    fault.trouble = trouble
    return fault


def judge_failure(error: BaseException) -> str:
    """Return the word for why a call failed: `timeout`, `tls`, `dns`, `connect`; empty for an answer that is none."""
    return _judge(error)[1]


def _judge(error: BaseException) -> tuple[type[ProviderFault], str]:
    match error:
        case TimeoutError():
            return ProviderTimeout, "timeout"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return ProviderBadResponse, "tls"
        case aiohttp.ClientConnectorDNSError():
            return ProviderRefused, "dns"
        # refused, unreachable, reset; or the proxy does not let us through
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientHttpProxyError() | OSError():
            return ProviderRefused, "connect"
        case _:
            return ProviderBadResponse, ""


async def _read(response: aiohttp.ClientResponse) -> bytes:
    codings = response.headers.getall("content-encoding", None)
    if codings and _COMPRESSIONS & set(",".join(codings).lower().replace(",", " ").split()):
        raise ProviderBadResponse("the answer is compressed, which was not asked for")
    body = bytearray()
    while not response.content.at_eof():
        body += await response.content.readany()
        if len(body) > ANSWER_LIMIT:
            raise ProviderBadResponse("the answer is larger than 1 MiB")
    return bytes(body)
