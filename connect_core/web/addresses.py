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
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MARK_LENGTH = 64
"""Characters of a name that stands for an address, such as `_hidden` (RFC 7239 §6.3)."""
_NAME = re.compile(r"_|.*[0-9]", re.DOTALL)
"""What tells clients apart, though it is no address. The rest stands for everybody: `unknown`, `-`, `(null)`."""
_NAME_WITH_PORT = re.compile(r"([^:]*):(?:[0-9]{0,5}|_[\w.-]*)")
_WITH_PORT = re.compile(
    r"(?P<v4>[0-9.]+)(:[0-9a-z._-]*)?|\[(?P<v6>[0-9a-f:.]+(%[^\]]*)?)\](:[0-9a-z._-]*)?", re.IGNORECASE
)
_VALUE = r'"(?:[^"\\]|\\.)*+"|[^\s;,"]*+'
_PAIR = rf'\s*+(?:[^\s=;,"]++\s*+=\s*+(?:{_VALUE})\s*+)?'
_LIST = re.compile(rf"{_PAIR}(?:[;,]{_PAIR})*+")
_ELEMENT = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*+")++')
_PARAMETER = re.compile(rf'(?:^|;)\s*+([^\s=;"]++)\s*+=\s*+({_VALUE})')
_ESCAPED = re.compile(r"\\(.)")
_BARE_PORT = re.compile(r"(?P<v6>[0-9a-f:.]+):[0-9]{1,5}", re.IGNORECASE)
_ADDRESS_READ = "connect_login.address"
"""Where a request's scope keeps the address, which limits, log lines and sessions ask for."""
_HEADERS = ("x-forwarded-for", "forwarded", "x-real-ip")
"""The headers in which proxies name their client; the first that is there counts."""
_HOLDING_IPV4 = [ipaddress.ip_network(network) for network in ("64:ff9b::/96", "::/96")]
"""NAT64 (RFC 6052) and the old "IPv4-compatible" addresses (RFC 4291 §2.5.5.1)."""


class TrustedProxies:
    """The proxies that are believed about where a request comes from, for rate limits and logs only."""

    def __init__(self, proxies: Sequence[str]) -> None:
        """`proxies` are addresses or networks, such as `10.0.0.0/8`. Raises `ValueError` for anything else."""
        self._networks = [_read_network(proxy) for proxy in proxies]
        self._has_warned = False

    def get_address(self, request: Request) -> str:
        """Return what limits are counted for: the client's address, or of an IPv6 address its /64 network.

        That is the nearest hop that is no trusted proxy: what a client writes into `X-Forwarded-For` or `Forwarded`
        itself stands further left and is not believed. Without `X-Forwarded-For`, `Forwarded` (RFC 7239) counts, and
        without both `X-Real-IP`.

        A hop that is no address is counted by its own text, such as `_a1b2`. Empty where nothing is known of the
        client: then nobody is counted, because everybody would be counted as one.
        """
        address: str | None = request.scope.get(_ADDRESS_READ)
        if address is None:
            address = request.scope[_ADDRESS_READ] = self._find_address(request)
        return address

    def _find_address(self, request: Request) -> str:
        peer = _get_peer(request)
        if not self._networks:
            return _get_group(peer)
        believed = ""
        for hop in (peer, *_find_hops(request)) if peer else _find_hops(request):
            address = _read(hop)
            if address is None or address.is_unspecified:
                return self._get_mark(hop if address is None else "")
            believed = _get_group(str(address))
            if not any(address in network for network in self._networks):
                break
        return believed

    def has_sent(self, request: Request) -> bool:
        """Tell whether a trusted proxy sent the request itself: then it wrote, or checked, what only a proxy writes."""
        if not self._networks:
            return False
        peer = _get_peer(request)
        address = _read(peer)
        # a Unix socket has no address, and only what runs on this machine reaches it
        return not peer if address is None else any(address in network for network in self._networks)

    def _get_mark(self, hop: str) -> str:
        match = _NAME_WITH_PORT.fullmatch(hop)
        mark = (match[1] if match else hop)[:MARK_LENGTH]
        if _NAME.match(mark):
            return f"~{mark}"
        if not self._has_warned:
            self._has_warned = True
            log.warning("client_address_unknown", extra={"text": hop[:MARK_LENGTH]})
        return ""


def is_forwarded(request: Request) -> bool:
    """Tell whether the request says whom it is passed on for."""
    return any(name in request.headers for name in _HEADERS)


def _get_peer(request: Request) -> str:
    """Return the address that the connection comes from; empty for a Unix socket, which some servers call `unix:`."""
    peer = request.client.host if request.client else ""
    return "" if peer.startswith("unix") else peer


def _find_hops(request: Request) -> Iterator[str]:
    """Yield the hops that the proxies noted, the nearest first."""
    for name in _HEADERS:
        if lines := request.headers.getlist(name):
            split = _split_forwarded if name == "forwarded" else _split_addresses
            hops = [hop for line in reversed(lines) for hop in split(line)]
            # empty elements of a list count for nothing (RFC 9110 §5.6.1)
            yield from hops or [""]
            return


def _split_addresses(line: str) -> list[str]:
    return [hop.strip().strip('"') for hop in reversed(line.split(",")) if hop.strip()]


def _split_forwarded(line: str) -> list[str]:
    """Return the values of `for`, the last first. A comma inside quotes does not split, unless a quote is left open.

    What a client left open must not swallow what the proxy added behind it.
    """
    elements = _ELEMENT.findall(line) if _LIST.fullmatch(line) else line.split(",")
    pairs = [dict(_find_parameters(element)) for element in reversed(elements) if element.strip()]
    return [pair.get("for", "") for pair in pairs]


def _find_parameters(element: str) -> Iterator[tuple[str, str]]:
    for match in _PARAMETER.finditer(element):
        yield match[1].lower(), _ESCAPED.sub(r"\1", match[2].strip('"'))


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


def _read_network(text: str) -> Network:
    """Return the network; that of IPv4 for an IPv6 one of mapped addresses, which `_read` turns into IPv4."""
    network = ipaddress.ip_network(text)
    if network.version == 6 and network.prefixlen >= 96 and (mapped := network.network_address.ipv4_mapped):
        return ipaddress.IPv4Network((mapped, network.prefixlen - 96))
    return network


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
