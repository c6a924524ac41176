"""What kept a call to a vendor from being answered: DNS, the connection, TLS, or time. One kind for each."""

from connect_core.doctor.kinds import Kind
from connect_core.doctor.plugin_checks import SUBJECT
from connect_core.errors import ConnectError
from connect_core.findings import Finding, Level

_PROXY = "if this machine reaches the internet through a proxy alone, set service.outbound_proxy = true and HTTPS_PROXY"
NOT_RESOLVED = Kind(
    "vendor_name_not_resolved",
    Level.BROKEN,
    SUBJECT,
    "The host name of a vendor's address is not resolved on this machine, so no login with it works.",
    f"Check this machine's DNS, and the address in the settings if you gave one; {_PROXY}.",
)
UNREACHABLE = Kind(
    "vendor_unreachable",
    Level.BROKEN,
    SUBJECT,
    "No connection to the vendor's server can be made: it is refused, cut, or not let through by a proxy.",
    f"Let the firewall pass connections to that host, and check that the vendor or the proxy is up; {_PROXY}.",
)
UNTRUSTED = Kind(
    "vendor_tls_untrusted",
    Level.BROKEN,
    SUBJECT,
    "The certificate of the vendor's server is not trusted, or is for another host: something may stand in between.",
    "Update this machine's certificate authorities, or add that of a proxy which opens TLS (SSL_CERT_FILE).",
)
TOO_SLOW = Kind(
    "vendor_too_slow",
    Level.BROKEN,
    SUBJECT,
    "The vendor, or the way to it, did not answer within the time that a login may take.",
    f"Try again in a few minutes, and measure the way to that host from this machine; {_PROXY}.",
)
_TROUBLES = {
    "dns": (NOT_RESOLVED, "the vendor's host name is not resolved"),
    "connect": (UNREACHABLE, "no connection to the vendor can be made"),
    "tls": (UNTRUSTED, "the certificate of the vendor's server is not trusted"),
    "timeout": (TOO_SLOW, "the vendor did not answer in time"),
}


def find_trouble(error: ConnectError) -> Finding | None:
    """Return the finding for a call that was not answered, or None for an error that is an answer."""
    trouble = _TROUBLES.get(getattr(error, "trouble", ""))
    if trouble is None:
        return None
    kind, text = trouble
    return kind.report(f"{text} ({error})")
