"""Which proxy a call to a vendor goes through: the environment's. Sends nothing, and reads no `.netrc`."""

from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from yarl import URL


def find_proxy(url: URL) -> URL | None:
    """Return the proxy that the environment names for `url`, with its user and password, or None.

    Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals or not, as curl does, and nothing else.
    """
    proxies = getproxies_environment()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass_environment(url.authority, proxies):
        return None
    return URL(proxy if "://" in proxy else f"http://{proxy}")
