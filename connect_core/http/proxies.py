"""Which proxy a call to a vendor goes through: the environment's. Sends nothing, and reads no `.netrc`."""

import ipaddress
import re
from collections.abc import Mapping
from contextlib import suppress
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from yarl import URL

from connect_core.errors import SettingsError


def find_proxy(url: URL) -> URL | None:
    """Return the proxy that the environment names for `url`, with its user and password, or None.

    Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals or not, as curl does, and nothing else.
    In `NO_PROXY`, `*.example` is the same as `.example`.
    Raises `ValueError` for a proxy that is none.
    """
    proxies = getproxies_environment()
    proxies["no"] = re.sub(r"(^|[\s,])\*\.", r"\1.", proxies.get("no", ""))
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass_environment(url.authority, proxies) or _is_in_network(url.host or "", proxies):
        return None
    return URL(proxy if "://" in proxy else f"http://{proxy}")


def check_proxies() -> None:
    """Raise `SettingsError` when calls over https cannot go through the proxy that the environment names."""
    try:
        proxy = find_proxy(URL("https://vendor.invalid"))
        is_usable = proxy is None or (proxy.scheme in ("http", "https") and bool(proxy.host))
    except ValueError:
        is_usable = False
    if not is_usable:
        mistake = "HTTPS_PROXY or ALL_PROXY of the environment must be http:// or https://, with a host"
        raise SettingsError([f"service.outbound_proxy: {mistake}"])


def _is_in_network(host: str, proxies: Mapping[str, str]) -> bool:
    """Tell whether `NO_PROXY` names the address `host`, in brackets or not, or a network with it (CIDR)."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for text in proxies.get("no", "").split(","):
        with suppress(ValueError):
            if address in ipaddress.ip_network(text.strip().strip("[]"), strict=False):
                return True
    return False
