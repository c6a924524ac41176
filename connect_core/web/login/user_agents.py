"""What a PC is called on the phone that confirms it: its browser, its system, and the group that its address is in.

Names are from short lists of ours: nothing that a visitor sends is ever shown to another.
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
"""Those that name others too come before these."""
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
    """Return what is shown; `address` is that of the client or the network it counts for."""
    return Device(_first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent), get_place(address))


def get_place(address: str) -> str:
    """Return the coarse group of an address: /24 of IPv4, /48 of IPv6; empty where there is none."""
    try:
        one = ipaddress.ip_address(address.partition("/")[0])
    except ValueError:
        return ""
    network = ipaddress.ip_network((one, 24 if one.version == 4 else 48), strict=False)
    return f"{str(network.network_address).removesuffix('.0')}.*" if one.version == 4 else str(network)


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in names if mark in user_agent), "")
