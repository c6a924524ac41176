"""What went over the wire between a shop and its vendors: how often, and every secret in it.

Stands between the core's pool and the network. Changes nothing that passes, and keeps no body.
"""

import base64
import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qsl, urlsplit

import httpx

from connect_core.http import _make_transport

_SENT = re.compile(r"(code|state|token|secret|verifier|nonce|assertion|sign|signature|ticket)$", re.IGNORECASE)
_ANSWERED = re.compile(rb"""(?:token|secret|session_key)"?\s*[:=]\s*"?([\w.~+/=-]{8,})""", re.IGNORECASE)
_MEMBER = re.compile(r'"(\w+)"\s*:\s*"([^"]+)"')


class Witness(httpx.AsyncBaseTransport):
    """Passes calls on and remembers what must never be told: codes, states, tokens, secrets, signatures."""

    def __init__(self) -> None:
        self._transport = _make_transport(trust_env=False)
        self.calls = 0
        self.secrets: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request."""
        self.calls += 1
        body = request.content.decode("utf-8", "replace")
        self.secrets |= {value for name, value in [*_pairs(str(request.url), body)] if is_secret(name, value)}
        self.secrets |= set(_credentials(request.headers.get("authorization", "")))
        response = await self._transport.handle_async_request(request)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Tee(response, self.secrets),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()


class _Tee(httpx.AsyncByteStream):
    """An answer's body, read for tokens as it passes."""

    def __init__(self, response: httpx.Response, secrets: set[str]) -> None:
        self._response, self._secrets = response, secrets

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = b""
        async for chunk in self._response.aiter_raw():
            seen = (seen + chunk)[-8192:]
            yield chunk
        self._secrets |= {value.decode() for value in _ANSWERED.findall(seen)}

    async def aclose(self) -> None:
        await self._response.aclose()


def is_secret(name: str, value: str) -> bool:
    """Tell whether a parameter called so holds what must never be told; short values are words."""
    return len(value) >= 8 and _SENT.search(name) is not None


def _pairs(url: str, body: str) -> Iterator[tuple[str, str]]:
    yield from parse_qsl(urlsplit(url).query)
    yield from parse_qsl(body)
    yield from _MEMBER.findall(body)


def _credentials(header: str) -> Iterator[str]:
    kind, _, value = header.partition(" ")
    if value:
        yield value
    if kind.lower() == "basic":
        yield base64.b64decode(value).decode().partition(":")[2]
