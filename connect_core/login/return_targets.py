"""Return targets: where a login may send the member, by exact origin and path prefix (RFC 9700 §4.11).

A target is checked once, at the start, and then sealed into the flow; nothing in the callback can change it.
"""

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit

from connect_core.errors import RedirectNotAllowed, SettingsError
from connect_core.settings import Service
from connect_core.settings.values import get_origin, is_plain_path, to_ascii_url

MAX_LENGTH = 1024
"""Characters of an encoded target: the flow that carries it has to fit into a cookie."""
CACHED_TARGETS = 256
"""Targets whose check is cached: most logins return to the same few pages."""
_UNQUOTED = "%/:=&?~#+!$,;'@()*[]"


class Targets:
    """The setting `redirect_allow`, compiled."""

    def __init__(self, public_url: str, allow: Sequence[str]) -> None:
        """`allow`: absolute URLs, each for its origin and everything below its path; `public_url` is always allowed."""
        self._public_url = public_url
        addresses = [urlsplit(to_ascii_url(url)) for url in (public_url, *allow)]
        self._rules = [(get_origin(parts), parts.path or "/") for parts in addresses]
        self._cached_check = lru_cache(CACHED_TARGETS)(self._check)

    def check(self, target: str) -> str:
        """Return the canonical absolute target; a relative one is resolved against `public_url`.

        Raises `RedirectNotAllowed`.
        """
        return self._cached_check(target)

    def _check(self, target: str) -> str:
        if any(c <= " " or c in "\\\x7f" for c in target) or target[:2] == "//":
            raise RedirectNotAllowed("the return target is malformed")
        try:
            absolute = urljoin(self._public_url, target) if target.startswith(("/", "?")) else target
            url = quote(to_ascii_url(absolute), safe=_UNQUOTED)
            parts = urlsplit(url)
            origin = get_origin(parts)
        except ValueError:
            raise RedirectNotAllowed("the return target is malformed") from None
        if len(url) > MAX_LENGTH or "@" in parts.netloc or not is_plain_path(parts.path):
            raise RedirectNotAllowed("the return target is malformed")
        if not any(origin == allowed and _is_below(parts.path or "/", prefix) for allowed, prefix in self._rules):
            raise RedirectNotAllowed("the return target is not on the allow-list")
        return url

    def shorten(self, target: str) -> str:
        """Return a checked target as links carry it: without our own origin, however that is spelled."""
        parts = urlsplit(target)
        if get_origin(parts) != self._rules[0][0]:
            return target
        return target.removeprefix(f"{target.partition('//')[0]}//{parts.netloc}")

    def check_redirect_uri(self, target: str) -> str:
        """Return the page of a front end to which the vendor may return: absolute, no fragment (RFC 6749 §3.1.2).

        Raises as `check`.
        """
        if "#" in target or target.startswith(("/", "?")):
            raise RedirectNotAllowed("redirect_uri is an absolute address without fragment")
        return self.check(target)


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else prefix + "/")


def check_pages(service: Service) -> None:
    """Raise `SettingsError` for a page of the shop's to which no login can go: `home_url`, `binder_url`."""
    targets, mistakes = Targets(service.public_url, service.redirect_allow), []
    for name, page in (("home_url", service.home_url), ("binder_url", service.binder_url or "/")):
        try:
            targets.check(page)
        except RedirectNotAllowed as error:
            advice = "give a path such as /welcome, or an address that public_url or redirect_allow covers"
            mistakes.append(f"service.{name}: {error}; {advice}")
    if mistakes:
        raise SettingsError(mistakes)
