"""What is kept and shown of the device that logs in: browser, system and location; its network for a QR login.

Made of the header `User-Agent` and the address, neither of which is kept.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from connect_core.geoip import NOWHERE, Location, open_locator
from connect_core.user_agents import read_software


@dataclass(frozen=True, slots=True)
class Device:
    """A device as its member sees it: names of `user_agents`, and where its address is.

    Every part is empty where it is not known.
    """

    browser: str = ""
    system: str = ""
    location: Location = NOWHERE


UNKNOWN_DEVICE = Device()


class Devices:
    """Describes devices."""

    def __init__(self, geoip_database: Path | None = None) -> None:
        """Open the shop's GeoIP file, if it has one. Raises `SettingsError` as `open_locator`."""
        self._locator = open_locator(geoip_database)

    def describe(self, user_agent: str, address: str) -> Device:
        """Return the device; `address` is the client's, or the network that rate limits count it for."""
        browser, system = read_software(user_agent)
        return Device(browser, system, self._locator.find(address.partition("/")[0]))


def get_network(address: str) -> str:
    """Return the network of an address: /24 of IPv4 (`192.0.2.*`), /48 of IPv6; empty for what is no address."""
    try:
        ip = ipaddress.ip_address(address.partition("/")[0])
    except ValueError:
        return ""
    network = ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False)
    return f"{str(network.network_address).removesuffix('.0')}.*" if ip.version == 4 else str(network)
