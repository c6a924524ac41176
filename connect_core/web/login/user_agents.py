"""How a QR login describes the PC to the phone: its browser, its system, and the network of its address.

The names come from the lists below, never from the request: whoever sends a phone a QR code must not choose its words.
"""

import ipaddress

from connect_core.login.qr_login import Device

_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("AlipayClient", "Alipay"),
    ("QQBrowser", "QQ Browser"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""A mark in the user agent, and the browser's name. A browser whose user agent names others too comes before them."""
_SYSTEMS = (
    ("Windows", "Windows"),
    ("HarmonyOS", "HarmonyOS"),
    ("OpenHarmony", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def describe(user_agent: str, address: str) -> Device:
    """Return what the phone shows; `address` is the client's, or the network that rate limits count it for."""
    return Device(_first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent), get_place(address))


def get_place(address: str) -> str:
    """Return the network of an address: /24 of IPv4, /48 of IPv6; empty for what is no address."""
    try:
        ip = ipaddress.ip_address(address.partition("/")[0])
    except ValueError:
        return ""
    network = ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False)
    return f"{str(network.network_address).removesuffix('.0')}.*" if ip.version == 4 else str(network)


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in names if mark in user_agent), "")
