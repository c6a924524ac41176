"""The addresses that a vendor's console has to know, to be copied: the same that the doctor prints."""

from collections.abc import Iterator
from dataclasses import dataclass

from connect_core.identity import ClientType
from connect_core.providers.diagnosis import Registered
from connect_core.providers.provider import Provider
from connect_core.settings import Settings


@dataclass(frozen=True, slots=True)
class CallbackAddress:
    """What has to be registered: a whole address, its origin or its host, and for which client types."""

    part: Registered
    value: str
    clients: tuple[ClientType, ...]


def list_addresses(settings: Settings, name: str, kind: type[Provider]) -> list[CallbackAddress]:
    """Return what has to be registered for a provider; the same value for several client types comes once."""
    addresses: dict[tuple[Registered, str], list[ClientType]] = {}
    for client in kind.entrances:
        for part, value in _find_parts(settings, name, kind, client):
            addresses.setdefault((part, value), []).append(client)
    return [CallbackAddress(part, value, tuple(clients)) for (part, value), clients in addresses.items()]


def _find_parts(
    settings: Settings, name: str, kind: type[Provider], client: ClientType
) -> Iterator[tuple[Registered, str]]:
    from connect_core.doctor.callback_addresses import get_part, list_registered  # noqa: PLC0415 - for this page alone
    from connect_core.doctor.examination import get_callback_url  # noqa: PLC0415 - the same

    url = get_callback_url(settings, name, client)
    for part in list_registered(kind.entrances[client], client, kind.diagnosis):
        yield part, get_part(part, url)
