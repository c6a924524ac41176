"""Which addresses of the network may be connected to when somebody else chose the host: public ones. Sends nothing.

Names are judged by the addresses that they have at the moment of the connection, so that a name which changes its
address between a check and the connection gains nothing (DNS rebinding).
"""

import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses inside IPv6 ones, RFC 6052."""
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All IPv6 addresses that IANA gives out to be reached from everywhere."""
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "100.100.100.200",  # Alibaba Cloud
            "168.63.129.16",  # Azure
            "169.254.169.254",
            "192.0.0.192",  # Oracle Cloud
            "fd00:ec2::254",  # AWS
        ),
    )
)
"""What gives a cloud's machine its credentials: never a receiver, also where private addresses are allowed."""


class PrivateAddress(OSError):
    """A host has an address that may not be connected to."""


def is_connectable(text: str, *, allow_private: bool) -> bool:
    """Tell whether the IP address `text` may be connected to: a public one, or also a private or loopback one.

    Link-local and multicast addresses and those of clouds' metadata never are. An IPv6 address that stands for an IPv4
    address is judged as that one.
    """
    try:
        address = _unwrap(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    is_public = address.is_global and (address.version == 4 or address in _GLOBAL_UNICAST)
    return allow_private or is_public


def is_connectable_host(host: str, *, allow_private: bool) -> bool:
    """Tell the same of a URL's host, if it is an address; a name is judged when it is looked up."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return True
    return is_connectable(host, allow_private=allow_private)


def _unwrap(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    embedded = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if embedded is None and address in _NAT64:
        embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return embedded or address


class PublicResolver(AbstractResolver):
    """Looks host names up, and lets only those of their addresses through that may be connected to."""

    def __init__(self, resolver: AbstractResolver, *, allow_private: bool) -> None:
        """`resolver` looks the names up."""
        self._resolver, self._allow_private = resolver, allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host`. Raises `PrivateAddress` when it has one that may not be connected to."""
        results = await self._resolver.resolve(host, port, family)
        if not all(is_connectable(result["host"], allow_private=self._allow_private) for result in results):
            raise PrivateAddress("the host has an address that may not be connected to")
        return results

    async def close(self) -> None:
        """Close the resolver."""
        await self._resolver.close()
