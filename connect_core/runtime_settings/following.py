"""`Follower`: every process that serves follows the active revision of the settings, within 5 seconds.

It asks the database every `POLL_SECONDS`, on every engine. Requests under way finish with the objects that they hold.
A revision that cannot be used here, also because a plugin hangs, is not put to use: the process keeps the former one,
and says so once. It is not tried again; the next revision is.
"""

import asyncio
import logging

from connect_core.errors import ConnectError, Unavailable
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
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - a plugin's doing
                self._refused = self.active
                log.error("settings_not_applied", extra={"revision": self.active, "reason": _describe(error)})
                return
            for adopt in adopt_all:
                adopt()
            self.applied, self._refused = self.active, -1
            log.info("settings_applied", extra={"revision": self.applied})

    async def _try_to_follow(self) -> None:
        try:
            await self.follow()
        except Exception as error:  # noqa: BLE001 - whatever it is, the process asks again
            if not self._is_silent:
                log.warning("settings_not_read", extra={"reason": _describe(error)})
            self._is_silent = True
        else:
            self._is_silent = False


def _describe(error: Exception) -> str:
    """Return the text of an error of ours; of another one only its type, since its text may hold a secret."""
    return str(error) if isinstance(error, ConnectError) else type(error).__name__
