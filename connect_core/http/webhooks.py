"""Posts webhooks to the shop's own systems: one attempt, no redirect, a total deadline, and no answer but its status.

These calls share nothing with those to vendors: no slot, no connection, no thread. No URL appears in an error.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz

import aiohttp
from yarl import URL

from connect_core.http.network import CONNECT_DEADLINE, judge_failure
from connect_core.http.proxies import find_proxy
from connect_core.http.public_addresses import PrivateAddress, PublicResolver, is_connectable_host
from connect_core.http.resolver import ThreadsResolver
from connect_core.limits import ANSWER_HEADER_LIMIT

POST_SECONDS = 15.0
"""How long a receiver may take, connecting included."""
_LONGEST_WAIT = 3600
"""Most seconds of a `Retry-After` that are believed."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a POST: the HTTP `status`, 0 without one; `error` is a word for what went wrong, else empty.

    `retry_after` is in seconds, None where the receiver did not say when to come again.
    """

    status: int = 0
    error: str = ""
    retry_after: int | None = None


class WebhookClient:
    """The connections to the receivers of webhooks. Make one for each process, and close it at the end."""

    def __init__(self, *, outbound_proxy: bool = False, deadline: float = POST_SECONDS) -> None:
        """`outbound_proxy` sends through the environment's proxies, which then look host names up themselves."""
        self._outbound_proxy, self._deadline = outbound_proxy, deadline
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def post(self, url: str, content: bytes, headers: Mapping[str, str], *, allow_private: bool) -> Posted:
        """Post `content` once and return the status. Raises nothing but what cancels it.

        `error` is `timeout`, `connect`, `dns`, `tls`, `private_address` or `bad_answer` when there is none. Without
        `allow_private` only public addresses are connected to (`is_connectable`).
        """
        address = URL(url, encoded=True)
        proxy = find_proxy(address) if self._outbound_proxy else None
        if not is_connectable_host(address.host or "", allow_private=allow_private):
            return Posted(error="private_address")
        session = self._sessions.get(allow_private) or self._open(allow_private=allow_private)
        try:
            response = await session.post(address, data=content, headers=headers, allow_redirects=False, proxy=proxy)
            response.release()  # closes the connection unless the whole answer is there already
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            return Posted(error=_name(error))
        return Posted(response.status, retry_after=_find_wait(response.headers))

    async def aclose(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()

    def _open(self, *, allow_private: bool) -> aiohttp.ClientSession:
        resolver = PublicResolver(ThreadsResolver(), allow_private=allow_private)
        session = self._sessions[allow_private] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=20, resolver=resolver, use_dns_cache=False),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._deadline, sock_connect=CONNECT_DEADLINE),
            auto_decompress=False,
            trust_env=False,  # as for calls to vendors
            max_line_size=ANSWER_HEADER_LIMIT,
            max_field_size=ANSWER_HEADER_LIMIT,
        )
        session._retry_connection = False  # as for calls to vendors
        return session


def _name(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PrivateAddress):
            return "private_address"
        cause = cause.__cause__ or cause.__context__
    return judge_failure(error) or "bad_answer"


def _find_wait(headers: Mapping[str, str]) -> int | None:
    """Return the seconds of `Retry-After`, a number or a date (RFC 9110 §10.2.3), or None."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return min(int(text), _LONGEST_WAIT)
    parts = parsedate_tz(text) if text else None
    try:
        return None if parts is None else min(max(int(mktime_tz(parts) - time.time()), 0), _LONGEST_WAIT)
    except (ValueError, OverflowError):
        return None
