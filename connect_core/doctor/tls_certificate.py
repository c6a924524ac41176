"""Whether the TLS certificate at `public_url` is trusted, and for how long it is valid."""

import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from connect_core.doctor.kinds import Kind
from connect_core.findings import Finding, Level
from connect_core.http.tls import Validity, fetch_validity
from connect_core.settings import DAY

SUBJECT = "public address"
UNTRUSTED_CERTIFICATE = Kind(
    "tls_certificate_refused",
    Level.BROKEN,
    SUBJECT,
    "The TLS certificate at `public_url` is expired, for another host, or from an issuer that this machine does not "
    "know: browsers warn people, and vendors send no notices.",
    "Install a certificate for this host together with its intermediate certificates.",
)
EXPIRES_SOON = Kind(
    "tls_certificate_30_days",
    Level.OK,
    SUBJECT,
    "The TLS certificate expires within 30 days, or in the last third of its life if that is shorter.",
    "Check that it is renewed by itself.",
)
EXPIRES_SOONER = Kind(
    "tls_certificate_7_days",
    Level.WARNING,
    SUBJECT,
    "The TLS certificate expires within 7 days, or in the last sixth of its life if that is shorter.",
    "Renew it now: whatever should have done so has not.",
)
EXPIRES_NOW = Kind(
    "tls_certificate_1_day",
    Level.BROKEN,
    SUBJECT,
    "The TLS certificate expires within a day, or in the last twentieth of its life if that is shorter.",
    "Renew it today.",
)
_TLS_SECONDS = 5.0
_EXPIRIES = ((EXPIRES_NOW, 1, 20), (EXPIRES_SOONER, 7, 6), (EXPIRES_SOON, 30, 3))
"""Kinds with their days, and the part of the certificate's life that counts where it is shorter."""


async def check_certificate(url: str, at: float) -> Finding | None:
    """Return what is to be said of the certificate at `url`, if anything. `at` is the time, in epoch seconds."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return None
    host = parts.hostname or ""
    try:
        validity = await fetch_validity(host, parts.port or 443, _TLS_SECONDS)
    except ssl.SSLCertVerificationError as error:
        return UNTRUSTED_CERTIFICATE.report(f"the certificate of {host} is refused: {error.verify_message}")
    except OSError:  # no TLS at all is reported as unreachable; or all calls go through a proxy
        return None
    return next(_judge_validity(host, validity, at), None)


def _judge_validity(host: str, validity: Validity, at: float) -> Iterator[Finding]:
    left, life = validity.ends - at, validity.ends - validity.begins
    for kind, days, part in _EXPIRIES:
        if left < min(days * DAY, life / part):
            yield kind.report(f"the certificate of {host} expires in {left / DAY:.1f} days")
