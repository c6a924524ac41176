"""Merging two accounts of one person: the proof of the second, what is shown of the merge, the merge, and its undoing.

A proof travels sealed, in the browser's cookie or as an app's ticket, for ten minutes, and is of use to one session
alone; that it is used once is the database's to say. What the shop moves is the shop's to say, and to move.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial

from connect_core.crypto import Sealer, SealError
from connect_core.errors import Forbidden, MemberDisabled, StateExpired, StateInvalid
from connect_core.events import kinds
from connect_core.events.dispatch import Dispatcher
from connect_core.identity import Language
from connect_core.members import merge_rules
from connect_core.members.directory import GuardedDirectory
from connect_core.members.merge_rules import Proof
from connect_core.members.resolution import find_elsewhere
from connect_core.providers.hookspecs import HookRelay, MergeEvent, MergePlan
from connect_core.sessions import LiveSession
from connect_core.settings import Service
from connect_core.store import Database, Transaction, connections, members, merges
from connect_core.store.connections import BoundConnection
from connect_core.store.members import MemberRow
from connect_core.store.merges import MergeRow

LIFE = 600
"""Seconds from the proof to the merge."""
log = logging.getLogger("connect_login")


@dataclass(frozen=True, slots=True)
class Preview:
    """What a merge would do: connections of `merged` that move to `kept`, and that end; `plan` is the shop's part.

    `bound` are the connections that `kept` has; `undo_until` is in epoch seconds, 0 where it could not be undone.
    """

    kept: MemberRow
    merged: MemberRow
    bound: list[BoundConnection]
    moved: list[BoundConnection]
    ended: list[BoundConnection]
    plan: MergePlan
    undo_until: int


@dataclass(frozen=True, slots=True)
class ShownMerge:
    """A merge that can still be undone; `name` is of the merged member, times are epoch seconds."""

    id: int
    uid: int
    name: str
    merge_time: int
    undo_until: int


class Merges:
    """Proves, shows, makes and undoes merges into the member of a live session."""

    def __init__(
        self,
        service: Service,
        database: Database,
        directory: GuardedDirectory | None,
        hooks: HookRelay,
        dispatcher: Dispatcher,
        now: Callable[[], float],
        *,
        has_passwords: bool,
    ) -> None:
        """`directory` is where members live when not in the built-in table; `now` answers seconds since the epoch.

        `has_passwords`: a password of ours is a way in.
        """
        self._sealer = Sealer(service.keys, "merge")
        self._undo_seconds = service.merge_undo_within
        self._database = database
        self._directory = directory
        self._hooks = hooks
        self._dispatcher = dispatcher
        self._now = now
        self._has_passwords = has_passwords
        self.are_offered = bool(hooks.connect_plan_merge.get_hookimpls())
        self.take_credentials = has_passwords or bool(hooks.connect_check_credentials.get_hookimpls())

    def seal(self, proof: Proof) -> str:
        """Return the ticket of a proof, which lives ten minutes."""
        key = secrets.token_hex(16)
        parts = {**asdict(proof), "key": "", "expiry_time": self._time() + LIFE}
        return f"{key}.{self._sealer.seal(json.dumps(parts).encode(), key)}"

    async def prove(self, session: LiveSession, member_id: int) -> Proof:
        """Return the proof that the member of `session` is `member_id` too, whom credentials proved.

        Raises `NothingToMerge` when that is one member.
        """
        return await self._database.read(lambda tx: merge_rules.prove(tx, member_id, session))

    async def preview(self, ticket: str, session: LiveSession, language: Language) -> Preview:
        """Return what a merge would do.

        Raises `StateInvalid` for a ticket of another session, and when the connections have changed since the proof,
        `StateExpired`, and `MemberDisabled`.
        """
        proof = self._open(ticket, session)
        kept, merged = await self._find_enabled(proof.kept_id), await self._find_enabled(proof.merged_id)
        bound, (moved, ended) = await self._database.read(
            lambda tx: (connections.find_bound(tx, proof.kept_id), merge_rules.split_as_proved(tx, proof))
        )
        plan = await self._ask_shop(proof, language)
        undo_until = self._time() + self._undo_seconds if self._undo_seconds else 0
        return Preview(kept, merged, bound, moved, ended, plan, undo_until)

    async def confirm(self, ticket: str, session: LiveSession, language: Language, request_id: str) -> MergeRow:
        """Merge as was shown, and return the merge; asked again it answers the same.

        Raises `Forbidden` when the shop refuses, and as `preview` and `merge_rules.merge`.
        """
        proof, now = self._open(ticket, session), self._time()
        done = await self._database.read(lambda tx: merges.find_merge(tx, proof.merged_id))
        if done is not None and done.kept_id == proof.kept_id:
            return done
        if self._directory is not None and await self._directory.is_disabled(proof.merged_id):
            raise MemberDisabled("the member is disabled")
        if (await self._ask_shop(proof, language)).refusal is not None:
            raise Forbidden("the shop refuses the merge")
        event = MergeEvent(kinds.MERGED, proof.kept_id, proof.merged_id, request_id, now)

        def merge(tx: Transaction) -> tuple[MergeRow, list[MergeEvent]]:
            are_ours = self._directory is None
            row, is_new = merge_rules.merge(tx, proof, now, self._undo_seconds, are_ours=are_ours)
            return row, self._dispatcher.write(tx, [event] if is_new else [], 0, "")

        row, happened = await self._database.write(merge)
        self._tell(happened)
        return row

    async def find_undoable(self, session: LiveSession) -> list[ShownMerge]:
        """Return the merges into the member that can still be undone, the oldest first."""
        now = self._time()
        rows = await self._database.read(
            lambda tx: [
                (row, members.find_member(tx, row.merged_id))
                for row in merges.find_undoable(tx, session.member_id, now)
            ]
        )
        shown = []
        for row, member in rows:
            name = member.nickname or member.uname if member else ""
            if self._directory is not None:
                there = await self._directory.find(row.merged_id) or {}
                name = str(there.get("nickname") or there.get("uname") or "")
            shown.append(ShownMerge(row.id, row.merged_id, name, row.create_time, row.undo_until))
        return shown

    async def undo(self, session: LiveSession, merge_id: int, request_id: str) -> list[str]:
        """Undo a merge; returns the union types that lead to the other member again. Raises as `merge_rules.undo`."""
        now, are_ours = self._time(), self._directory is None

        def undo(tx: Transaction) -> tuple[list[str], list[MergeEvent]]:
            undone, back = merge_rules.undo(
                tx, session, merge_id, now, are_ours=are_ours, has_passwords=self._has_passwords
            )
            event = MergeEvent(kinds.MERGE_UNDONE, undone.kept_id, undone.merged_id, request_id, now)
            return [one.union_type for one in back], self._dispatcher.write(tx, [event], 0, "")

        union_types, happened = await self._database.write(undo)
        self._tell(happened)
        return union_types

    def _open(self, ticket: str, session: LiveSession) -> Proof:
        key, _, sealed = ticket.partition(".")
        try:
            parts = json.loads(self._sealer.open(sealed, key))
        except SealError:
            raise StateInvalid("there is no such proof") from None
        moved, ended = tuple(parts.pop("moved")), tuple(parts.pop("ended"))
        proof = replace(Proof(**parts, moved=moved, ended=ended), key=key)
        if (proof.kept_id, proof.family) != (session.member_id, session.family):
            raise StateInvalid("the proof is another session's")
        if proof.expiry_time <= self._time():
            raise StateExpired("the proof is more than ten minutes old")
        return proof

    async def _ask_shop(self, proof: Proof, language: Language) -> MergePlan:
        """A plan that is none is a refusal without a reason."""
        ask = partial(
            self._hooks.connect_plan_merge, kept_id=proof.kept_id, merged_id=proof.merged_id, language=language
        )
        plan: object = await asyncio.get_running_loop().run_in_executor(None, ask)
        return plan if isinstance(plan, MergePlan) else MergePlan(refusal="")

    async def _find_enabled(self, member_id: int) -> MemberRow:
        if self._directory is None:
            member = await self._database.read(lambda tx: members.find_member(tx, member_id))
            if member is None or member.disabled:
                raise MemberDisabled("the member is disabled or gone")
            return member
        if await self._directory.is_disabled(member_id):
            raise MemberDisabled("the member is disabled")
        return await find_elsewhere(self._directory, member_id)

    def _tell(self, happened: list[MergeEvent]) -> None:
        for event in happened:
            told = {"member_id": event.kept_id, "merged_id": event.merged_id, "request_id": event.request_id}
            log.info(event.kind, extra=told)
            self._dispatcher.dispatch(event)

    def _time(self) -> int:
        return int(self._now())
