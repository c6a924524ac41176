"""`SettingVersions`: drafts, checks, activates and rolls back revisions of the settings, for operators.

Every change is one transaction, with a record in the audit log. A revision that does not pass the checks of a file, or
whose providers cannot be built, is never drafted or made active.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from connect_core.acts import OperatorAct
from connect_core.errors import (
    BadRequest,
    ChangedMeanwhile,
    ConnectError,
    PluginError,
    SettingsError,
    Unavailable,
    Unsupported,
)
from connect_core.http import HttpPool
from connect_core.providers.registry import Plugins, Registry
from connect_core.providers.time_limit import TookTooLong
from connect_core.runtime_settings.changes import (
    Changes,
    check_requests,
    compare,
    drop_unchanged,
    read_revision,
    write_changes,
)
from connect_core.runtime_settings.description import Description
from connect_core.runtime_settings.secrecy import Secrecy
from connect_core.runtime_settings.stored_settings import HeldSettings, StoredSettings
from connect_core.runtime_settings.values import (
    ChangedSetting,
    Prepare,
    RequestedChange,
    SettingRevision,
    SettingView,
)
from connect_core.settings import Settings
from connect_core.store import Database, Transaction, audit
from connect_core.store import settings as store
from connect_core.store.settings import ChangeRow
from connect_core.threads import DaemonThreads

T = TypeVar("T")

COMMENT_LENGTH = 255


class SettingVersions:
    """The revisions of the settings in the database, over those of the file.

    `preparations` build what depends on the settings: the providers and, in a process that serves, the pages. Those
    who own such parts add to the list when the process starts. `follow` puts the active revision to use in this
    process, so that whoever has activated one need not wait; None in a process that does not serve.
    """

    def __init__(
        self, stored: StoredSettings, database: Database, plugins: Plugins, pool: HttpPool, now: Callable[[], int]
    ) -> None:
        """`now` answers seconds since the epoch."""
        self._stored, self._database, self._plugins, self._pool, self._now = stored, database, plugins, pool, now
        self._secrecy = Secrecy(plugins)
        self._threads, self._turn = _make_thread(), asyncio.Lock()  # plugins are loaded by one thread at a time
        self._numbering = asyncio.Lock()
        self.preparations: list[Prepare] = []
        self.follow: Callable[[], Awaitable[None]] | None = None

    async def find_current(self) -> int:
        """Return the active revision; 0 when the file alone holds. Raises `Unavailable`."""
        return await self._database.read(store.find_active)

    async def draft(self, changes: Sequence[RequestedChange], *, base: int, act: OperatorAct, comment: str = "") -> int:
        """Write a draft that changes the active revision `base`, and return its number. Nothing becomes active.

        `comment` says why, in at most 255 characters; without one, the reason of `act` does. Raises `ChangedMeanwhile`
        when another revision is active, `SettingsError` with a line `section.name: what is wrong` for every mistake,
        and `BadRequest` when nothing would change.
        """
        requested = check_requests(self._stored.file, changes)
        held = await self._database.read(self._stored.find)
        if held.revision != base:
            raise _changed(base, held.revision)
        return await self._draft(held, requested, act, comment)

    async def activate(self, revision: int, act: OperatorAct) -> None:
        """Check a draft again, build its providers, and make it active; other processes follow within 5 seconds.

        Raises `Unsupported` when there is none, `ChangedMeanwhile` when another revision became active since the draft,
        or it is no draft any more, and `SettingsError` when it cannot be used.
        """
        settings = await self.load(revision)
        await self.prepare(settings)

        def change(tx: Transaction) -> None:
            row = self._find_draft(tx, revision)
            if (active := store.find_active(tx)) != row.base:
                raise _changed(row.base, active)
            if not store.activate(tx, revision, self._now()):
                raise _ended(revision)
            self._record(tx, act, "settings.activated", row)

        await self._database.write(change)
        if self.follow is not None:
            with suppress(ConnectError):  # it is active; the process tries again by itself
                await self.follow()

    async def discard(self, revision: int, act: OperatorAct) -> None:
        """Discard a draft. Raises `Unsupported` when there is none, `ChangedMeanwhile` when it is no draft any more."""

        def change(tx: Transaction) -> None:
            row = self._find_draft(tx, revision)
            if not store.discard(tx, revision):
                raise _ended(revision)
            self._record(tx, act, "settings.discarded", row)

        await self._database.write(change)

    async def roll_back(self, revision: int, act: OperatorAct, comment: str = "") -> int:
        """Make a new revision active that has the values of `revision`, secrets too, and return its number.

        0 goes back to the file alone. Settings that are `locked` in the file stay as they are there. Raises as
        `activate`, and `BadRequest` when the values are the same.
        """

        def read(tx: Transaction) -> tuple[HeldSettings, HeldSettings, ChangeRow | None]:
            return self._stored.find(tx), self._stored.find(tx, revision), store.find_change(tx, revision)

        held, target, row = await self._database.read(read)
        if row is not None and row.state != store.ACTIVE:
            raise BadRequest(f"revision {revision} was never active")
        values = self._stored.open_all(target)
        wanted = {key: values.get(key) for key in {**held.rows, **target.rows} if not self._stored.file.is_locked(*key)}
        number = await self._draft(held, wanted, act, comment or f"back to revision {revision}")
        try:
            await self.activate(number, act)
        except (ChangedMeanwhile, SettingsError):
            await self.discard(number, act)
            raise
        return number

    async def find_history(self, limit: int = 50, before: int = 0) -> list[SettingRevision]:
        """Return at most `limit` revisions, drafts too, the latest first; with `before`, those with lower numbers."""
        rows = await self._database.read(lambda tx: store.find_changes(tx, limit, before))
        return [read_revision(row) for row in rows]

    async def find_revision(self, revision: int) -> SettingRevision:
        """Return a revision. Raises `Unsupported` when there is none."""
        row = await self._database.read(lambda tx: store.find_change(tx, revision))
        if row is None:
            raise Unsupported(f"there is no revision {revision} of the settings")
        return read_revision(row)

    async def load(self, revision: int | None = None) -> Settings:
        """Return what a revision makes of the file, also a draft; None: the active one, 0: the file alone.

        Raises `Unsupported` when there is none, and `SettingsError` when it cannot be used.
        """
        held = await self._database.read(lambda tx: self._stored.find(tx, revision))
        return self._stored.merge(held)

    async def load_values(self, revision: int | None = None) -> dict[tuple[str, str], Any]:
        """Return what the database itself has with a revision, secrets in clear, by section and name. As `load`."""
        held = await self._database.read(lambda tx: self._stored.find(tx, revision))
        return self._stored.open_all(held)

    async def record_export(self, revision: int | None, act: OperatorAct) -> None:
        """Write into the audit log that the values of a revision, secrets too, are given out; None: the active one."""
        detail = f"with secrets, revision {'in use' if revision is None else revision}"
        await self._database.write(
            lambda tx: audit.insert_record(tx, act, "settings.exported", "settings", self._now(), detail)
        )

    async def describe(self, revision: int | None = None) -> list[SettingView]:
        """Return every setting of a revision with its source, those that are not set included; secrets have no value.

        Raises as `load`.
        """
        held = await self._database.read(lambda tx: self._stored.find(tx, revision))
        settings, values = self._stored.merge(held), self._stored.open_all(held)
        description = Description(self._stored.file, settings, values, self._secrecy)
        return await self._run(lambda: list(description.describe()))

    async def compare(self, old: int, new: int) -> tuple[ChangedSetting, ...]:
        """Return what the database has otherwise with revision `new` than with `old`. Raises as `load`."""
        held, target = await self._database.read(lambda tx: (self._stored.find(tx, old), self._stored.find(tx, new)))
        values = self._stored.open_all(target)
        wanted = {key: values.get(key) for key in {**held.rows, **target.rows}}
        return await self._compare(held, drop_unchanged(self._stored, held, wanted), self._stored.merge(target))

    async def preview(self, changes: Sequence[RequestedChange]) -> tuple[ChangedSetting, ...]:
        """Return what `changes` would change in the active revision, checked as for a draft. Raises as `draft`."""
        requested = check_requests(self._stored.file, changes)
        held = await self._database.read(self._stored.find)
        wanted = drop_unchanged(self._stored, held, requested)
        after = self._stored.merge(held, wanted)
        await self.prepare(after)
        return await self._compare(held, wanted, after)

    async def build(self, settings: Settings) -> Registry:
        """Build the providers of `settings`, such as those of a draft for a test of its connections; none is in use.

        Raises `SettingsError`.
        """
        return await self._run(lambda: Registry(settings, self._plugins, self._pool))

    async def prepare(self, settings: Settings) -> list[Callable[[], None]]:
        """Build what depends on `settings`, and return the functions that put it to use, one after the other.

        They are called on the event loop, without anything in between. Raises `SettingsError`, also for a plugin that
        does not come to an end within the patience of `Plugins`: it keeps its thread, and the next call gets another.
        """
        return await self._run(lambda: [prepare(settings) for prepare in self.preparations])

    async def _draft(self, held: HeldSettings, requested: Changes, act: OperatorAct, comment: str) -> int:
        text = comment or act.reason
        if len(text) > COMMENT_LENGTH or not text.isprintable():
            raise BadRequest(f"the comment has at most {COMMENT_LENGTH} visible characters")
        wanted = drop_unchanged(self._stored, held, requested)
        if not wanted:
            raise BadRequest("no setting would change")
        after = self._stored.merge(held, wanted)
        await self.prepare(after)
        changes = write_changes(await self._compare(held, wanted, after))
        async with self._numbering:  # many that take the next number at once would run again and again
            return await self._database.write(partial(self._insert, held.revision, wanted, changes, act, text))

    def _insert(self, base: int, wanted: Changes, changes: str, act: OperatorAct, comment: str, tx: Transaction) -> int:
        if (active := store.find_active(tx)) != base:
            raise _changed(base, active)
        number, now = store.find_next_revision(tx), self._now()
        row = ChangeRow(number, base, store.DRAFT, act.operator, comment, changes, act.request_id, now, None)
        store.insert_revision(tx, row, [self._stored.seal(*key, number, value) for key, value in wanted.items()])
        self._record(tx, act, "settings.drafted", row)
        return number

    async def _compare(self, held: HeldSettings, changes: Changes, after: Settings) -> tuple[ChangedSetting, ...]:
        return await self._run(lambda: compare(self._stored, self._secrecy, held, changes, after))

    def _find_draft(self, tx: Transaction, revision: int) -> ChangeRow:
        row = store.find_change(tx, revision)
        if row is None:
            raise Unsupported(f"there is no revision {revision} of the settings")
        if row.state != store.DRAFT:
            raise ChangedMeanwhile(f"revision {revision} is {row.state}, and no draft any more")
        return row

    def _record(self, tx: Transaction, act: OperatorAct, action: str, row: ChangeRow) -> None:
        changes = read_revision(row).changes
        sections = sorted({change.section for change in changes})
        target = sections[0] if len(sections) == 1 else "settings"
        names = ", ".join(f"{change.section}.{change.name}" for change in changes)
        audit.insert_record(tx, act, action, target, self._now(), f"revision {row.revision}: {names}")

    async def _run(self, call: Callable[[], T]) -> T:
        def build() -> T:
            try:
                return call()
            except PluginError as error:
                raise SettingsError(str(error).splitlines()) from None

        async with self._turn:
            try:
                return await self._threads.run_within(build, self._plugins.patience, "checking the settings")
            except Unavailable:
                self._threads = _make_thread()
                path = self._plugins.at_work or "settings"
                raise SettingsError([f"{path}: the plugin {TookTooLong(self._plugins.patience)}"]) from None


def _make_thread() -> DaemonThreads:
    return DaemonThreads("settings", threads=1, waiting=1)


def _ended(revision: int) -> ChangedMeanwhile:
    return ChangedMeanwhile(f"revision {revision} was activated, discarded or deleted meanwhile")


def _changed(base: int, active: int) -> ChangedMeanwhile:
    return ChangedMeanwhile(f"the settings were changed meanwhile: revision {active} is active, not {base}")
