"""When the certificates of a provider expire (`HasCertificates`)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from connect_core.doctor.plugin_checks import call_plugin, get_failure
from connect_core.errors import PluginFailed
from connect_core.findings import Finding, Level
from connect_core.providers.abilities import HasCertificates
from connect_core.providers.provider import Provider

DAY = 24 * 3600
SOON, VERY_SOON, AT_ONCE = 30 * DAY, 7 * DAY, DAY
"""Seconds before a certificate's end from which it is a warning, an urgent one, and as good as expired."""
LAST_YEAR = 9999
"""Of `datetime`."""


def check_certificates(provider: Provider, now: float) -> Iterator[Finding]:
    """Yield a finding for each certificate of the provider. `now` is in seconds since the epoch."""
    if not isinstance(provider, HasCertificates):
        return
    expiries: object = call_plugin(lambda: dict(provider.get_certificate_expiries()))
    if isinstance(expiries, PluginFailed):
        yield get_failure(expiries)
    elif not _are_expiries(expiries):
        yield get_failure(PluginFailed("get_certificate_expiries of the plugin returned something else than times"))
    else:
        assert isinstance(expiries, Mapping)
        yield from (_judge(name, expiry, now) for name, expiry in expiries.items())


def _judge(name: str, expiry: int, now: float) -> Finding:
    seconds_left, day = expiry - now, f"{datetime.fromtimestamp(expiry, UTC):%Y-%m-%d}"
    renew = f"Get a new certificate from the vendor, put it in place as {name}, and restart the service"
    if seconds_left < 0:
        text = f"The certificate {name} expired on {day}; logins fail or are about to."
        return Finding("certificate_expired", Level.BROKEN, text, f"{renew} now.")
    days = int(seconds_left // DAY)
    if seconds_left <= AT_ONCE:
        text = f"The certificate {name} expires on {day}, within a day: logins are about to fail."
        return Finding("certificate_expires", Level.BROKEN, text, f"{renew} now.")
    if seconds_left <= VERY_SOON:
        text = f"The certificate {name} expires on {day}, in {days} days; from then on every login fails."
        return Finding("certificate_expires", Level.WARNING, text, f"{renew} this week.")
    if seconds_left <= SOON:
        text = f"The certificate {name} expires on {day}, in {days} days."
        return Finding("certificate_expires", Level.WARNING, text, f"{renew} before that day.")
    return Finding("certificate_valid", Level.OK, f"The certificate {name} is valid until {day}.")


def _are_expiries(expiries: object) -> bool:
    if not isinstance(expiries, Mapping):
        return False
    latest = datetime(LAST_YEAR, 1, 1, tzinfo=UTC).timestamp()
    return all(
        isinstance(name, str) and isinstance(expiry, int) and 0 <= expiry < latest for name, expiry in expiries.items()
    )
