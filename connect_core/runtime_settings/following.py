"""`Follower`: every process that serves follows the active revision of the settings, within 5 seconds.

It asks the database every `POLL_SECONDS`, on every engine. Requests under way finish with the objects that they hold.
A revision that cannot be used here is not put to use: the process keeps the former one, and says so.
"""

import asyncio
import logging

from connect_core.errors import ConnectError, SettingsError, Unavailable
from connect_core.runtime_settings.versions import SettingVersions

POLL_SECONDS = 2.0
"""Time between two questions."""
log = logging.getLogger("connect_login")


class Follower:
    """Puts the active revision to use in this process. `active` and `applied` are revisions; 0 is the file alone."""

    def __init__(self, versions: SettingVersions, applied: int) -> None:
        """`applied` is the revision that the process began with."""
        self._versions = versions
        self.active = self.applied = applied
        self._refused = -1
        self._lock = asyncio.Lock()
        self._is_silent = False

    async def run_for_ever(self) -> None:
        """Follow, until the task is cancelled. A database that does not answer is logged once, and asked again."""
        while True:
            await self._try_to_follow()
            await asyncio.sleep(POLL_SECONDS)

    async def follow(self) -> None:
        """Put the active revision to use now. Raises `Unavailable`."""
        async with self._lock:
            self.active = await self._versions.find_current()
            if self.active in (self.applied, self._refused):
                return
            try:
                adopt_all = await self._versions.prepare(await self._versions.load(self.active))
            except SettingsError as error:
                self._refused = self.active
                log.error("settings_not_applied", extra={"revision": self.active, "reason": str(error)})
                return
            for adopt in adopt_all:
                adopt()
            self.applied, self._refused = self.active, -1
            log.info("settings_applied", extra={"revision": self.applied})

    async def _try_to_follow(self) -> None:
        try:
            await self.follow()
        except Unavailable as error:
            if not self._is_silent:
                log.warning("settings_not_read", extra={"reason": str(error)})
            self._is_silent = True
        except ConnectError as error:
            log.error("settings_not_applied", extra={"revision": self.active, "reason": str(error)})
        except Exception as error:  # noqa: BLE001 - a plugin's doing; its text may hold a secret
            log.error("settings_not_applied", extra={"revision": self.active, "reason": type(error).__name__})
        else:
            self._is_silent = False
