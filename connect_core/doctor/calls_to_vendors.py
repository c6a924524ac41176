"""What kept a call to a vendor from being answered: DNS, the connection, TLS, or time. One finding for each."""

from connect_core.errors import ConnectError
from connect_core.findings import Finding, Level

_PROXY = "if this machine reaches the internet through a proxy alone, set service.outbound_proxy = true and HTTPS_PROXY"
_TROUBLES = {
    "dns": (
        "vendor_name_not_resolved",
        "The vendor's host name is not resolved",
        f"Check this machine's DNS, and the address in the settings if you gave one; {_PROXY}.",
    ),
    "connect": (
        "vendor_unreachable",
        "No connection to the vendor can be made",
        f"Let the firewall pass connections to that host, and check that the vendor or the proxy is up; {_PROXY}.",
    ),
    "tls": (
        "vendor_tls_untrusted",
        "The certificate of the vendor's server is not trusted",
        "Update this machine's certificate authorities, or add that of a proxy which opens TLS (SSL_CERT_FILE).",
    ),
    "timeout": (
        "vendor_too_slow",
        "The vendor did not answer in time",
        f"Try again in a few minutes, and measure the way to that host from this machine; {_PROXY}.",
    ),
}


def find_trouble(error: ConnectError) -> Finding | None:
    """Return the finding for a call that was not answered, or None for an error that is an answer."""
    trouble = _TROUBLES.get(getattr(error, "trouble", ""))
    if trouble is None:
        return None
    id_, text, remedy = trouble
    return Finding(id_, Level.BROKEN, f"{text} ({error}).", remedy)
