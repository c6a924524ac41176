"""Client addresses: who is counted for a request, however the proxies in front spell it.

For rate limits and for the words of a QR login. Never decides whether a request is allowed.
"""

import ipaddress
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache

from starlette.requests import Request

log = logging.getLogger("connect_login")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
MARK_LENGTH = 64
"""Characters of a name that stands for an address, such as `_hidden` (RFC 7239 §6.3)."""
_NAMELESS = frozenset({"", "-", "unknown", "null", "none"})
"""What proxies write for a client of whom they know nothing."""
_WITH_PORT = re.compile(
    r"(?P<v4>[0-9.]+)(:[0-9a-z._-]+)?|\[(?P<v6>[0-9a-f:.]+(%[^\]]*)?)\](:[0-9a-z._-]+)?", re.IGNORECASE
)
_FORWARDED_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;"]*)', re.IGNORECASE)
_BARE_PORT = re.compile(r"(?P<v6>[0-9a-f:]+):[0-9]{1,5}", re.IGNORECASE)
_HOLDING_IPV4 = [ipaddress.ip_network(network) for network in ("64:ff9b::/96", "::/96")]
"""NAT64 (RFC 6052) and the old "IPv4-compatible" addresses (RFC 4291 §2.5.5.1)."""


class TrustedProxies:
    """The proxies that are believed about where a request comes from, for rate limits and logs only."""

    def __init__(self, proxies: Sequence[str]) -> None:
        """`proxies` are addresses or networks, such as `10.0.0.0/8`. Raises `ValueError` for anything else."""
        self._networks = [ipaddress.ip_network(proxy) for proxy in proxies]
        self._has_warned = False

    def get_address(self, request: Request) -> str:
        """Return what limits are counted for: the client's address, or of an IPv6 address its /64 network.

        That is the nearest hop that is no trusted proxy: what a client writes into `X-Forwarded-For` or `Forwarded`
        itself stands further left and is not believed. Without `X-Forwarded-For`, `Forwarded` (RFC 7239) counts.

        A hop that is no address is counted by its own text, such as `_a1b2`. Empty where nothing is known of the
        client: then nobody is counted, because everybody would be counted as one.
        """
        peer = request.client.host if request.client else ""
        if not self._networks:
            return _get_group(peer)
        believed = ""
        for hop in (peer, *_find_hops(request)):
            address = _read(hop)
            if address is None and not (hop == peer and not peer):  # a Unix socket has no address
                return self._get_mark(hop)
            if address is not None:
                believed = _get_group(str(address))
                if not any(address in network for network in self._networks):
                    break
        return believed

    def has_sent(self, request: Request) -> bool:
        """Tell whether a trusted proxy sent the request itself: then it wrote, or checked, what only a proxy writes."""
        if not self._networks:
            return False
        peer = request.client.host if request.client else ""
        address = _read(peer)
        # a Unix socket has no address, and only what runs on this machine reaches it
        return not peer if address is None else any(address in network for network in self._networks)

    def _get_mark(self, hop: str) -> str:
        if hop.lower() not in _NAMELESS:
            return f"~{hop[:MARK_LENGTH]}"
        if not self._has_warned:
            self._has_warned = True
            log.warning("client_address_unknown", extra={"text": hop[:MARK_LENGTH]})
        return ""


def _find_hops(request: Request) -> Iterator[str]:
    """Yield the hops that the proxies noted, the nearest first."""
    if lines := request.headers.getlist("x-forwarded-for"):
        # empty elements of a list count for nothing (RFC 9110 §5.6.1)
        yield from [hop.strip().strip('"') for hop in reversed(",".join(lines).split(",")) if hop.strip()] or [""]
        return
    # a comma inside quotes splits too: no address has one, and what a client left open must not swallow the next hop
    for element in reversed(",".join(request.headers.getlist("forwarded")).split(",")):
        if element.strip():
            match = _FORWARDED_FOR.search(element)
            yield match[1].strip('"') if match else ""


def _read(hop: str) -> Address | None:
    """Return the address in `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`, with a zone or not.

    Also in `2001:db8::1:51234`, whose port some proxies write without brackets, where it can be nothing but a port.
    """
    match = _WITH_PORT.fullmatch(hop)
    text = (match["v4"] or match["v6"]) if match else hop
    bare = _BARE_PORT.fullmatch(text)
    for candidate in (text, bare["v6"] if bare else ""):
        with suppress(ValueError):
            address = ipaddress.ip_address(candidate.partition("%")[0])
            return address if address.version == 4 else _find_embedded(address) or address
    return None


def _find_embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address of a client behind a translation, whose neighbours in the /64 are other people."""
    if int(address) > 1 and any(address in network for network in _HOLDING_IPV4):  # not `::` and `::1`
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or (address.teredo[1] if address.teredo else None)


@lru_cache(4096)
def _get_group(text: str) -> str:
    address = _read(text)
    if address is None:
        return ""
    is_alone = address.version == 4 or address.is_link_local  # everybody on a link has the same /64
    return str(address) if is_alone else str(ipaddress.ip_network((address, 64), strict=False))
