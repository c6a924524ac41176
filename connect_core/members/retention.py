"""Deletes what was kept long enough: events, deliveries of webhooks, connections that ended, and drafts of settings.

Works in small steps, and reads no table whole: logins go on meanwhile. What has an expiry of its own, such as sessions,
is not its business.
"""

from collections.abc import Callable

from connect_core.members.services import Services
from connect_core.settings import DAY, Settings
from connect_core.store import Transaction, erasure, events

DELIVERED_DAYS = 7
"""How long a delivery is kept after an endpoint took it."""
STALE_DAYS = 3
"""After how long a delivery is given up whose endpoint is disabled, switched off or gone from the settings."""
DRAFT_DAYS = 30
"""How long a revision of the settings is kept that was never active, a draft or a discarded one."""
CONNECTIONS_A_STEP = 1000
"""Connections that one step looks at; the next step goes on after them."""


class Retention:
    """Makes the steps of one process."""

    def __init__(
        self, services: Services, get_settings: Callable[[], Settings], find_endpoints: Callable[[], tuple[str, ...]]
    ) -> None:
        """`get_settings` returns the settings in force, `find_endpoints` the endpoints that are sent events."""
        self._services, self._get_settings, self._find_endpoints = services, get_settings, find_endpoints
        self._after = 0

    async def delete_old(self, limit: int) -> int:
        """Delete at most `limit` each of events, deliveries, connections and drafts; returns how many that were.

        Raises `Unavailable`.
        """
        now, write = self._services.now(), self._services.database.write
        count = await self._delete_drafts(now, limit)
        settings = self._get_settings().events
        count += await write(lambda tx: self._delete_deliveries(tx, now, now - settings.keep, limit), is_long=True)
        count += await write(lambda tx: events.delete_old(tx, now - settings.keep, limit), is_long=True)
        if settings.keep_unbound is None:
            return count
        before, keeps_count = now - settings.keep_unbound, self._services.members.counts_unbinds
        deleted, self._after = await write(
            lambda tx: erasure.delete_ended(
                tx, self._after, CONNECTIONS_A_STEP, before=before, now=now, keeps_count=keeps_count
            ),
            is_long=True,
        )
        return count + deleted

    async def _delete_drafts(self, now: int, limit: int) -> int:
        if self._get_settings().service.settings != "database":
            return 0
        from connect_core.store import settings  # noqa: PLC0415 - rarely switched on

        before = now - DRAFT_DAYS * DAY
        return await self._services.database.write(lambda tx: settings.delete_unused(tx, before, limit), is_long=True)

    def _delete_deliveries(self, tx: Transaction, now: int, dead_before: int, limit: int) -> int:
        """Give up what nobody sends any more, then delete what has ended."""
        from connect_core.store import webhooks  # noqa: PLC0415 - a service without endpoints starts without it

        names = self._find_endpoints()
        for row in webhooks.find_endpoints(tx):
            if row.state == webhooks.DISABLED or row.name not in names:
                webhooks.give_up_stale(tx, row.name, now - STALE_DAYS * DAY, now, limit)
        count = webhooks.delete_ended(tx, webhooks.DELIVERED, now - DELIVERED_DAYS * DAY, limit)
        return count + webhooks.delete_ended(tx, webhooks.DEAD, dead_before, limit)
