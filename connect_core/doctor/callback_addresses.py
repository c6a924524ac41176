"""The address that has to be registered at the vendor for people to come back to us."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from connect_core.doctor.kinds import Kind
from connect_core.doctor.plugin_checks import SUBJECT
from connect_core.findings import Finding, Level
from connect_core.identity import ClientType
from connect_core.providers.diagnosis import Diagnosis, Registered
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider

CALLBACK_ADDRESS = Kind(
    "callback_address",
    Level.OK,
    SUBJECT,
    "What must be registered in the vendor's console, exactly as it is printed, for people to come back to the shop.",
)
_NAMES = {Registered.ADDRESS: "callback address", Registered.ORIGIN: "origin", Registered.HOST: "domain"}


def find_callback_address(configured: ConfiguredProvider, callback_url: str) -> Iterator[Finding]:
    """Yield what the vendor's console has to know of `callback_url`; nothing for a login without a callback.

    An ID token on a web page comes from the vendor's script, for which the origin alone is registered.
    """
    registered = list_registered(configured.entrance, configured.client_type, configured.provider.diagnosis)
    if registered:
        parts = [f"the {_NAMES[part]} {get_part(part, callback_url)}" for part in registered]
        yield CALLBACK_ADDRESS.report(f"registered at the vendor must be {' and '.join(parts)}")


def list_registered(entrance: Entrance, client_type: ClientType, diagnosis: Diagnosis) -> list[Registered]:
    """Return which parts of a callback address the vendor's console wants; none for a login without a callback."""
    if entrance is Entrance.REDIRECT:
        return list(diagnosis.registered)
    is_script = entrance is Entrance.CREDENTIAL and client_type in (ClientType.PC, ClientType.H5)
    return [Registered.ORIGIN] if is_script and Registered.ORIGIN in diagnosis.registered else []


def get_part(part: Registered, callback_url: str) -> str:
    """Return that part of a callback address."""
    parts = urlsplit(callback_url)
    match part:
        case Registered.ADDRESS:
            return callback_url
        case Registered.ORIGIN:
            return f"{parts.scheme}://{parts.netloc}"
        case Registered.HOST:
            return parts.netloc
