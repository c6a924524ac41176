"""The address that has to be registered at the vendor for people to come back to us."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from connect_core.doctor.kinds import Kind
from connect_core.doctor.plugin_checks import SUBJECT
from connect_core.findings import Finding, Level
from connect_core.identity import ClientType
from connect_core.providers.diagnosis import Registered
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider

CALLBACK_ADDRESS = Kind(
    "callback_address",
    Level.OK,
    SUBJECT,
    "What must be registered in the vendor's console, exactly as it is printed, for people to come back to the shop.",
)


def find_callback_address(configured: ConfiguredProvider, callback_url: str) -> Iterator[Finding]:
    """Yield what the vendor's console has to know of `callback_url`; nothing for a login without a callback.

    An ID token on a web page comes from the vendor's script, for which the origin alone is registered.
    """
    registered = list(configured.provider.diagnosis.registered)
    if configured.entrance is Entrance.CREDENTIAL and configured.client_type in (ClientType.PC, ClientType.H5):
        registered = [Registered.ORIGIN] if Registered.ORIGIN in registered else []
    elif configured.entrance is not Entrance.REDIRECT:
        registered = []
    if registered:
        parts = [_describe(part, callback_url) for part in registered]
        yield CALLBACK_ADDRESS.report(f"registered at the vendor must be {' and '.join(parts)}")


def _describe(part: Registered, callback_url: str) -> str:
    parts = urlsplit(callback_url)
    match part:
        case Registered.ADDRESS:
            return f"the callback address {callback_url}"
        case Registered.ORIGIN:
            return f"the origin {parts.scheme}://{parts.netloc}"
        case Registered.HOST:
            return f"the domain {parts.netloc}"
