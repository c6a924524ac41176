"""Addresses as pages link to them. Values only."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


def with_query(url: str, **parameters: str) -> str:
    """Return `url` with the non-empty `parameters` in its query; an app's address (`alipays://`) stays as it is."""
    if not is_web_address(url):
        return url
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query |= {name: value for name, value in parameters.items() if value}
    return urlunsplit(parts._replace(query=urlencode(query)))


def is_web_address(url: str) -> bool:
    """Tell whether a link can lead to `url`: a path, or an http(s) address."""
    return urlsplit(url).scheme in ("", "http", "https")
