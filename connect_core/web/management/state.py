"""What is true of the service even while nobody logs in: readiness, clocks, certificates, keys, plugins, notices.

One process of a service looks every `STATE_SECONDS`, and sets the gauges. A vendor's clock is the `Date` of its answer
to a HEAD for `/`, without parameters, every `VENDOR_SECONDS`; a vendor on loopback, such as a sandbox, has our clock.
"""

import asyncio
import logging
import platform
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import connect_core
from connect_core.crypto.sealing import derive_key
from connect_core.errors import ConnectError
from connect_core.manager import ConnectManager
from connect_core.observability.metrics import Counts
from connect_core.providers.abilities import HasCertificates
from connect_core.providers.provider import Provider
from connect_core.settings import is_loopback
from connect_core.store import clock, events
from connect_core.web.health import OK, Readiness

STATE_SECONDS = 15.0
"""Time between two looks at the state."""
VENDOR_SECONDS = 60.0
"""Time between two looks at a vendor's clock."""
MOST_NOTICES = 10_000
"""Notices that are counted, at most."""
_ADDRESSES = ("gateway_url", "api_url", "token_url", "issuer")
"""Settings or attributes of a provider with an address that the vendor's servers answer."""
log = logging.getLogger("connect_login")


class StateGauges:
    """Sets the gauges of the state."""

    def __init__(self, manager: ConnectManager, readiness: Readiness, counts: Counts) -> None:
        self._manager, self._readiness, self._counts = manager, readiness, counts
        self._vendors_at = 0.0

    async def run_for_ever(self, is_set: asyncio.Event) -> None:
        """Set the gauges every `STATE_SECONDS`, and `is_set` after the first time."""
        while True:
            try:
                await self.set_all()
            except ConnectError as error:
                log.warning("state_not_measured", extra={"reason": str(error)})
            except Exception as error:  # noqa: BLE001 - a vendor's or a plugin's doing; the next look may succeed
                log.warning("state_not_measured", extra={"reason": type(error).__name__})
            is_set.set()
            await asyncio.sleep(STATE_SECONDS)

    async def set_all(self) -> None:
        """Look at everything once. Raises `Unavailable` when the database fails between two looks."""
        versions = (connect_core.__version__, platform.python_version())
        self._counts.set_gauge("build_info", {versions: 1})
        keys = self._manager.settings.service.keys
        self._counts.set_gauge("key_info", {(get_key_id(key),): 1 for key in keys})
        plugins = self._manager.plugins
        states = dict.fromkeys(plugins.loaded, 1) | dict.fromkeys(plugins.quarantined, 0)
        self._counts.set_gauge("plugin_up", {(name,): is_up for name, is_up in states.items()})
        self._counts.set_gauge("certificate_expiry_timestamp_seconds", self._find_certificates())
        report = await self._readiness.check()
        self._counts.set_gauge("ready", {(name,): result == OK for name, result in report.checks.items()})
        if self._manager.shared is not None:
            self._set_skew("redis", skew := await self._manager.shared.find_skew())
            self._counts.set_cache_up(skew is not None)
        if not report.failed:
            await self._look_into_database()
        if time.monotonic() >= self._vendors_at:
            self._vendors_at = time.monotonic() + VENDOR_SECONDS
            await asyncio.gather(*map(self._look_at_vendor, set(map(_find_origin, self._find_providers().values()))))

    async def _look_into_database(self) -> None:
        read, now = self._manager.database.read, self._manager.services.now()
        number, oldest = await read(lambda tx: events.sum_up_undispatched(tx, MOST_NOTICES))
        self._counts.set_gauge("notices_pending", {(): number})
        self._counts.set_gauge("notice_oldest_seconds", {(): 0 if oldest is None else max(0, now - oldest)})
        self._set_skew("database", await read(clock.find_skew))
        await self._look_at_webhooks(now)

    async def _look_at_webhooks(self, now: int) -> None:
        views = await self._manager.webhooks.find_endpoints() if self._manager.subscriptions.names else []
        endpoints = [view for view in views if view.state != "removed"]
        self._counts.set_gauge("webhook_pending", {(view.name,): float(view.pending) for view in endpoints})
        self._counts.set_gauge(
            "webhook_oldest_seconds",
            {(view.name,): max(0.0, now - (view.oldest_time or now)) for view in endpoints},
        )
        self._counts.set_gauge("webhook_disabled", {(view.name,): view.state == "disabled" for view in endpoints})

    async def _look_at_vendor(self, origin: str) -> None:
        if not origin:
            return
        skew = await self._manager.pool.find_skew(f"{origin}/")
        for name, provider in self._find_providers().items():
            if _find_origin(provider) == origin:
                self._set_skew(name, skew)

    def _set_skew(self, source: str, skew: float | None) -> None:
        if skew is not None:
            self._counts.set_clock_skew(source, round(skew, 3))

    def _find_providers(self) -> dict[str, Provider]:
        return {configured.name: configured.provider for configured in self._manager.registry}

    def _find_certificates(self) -> dict[tuple[str, ...], float]:
        expiries: dict[tuple[str, ...], float] = {}
        for configured in self._manager.registry:
            for which, expiry_time in _get_expiries(configured.provider):
                labels = configured.name, which
                expiries[labels] = min(expiries.get(labels, expiry_time), expiry_time)
        return expiries


def get_key_id(key: bytes) -> str:
    """Return 32 bits that tell secret keys apart: derived for this alone, they say nothing about the key."""
    return derive_key(key, "fingerprints of keys", 4).hex()


def _get_expiries(provider: Provider) -> Iterator[tuple[str, float]]:
    if isinstance(provider, HasCertificates):
        with suppress(Exception):  # a stranger's code
            yield from [(str(which), float(seconds)) for which, seconds in provider.get_certificate_expiries().items()]


def _find_origin(provider: Provider) -> str:
    """Return the origin of the vendor's servers; empty where it is unknown, or on loopback."""
    for name in _ADDRESSES:
        address = getattr(getattr(provider, "settings", None), name, "") or getattr(provider, name, "")
        parts = urlsplit(address) if isinstance(address, str) else None
        if parts and parts.hostname:
            return "" if is_loopback(parts.hostname) else f"{parts.scheme}://{parts.netloc}"
    return ""
