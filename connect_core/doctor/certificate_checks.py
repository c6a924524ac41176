"""When the certificates of a provider expire (`HasCertificates`)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from connect_core.doctor.kinds import Kind
from connect_core.doctor.plugin_checks import SUBJECT, call_plugin, get_failure
from connect_core.errors import PluginFailed
from connect_core.findings import Finding, Level
from connect_core.providers.abilities import HasCertificates
from connect_core.providers.provider import Provider

EXPIRED = Kind(
    "certificate_expired",
    Level.BROKEN,
    SUBJECT,
    "A certificate of the app or of the vendor has expired: logins fail.",
    "Get a new certificate from the vendor, put it in place of this one, and restart the service now.",
)
EXPIRES = Kind(
    "certificate_expires",
    Level.WARNING,
    SUBJECT,
    "A certificate of the app or of the vendor expires within 30 days; on its last day the level is `broken`.",
    "Get a new certificate from the vendor, put it in place of this one, and restart the service before that day.",
)
VALID = Kind("certificate_valid", Level.OK, SUBJECT, "A certificate is valid for more than 30 days.")
DAY = 24 * 3600
SOON, VERY_SOON, AT_ONCE = 30 * DAY, 7 * DAY, DAY
"""Seconds before a certificate's end from which it is a warning, an urgent one, and as good as expired."""
_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
"""Times from here on have no calendar day in Python."""


def check_certificates(provider: Provider, now: float) -> Iterator[Finding]:
    """Yield a finding for each certificate of the provider. `now` is in seconds since the epoch."""
    if not isinstance(provider, HasCertificates):
        return
    expiries: object = call_plugin(lambda: dict(provider.get_certificate_expiries()))
    if isinstance(expiries, Mapping) and all(map(_is_expiry, expiries.items())):
        yield from (_judge(name, expiry, now) for name, expiry in expiries.items())
        return
    is_failure = isinstance(expiries, PluginFailed)
    failure = expiries if is_failure else PluginFailed("get_certificate_expiries returned something else than times")
    assert isinstance(failure, PluginFailed)
    yield get_failure(failure)


def _judge(name: str, expiry: int, now: float) -> Finding:
    seconds_left, day = expiry - now, f"{datetime.fromtimestamp(expiry, UTC):%Y-%m-%d}"
    if seconds_left < 0:
        return EXPIRED.report(f"the certificate {name} expired on {day}")
    days = f"in {int(seconds_left // DAY)} days"
    if seconds_left <= AT_ONCE:
        finding = EXPIRES.report(f"the certificate {name} expires on {day}, within a day: logins are about to fail")
        return replace(finding, level=Level.BROKEN, remedy=EXPIRED.remedy)
    if seconds_left <= VERY_SOON:
        text = f"the certificate {name} expires on {day}, {days}; from then on every login fails"
        return EXPIRES.report(text, EXPIRES.remedy.replace("before that day", "this week"))
    if seconds_left <= SOON:
        return EXPIRES.report(f"the certificate {name} expires on {day}, {days}")
    return VALID.report(f"the certificate {name} is valid until {day}")


def _is_expiry(item: tuple[object, object]) -> bool:
    match item:
        case (str(), int(expiry)):
            return 0 <= expiry < _LATEST
    return False
