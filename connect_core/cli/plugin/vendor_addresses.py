"""Finds the vendor's own address of each request that a recorded login sent to the sandbox.

Gives a second object of the provider, which has the vendor's addresses, the same calls and the same answers, and reads
off where its requests would go. Sends nothing.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import ValidationError

from connect_core.cli.plugin.recording import Exchange, Recording
from connect_core.errors import SettingsError
from connect_core.http import Answer, HttpPool, Request
from connect_core.providers.provider import Provider
from connect_core.sandbox.documented import find_discovery
from connect_core.settings import is_loopback


@dataclass(frozen=True, slots=True)
class VendorAddresses:
    """The addresses of one login: that of its page, and of each request; empty for one that the provider does not know.

    A provider of OpenID Connect knows the discovery document alone. The other addresses are those of the vendor's
    document, where the sandbox states it in `documented`; else they are those of the sandbox.
    """

    login_url: str
    requests: Sequence[str]


class Replay:
    """A transport that sends nothing: it notes each URL, without its query, and answers as in a recorded login."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        """Answer the requests in the order of `exchanges`."""
        self.urls: list[str] = []
        self._exchanges = exchanges

    async def send(self, request: Request) -> Answer:
        """Return the next answer. Raises `ConnectionError` for a request that the recorded login did not send."""
        exchange = next(iter(self._exchanges[len(self.urls) :]), None)
        if exchange is None or exchange.answer is None or exchange.request.method != request.method:
            raise ConnectionError
        self.urls.append(_without_query(str(request.url)))
        return exchange.answer

    async def aclose(self) -> None:
        """Nothing is open."""


def find_vendor_addresses(recording: Recording) -> VendorAddresses:
    """Return where the requests of `recording` go at the vendor."""
    replay = Replay(recording.exchanges)
    provider = _make_provider(recording, replay)
    login_url = asyncio.run(_repeat(provider, recording)) if provider else ""
    missing = len(recording.exchanges) - len(replay.urls)
    stated = _find_stated(recording)
    sent = [_without_query(str(exchange.request.url)) for exchange in recording.exchanges]
    urls = [stated.get(local, url) for local, url in zip(sent, [*replay.urls, *[""] * missing], strict=True)]
    start = recording.find_call("get_login_url")
    own_start = _without_query(str(start.returned)) if start else ""
    return VendorAddresses(stated.get(own_start, _without_query(login_url)), urls)


def _find_stated(recording: Recording) -> dict[str, str]:
    """Return each address of the sandbox's discovery document with the vendor's, of the document in `documented`."""
    stated = find_discovery(recording.documented)
    for exchange in recording.exchanges if stated else ():
        local = json.loads(exchange.answer.content) if exchange.answer and exchange.operation == "discovery" else {}
        if local:
            return {
                str(local[name]): str(stated[name])
                for name in local.keys() & stated.keys()
                if "://" in str(local[name])
            }
    return {}


def _make_provider(recording: Recording, replay: Replay) -> Provider | None:
    """Return the provider without the settings that lead to the sandbox; None where it needs one of them."""
    kind = recording.plugin.provider
    settings = {key: value for key, value in recording.settings.items() if not _is_sandbox_address(value)}
    try:
        checked = kind.Settings.model_validate(settings)
        return kind(checked, HttpPool(transport=replay).for_provider(recording.plugin.name))
    except (ValidationError, SettingsError):
        return None


def _is_sandbox_address(value: object) -> bool:
    return isinstance(value, str) and value.startswith("http:") and is_loopback(urlsplit(value).hostname)


async def _repeat(provider: Provider, recording: Recording) -> str:
    """Call the provider as in the login, up to the first call that fails; return its login URL."""
    login_url = ""
    for call in recording.calls:
        try:
            returned = await getattr(provider, call.method)(*call.arguments)
        except Exception:  # noqa: BLE001 - it fails where the sandbox's answers do not fit, or as it did in the login
            return login_url
        if call.method == "get_login_url":
            login_url = str(returned)
    return login_url


def _without_query(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]
