"""Single values of the configuration: addresses, origins, networks, keys and durations, each checked by one function.

Every function raises `ValueError` with a text that names the form that is wanted, never the value.
"""

import base64
import binascii
import ipaddress
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, get_args
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from connect_core.languages import TAG

DAY = 24 * 3600


class Section(BaseModel):
    """A table of the configuration: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def is_loopback(host: str | None) -> bool:
    """Tell whether `host` (a URL's, without port) names this machine."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return False
    # what an IPv4 address inside an IPv6 one means differs between versions of Python
    return address.is_loopback and not (address.version == 6 and address.ipv4_mapped)


_ADDRESS = re.compile(
    r"""https?://([\w.-]+|\[[0-9a-f:.]+])(:[1-9]\d{0,4})?  # no user name: what stands before an @ looks like the host
        ([/?][!"$-\[\]-~]*)?  # visible ASCII but # and backslash, which browsers take for a slash""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)


_PLAIN_HOSTS: set[str] = set()


@contextmanager
def allow_plain_http(host: str) -> Iterator[None]:
    """While the block runs, accept plain http of the IP address `host` as that of a loopback host.

    For `connect-login demo --host` alone, whose accounts are all made up: whoever is in the network reads and changes
    what plain http carries. No setting, and nothing that a real shop runs, leads here.
    """
    _PLAIN_HOSTS.add(host)
    try:
        yield
    finally:
        _PLAIN_HOSTS.discard(host)


def check_endpoint(url: str) -> str:
    """Return `url` as it is: an absolute https address, or plain http of a loopback host. Raises `ValueError`."""
    if not _ADDRESS.fullmatch(url):
        raise ValueError("give an absolute https:// address")
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname) and parts.hostname not in _PLAIN_HOSTS:
        raise ValueError("plain http is accepted for loopback hosts only; use https://")
    return url


def _endpoint(url: str) -> str:
    check_endpoint(url)
    return url.rstrip("/") if urlsplit(url).path in ("", "/") else url


DEFAULT_PORTS = {"https": 443, "http": 80}
_UNLIKE_BROWSERS = re.compile("[\xdf\u03c2\u200c\u200d]")
"""What Python's codec encodes as IDNA 2003 does, and browsers as IDNA 2008 does (UTS 46 §7, deviations)."""


def to_ascii_host(host: str) -> str:
    """Return a host name as it stands in a request, with `xn--` labels for what is not ASCII (RFC 5890).

    Raises `ValueError` for a name that cannot be one, and for one that only looks like an ASCII name, such as with a
    full-width letter or an ideographic full stop.
    """
    if host.isascii():
        return host
    if _UNLIKE_BROWSERS.search(host):
        raise ValueError("give the host as browsers send it, with xn--")
    labels = []
    for label in host.split("."):
        encoded = label if label.isascii() else label.encode("idna").decode("ascii")
        if not re.fullmatch("[A-Za-z0-9_-]+", encoded) or (encoded != label and not encoded.startswith("xn--")):
            raise ValueError("this is no host name")
        labels.append(encoded)
    return ".".join(labels)


def to_ascii_url(url: str) -> str:
    """Return an address with its host as `to_ascii_host` has it. Raises `ValueError`."""
    parts = urlsplit(url)
    if parts.netloc.isascii():
        return url
    host, colon, port = parts.netloc.partition(":")
    return parts._replace(netloc=f"{to_ascii_host(host)}{colon}{port}").geturl()


def get_origin(parts: SplitResult) -> tuple[str, str, int | None]:
    """Return what is compared of two addresses' origins (RFC 6454 §4): scheme, host, port. Raises `ValueError`."""
    return parts.scheme, to_ascii_host(parts.hostname or "").lower(), parts.port or DEFAULT_PORTS.get(parts.scheme)


def _check_return_address(url: str) -> str:
    """Return `url` with its origin spelled as browsers do: in lower case, without a default port, with `xn--`."""
    parts = urlsplit(_endpoint(to_ascii_url(url)))
    scheme, host, port = get_origin(parts)
    if ":" in host:
        host = f"[{ipaddress.ip_address(host).compressed}]"
    netloc = host if port == DEFAULT_PORTS[scheme] else f"{host}:{port}"
    return parts._replace(netloc=netloc).geturl()


def is_plain_path(path: str) -> bool:
    """Tell whether every server reads the same path: no dot segments (servlets read `..;x` as one), no `//`, no `%2F`.

    No login returns to any other path.
    """
    plain = re.sub(";[^/]*", "", unquote(path))
    if "//" in plain or "\\" in plain or "%2f" in path.lower():
        return False
    return posixpath.normpath(plain or "/") == (plain.rstrip("/") or "/")


_ENCODED_BY_BROWSERS = re.compile('["<>^`{|}]')


def _check_allowed_address(url: str) -> str:
    """Return `url` as `_check_return_address` if there can be a return target below it, and it has no pattern."""
    address = _check_return_address(url)
    path = urlsplit(address).path
    if "*" in path or "?" in address:
        raise ValueError("leave out * and ?: everything below the path is allowed, with any query")
    if not is_plain_path(path):
        raise ValueError(
            "give the path as it is in a browser's address bar, such as https://shop.example/app: "
            "without the segments . and .., without //, %2F and %5C"
        )
    if unsent := _ENCODED_BY_BROWSERS.search(path):
        raise ValueError(f"give the path as browsers send it, with %{ord(unsent[0]):02X} for {unsent[0]}")
    return address


def check_origin(url: str) -> str:
    """Return the origin `url`, spelled as browsers do, if it is one: scheme, host and port, without a path."""
    origin = _check_return_address(url)
    if not re.fullmatch("[a-z]+://[^/?]+", origin):
        raise ValueError("give the origin alone, without a path")
    return origin


def check_page_address(url: str) -> str:
    """Return `url` if a link of a page may lead there: a path of the shop's own origin, or an http(s) address."""
    if url and not (re.fullmatch(r"(https?://[^\s/?#@\\]+|/(?![/\\]))[^\s\\]*|/", url) and _has_host_and_port(url)):
        raise ValueError("give a path such as /terms, or an address that begins with https://")
    return url


def _has_host_and_port(url: str) -> bool:
    """Tell whether the host and the port of an address, if it has one, are what a browser takes for such."""
    try:
        parts = urlsplit(url)
        return not parts.netloc or (bool(parts.hostname) and parts.port != 0)
    except ValueError:  # a bracket without its other half, a port that is no number or above 65535
        return False


def check_network(text: str) -> str:
    """Return `text` if it is an IP address or a network in CIDR form."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError("give an address or a network such as 10.0.0.0/8") from None
    return text


def check_language(tag: str) -> str:
    """Return `tag` if it has the form of a language tag (BCP 47)."""
    if not TAG.fullmatch(tag):
        raise ValueError("give a language tag such as zh-CN, en or fr")
    return tag


def check_time_zone(name: str) -> str:
    """Return `name` if it is a time zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise ValueError("give a time zone of the IANA database, such as Asia/Shanghai") from None
    return name


def check_redis_url(url: SecretStr) -> SecretStr:
    """Return `url` if it is an address of Redis."""
    if not url.get_secret_value().startswith(("redis://", "rediss://", "unix://", "redis+sentinel://")):
        raise ValueError("give redis://, rediss://, unix:// or redis+sentinel:// with host, port and number")
    return url


def check_public_url(url: str) -> str:
    """Return `url` if it is an origin; a path that the shop has before ours is a setting of its own."""
    try:
        return check_origin(url)
    except ValueError as error:
        hint = "; a path before ours is service.root_path" if "without a path" in str(error) else ""
        raise ValueError(f"{error}{hint}") from None


def check_secret_keys(keys: list[SecretStr]) -> list[SecretStr]:
    """Return `keys` if there is any."""
    if not keys:
        raise ValueError("give at least one key; `connect-login keys generate` prints one")
    return keys


def parse_secret_key(text: str) -> SecretBytes:
    """Return the 32 bytes that `text` has in base64url, with or without padding."""
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise ValueError("give 32 bytes as base64url; `connect-login keys generate` prints one")
    return SecretBytes(key)


def check_webhook_secret(secret: SecretStr) -> SecretStr:
    """Return `secret` if it is one of Standard Webhooks: `whsec_`, and base64 of 24 to 64 bytes."""
    prefix, _, text = secret.get_secret_value().partition("_")
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if prefix != "whsec" or not 24 <= len(key) <= 64:
        raise ValueError("give whsec_ and base64 of 24 to 64 bytes; `connect-login keys webhook` prints one")
    return secret


UNITS = {"w": 7 * 24 * 3600, "d": 24 * 3600, "h": 3600, "m": 60, "s": 1}
"""Seconds of each unit of a duration, the largest first."""

_DURATION = re.compile("".join(f"(?:([0-9]{{1,9}}){unit})?" for unit in UNITS))  # the largest unit first, as in 1h30m


def parse_duration(value: object) -> int:
    """Return the seconds of a whole number, or of a text such as `30s`, `10m`, `12h`, `7d`, `2w` or `1h30m`.

    A text without a unit is in seconds: what `env:` and `file:` bring is always text. Raises `ValueError` for anything
    else; a negative number is left for the bounds of the key.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value):
        return int(value)
    if isinstance(value, str) and value and (match := _DURATION.fullmatch(value)):
        return sum(int(count or 0) * seconds for count, seconds in zip(match.groups(), UNITS.values(), strict=True))
    raise ValueError('give whole seconds, or a text such as "30s", "10m", "12h", "7d", "2w" or "1h30m"')


Duration = Annotated[int, BeforeValidator(parse_duration)]
"""Seconds, written as a whole number or as a text with units: `600`, `"10m"`, `"7d"`, `"1h30m"`."""


def is_duration(field: FieldInfo) -> bool:
    """Tell whether a setting is a `Duration`, or one that may be left out."""
    marks = [*field.metadata, *(mark for part in get_args(field.annotation) for mark in get_args(part)[1:])]
    return any(isinstance(mark, BeforeValidator) and mark.func is parse_duration for mark in marks)


def split_duration(seconds: int) -> tuple[int, str]:
    """Return a duration as an amount and its largest unit that needs no fraction, such as 30 and `d`."""
    unit = next(unit for unit, size in UNITS.items() if seconds % size == 0 and (seconds or unit == "s"))
    return seconds // UNITS[unit], unit


def write_duration(seconds: int) -> str:
    """Return a duration as a setting has it, in its largest unit that needs no fraction, such as `30d`."""
    amount, unit = split_duration(seconds)
    return f"{amount}{unit}"


AllowedAddress = Annotated[str, AfterValidator(_check_allowed_address)]
"""An address below which a browser may be sent back: an `Endpoint` spelled as browsers do."""

Endpoint = Annotated[str, AfterValidator(_endpoint)]
"""An absolute https address; plain http for loopback hosts only."""
