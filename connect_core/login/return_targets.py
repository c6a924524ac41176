"""Where a login may return to: exact origin and path prefix on the canonical URL (RFC 9700 §4.11).

A target is checked once, before the flow is sealed; nothing that arrives later can change it.
"""

import posixpath
import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from connect_core.errors import RedirectNotAllowed

LONGEST = 1024
"""Characters of a target once it is encoded: the flow that carries it must fit a cookie."""
REMEMBERED = 256
"""Targets that are known to be allowed: most logins return to the same few pages."""
_DEFAULT_PORTS = {"https": 443, "http": 80}
_KEPT = "%/:=&?~#+!$,;'@()*[]"


class Targets:
    """The allow-list, compiled."""

    def __init__(self, public_url: str, allow: Sequence[str]) -> None:
        """`allow`: absolute URLs, each for its origin and all that is below its path. Our own is always allowed."""
        self._own = public_url
        self._rules = [(_origin(urlsplit(url)), urlsplit(url).path or "/") for url in (public_url, *allow)]
        self._known = lru_cache(REMEMBERED)(self._check)

    def check(self, target: str) -> str:
        """Return the canonical absolute target; relative ones are resolved against our own origin.

        Raises `RedirectNotAllowed`.
        """
        return self._known(target)

    def _check(self, target: str) -> str:
        if any(c <= " " or c in "\\\x7f" for c in target) or target[:2] == "//":
            raise RedirectNotAllowed("the return target is malformed")
        try:
            url = quote(urljoin(self._own, target) if target.startswith(("/", "?")) else target, safe=_KEPT)
            parts = urlsplit(url)
            origin = _origin(parts)
        except ValueError:
            raise RedirectNotAllowed("the return target is malformed") from None
        if len(url) > LONGEST or "@" in parts.netloc or not _is_plain_path(parts.path):
            raise RedirectNotAllowed("the return target is malformed")
        if not any(origin == allowed and _is_below(parts.path or "/", prefix) for allowed, prefix in self._rules):
            raise RedirectNotAllowed("the return target is not on the allow-list")
        return url

    def check_redirect_uri(self, target: str) -> str:
        """Return the absolute page that the vendor may return to. No fragment (RFC 6749 §3.1.2). Raises as `check`."""
        if "#" in target or target.startswith(("/", "?")):
            raise RedirectNotAllowed("redirect_uri is an absolute address without fragment")
        return self.check(target)


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _is_plain_path(path: str) -> bool:
    """No dot segments (`..;x` is one to a servlet), doubled or encoded slashes: a server could read another path."""
    plain = re.sub(";[^/]*", "", unquote(path))
    if "//" in plain or "\\" in plain or "%2f" in path.lower():
        return False
    return posixpath.normpath(plain or "/") == (plain.rstrip("/") or "/")


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else prefix + "/")
