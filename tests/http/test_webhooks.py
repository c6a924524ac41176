"""Posting webhooks: only to addresses that may be connected to, never redirected, and never for long."""

import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from connect_core.http import WebhookClient
from connect_core.http.public_addresses import PrivateAddress, PublicResolver, is_connectable
from connect_core.http.webhooks import Posted

from ..kit.peers import Peer, peer
from ..kit.receiver import receiving, status

PRIVATE = [
    "127.0.0.1",
    "127.9.9.9",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "240.0.0.1",
    "::1",
    "fd00::1",
    "fec0::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]
NEVER = [
    "0.0.0.0",
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "::",
    "224.0.0.1",
    "ff02::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "not an address",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::808:808"]


@asynccontextmanager
async def client(**options: Any) -> AsyncIterator[WebhookClient]:
    """A client that is closed at the end."""
    made = WebhookClient(**options)
    try:
        yield made
    finally:
        await made.aclose()


async def post(url: str, *, allow_private: bool = True, **options: Any) -> Posted:
    """Post once."""
    async with client(**options) as posting:
        return await posting.post(url, b"{}", {"content-type": "application/json"}, allow_private=allow_private)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_for_those_who_allow_them(address: str) -> None:
    """In whichever spelling, also as an IPv4 address inside an IPv6 one."""
    assert not is_connectable(address, allow_private=False)
    assert is_connectable(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_for_nobody(address: str) -> None:
    """Link-local and multicast ones, and those where a cloud keeps a machine's credentials."""
    assert not is_connectable(address, allow_private=False)
    assert not is_connectable(address, allow_private=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_for_all(address: str) -> None:
    """On both versions of IP."""
    assert is_connectable(address, allow_private=False)


class FixedResolver(AbstractResolver):
    """Gives every name these addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look up."""
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_name_with_one_private_address_is_refused() -> None:
    """Else it would depend on chance which address is connected to."""
    resolver = PublicResolver(FixedResolver("8.8.8.8", "10.0.0.1"), allow_private=False)
    with pytest.raises(PrivateAddress):
        await resolver.resolve("hooks.example", 443)
    assert len(await PublicResolver(FixedResolver("8.8.8.8"), allow_private=False).resolve("hooks.example", 443)) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
async def test_loopback_is_not_connected_to(host: str) -> None:
    """However it is written, as a name or as a number; nothing reaches the receiver."""
    with receiving() as receiver:
        port = receiver.url.partition("127.0.0.1:")[2]
        posted = await post(f"http://{host}:{port}", allow_private=False)
        assert (posted.status, bool(posted.error)) == (0, True)
        assert receiver.calls == []


async def test_a_redirect_is_not_followed() -> None:
    """It is an answer like any other that is not 2xx."""
    with receiving() as target, receiving(status(307, location=target.url)) as receiver:
        assert (await post(receiver.url)).status == 307
        assert target.calls == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("99999", 3600), ("soon", None), ("-1", None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("", None)],
)
async def test_retry_after_is_read_within_reason(header: str, seconds: int | None) -> None:
    """In seconds or as a date, an hour at most; anything else says nothing."""
    with receiving(status(503, retry_after=header)) as receiver:
        assert await post(receiver.url) == Posted(503, retry_after=seconds)


def say_nothing(server: Peer, connection: socket.socket) -> None:
    """Take the request, and wait until the other side hangs up."""
    while server.read(connection):
        pass


def answer_nonsense(server: Peer, connection: socket.socket) -> None:
    """Answer no HTTP."""
    server.read(connection)
    connection.sendall(b"nonsense\r\n\r\n")


def answer_for_ever(server: Peer, connection: socket.socket) -> None:
    """Answer with a body that has no end."""
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b"x" * 65536)


@pytest.mark.parametrize(
    ("talk", "posted"),
    [
        (say_nothing, Posted(error="timeout")),
        (answer_nonsense, Posted(error="bad_answer")),
        (answer_for_ever, Posted(200)),
    ],
)
async def test_a_strange_receiver_costs_nothing(talk: Callable[[Peer, socket.socket], None], posted: Posted) -> None:
    """It is left after the deadline, and what it sends beyond its status is not read."""
    began = time.monotonic()
    with peer(talk) as server:
        assert await post(server.url, deadline=0.5) == posted
    assert time.monotonic() - began < 5


async def test_the_environments_proxies_are_used_only_where_the_shop_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that somebody left behind leads no event elsewhere."""
    with receiving() as receiver, receiving(status(502)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert (await post(receiver.url)).status == 204
        assert proxy.calls == []
