"""Merging two accounts of one person: the proof of the second, what is shown of the merge, the merge, and its undoing.

A proof travels sealed, in the browser's cookie or as an app's ticket, for ten minutes. It works for one session alone,
and once: the primary key on its hash lets it be spent once. What a merge moves of the shop's own data is decided and
moved by the shop, in the hooks `connect_plan_merge` and `connect_merged`.
"""

from dataclasses import dataclass
from functools import partial

from connect_core.crypto.tickets import TicketCodec
from connect_core.errors import Forbidden, StateInvalid
from connect_core.events import kinds
from connect_core.identity import Language
from connect_core.languages import get_primary
from connect_core.members import merge_rules
from connect_core.members.merge_rules import Proof
from connect_core.members.services import HOOK_SECONDS, Services
from connect_core.providers.hookspecs import MergeEvent, MergePlan
from connect_core.sessions import LiveSession
from connect_core.settings import Service
from connect_core.store import Transaction, connections, merges
from connect_core.store.connections import BoundConnection
from connect_core.store.members import MemberRow
from connect_core.store.merges import MergeRow


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
class RecentMerge:
    """A merge that can still be undone; `name` is of the merged member, times are epoch seconds."""

    id: int
    uid: int
    name: str
    merge_time: int
    undo_until: int


class Merges:
    """Proves, shows, makes and undoes merges into the member of a live session."""

    def __init__(self, services: Services, service: Service) -> None:
        hooks = services.hooks
        self._services = services
        self._database, self._members, self._hooks = services.database, services.members, hooks
        self._undo_seconds = service.merge_undo_within
        self._tickets = TicketCodec(service.keys, Proof, purpose="merge")
        self.are_offered = bool(hooks.connect_plan_merge.get_hookimpls())
        self.take_credentials = services.takes_credentials

    def seal(self, proof: Proof) -> str:
        """Return the ticket of a proof."""
        return self._tickets.seal(proof)

    async def prove(self, session: LiveSession, member_id: int) -> Proof:
        """Return the proof that the member of `session` is `member_id` too, whom credentials proved.

        Raises `NothingToMerge` when that is one member.
        """
        now = self._services.now()
        return await self._database.read(lambda tx: merge_rules.prove(tx, member_id, session, now))

    async def preview(self, ticket: str, session: LiveSession, language: Language) -> Preview:
        """Return what a merge would do.

        Raises `StateInvalid` for a ticket of another session, and when the connections have changed since the proof,
        `StateExpired`, and `MemberDisabled`.
        """
        proof = self._open(ticket, session)
        kept = await self._members.get_enabled(proof.kept_id)
        merged = await self._members.get_enabled(proof.merged_id)
        bound, (moved, ended) = await self._database.read(
            lambda tx: (connections.find_bound(tx, proof.kept_id), merge_rules.split_as_proved(tx, proof))
        )
        plan = await self._ask_shop(proof, language)
        undo_until = self._services.now() + self._undo_seconds if self._undo_seconds else 0
        return Preview(kept, merged, bound, moved, ended, plan, undo_until)

    async def confirm(self, ticket: str, session: LiveSession, language: Language, request_id: str) -> MergeRow:
        """Merge as was shown, and return the merge; asked again it answers the same.

        Raises `Forbidden` when the shop refuses, and as `preview` and `merge_rules.merge`.
        """
        proof, now = self._open(ticket, session), self._services.now()
        earlier = await self._database.read(lambda tx: merges.find_merge(tx, proof.merged_id))
        if earlier is not None and earlier.kept_id == proof.kept_id:
            return earlier
        await self._members.check_first(lambda _: proof.merged_id)
        if (await self._ask_shop(proof, language)).refusal is not None:
            raise Forbidden("the shop refuses the merge")
        event = MergeEvent(kinds.MERGED, proof.kept_id, proof.merged_id, request_id, now)

        def merge(tx: Transaction) -> tuple[MergeRow, list[MergeEvent]]:
            row, is_new = merge_rules.merge(tx, proof, self._members, now, self._undo_seconds)
            return row, self._services.dispatcher.write(tx, [event] if is_new else [], 0, "")

        row, events = await self._database.write(merge)
        self._services.dispatcher.dispatch(*events)
        return row

    async def find_undoable(self, session: LiveSession) -> list[RecentMerge]:
        """Return the merges into the member that can still be undone, the oldest first."""
        now = self._services.now()
        rows = await self._database.read(
            lambda tx: [
                (row, self._members.find_stored(tx, row.merged_id))
                for row in merges.find_undoable(tx, session.member_id, now)
            ]
        )
        return [
            RecentMerge(
                row.id,
                row.merged_id,
                await self._members.find_name(row.merged_id, stored),
                row.create_time,
                row.undo_until,
            )
            for row, stored in rows
        ]

    async def undo(self, session: LiveSession, merge_id: int, request_id: str) -> list[str]:
        """Undo a merge; returns the union types that lead to the other member again. Raises as `merge_rules.undo`."""
        now, has_passwords = self._services.now(), self._services.has_passwords

        def undo(tx: Transaction) -> tuple[list[str], list[MergeEvent]]:
            undone, back = merge_rules.undo(tx, session, merge_id, self._members, now, has_passwords=has_passwords)
            event = MergeEvent(kinds.MERGE_UNDONE, undone.kept_id, undone.merged_id, request_id, now)
            union_types = [connection.union_type for connection in back]
            return union_types, self._services.dispatcher.write(tx, [event], 0, "")

        union_types, events = await self._database.write(undo)
        self._services.dispatcher.dispatch(*events)
        return union_types

    def _open(self, ticket: str, session: LiveSession) -> Proof:
        what = "the proof of a second account"
        proof = self._tickets.open_expired(ticket, what=what)
        if (proof.kept_id, proof.family) != (session.member_id, session.family):
            raise StateInvalid("the proof is another session's")
        return self._tickets.check_age(proof, self._services.now(), what=what)

    async def _ask_shop(self, proof: Proof, language: Language) -> MergePlan:
        """Return the shop's plan; a hook that answers none refuses, without a reason.

        Raises `Unavailable` when the hook takes longer than `HOOK_SECONDS`.
        """
        ask = partial(
            self._hooks.connect_plan_merge,
            kept_id=proof.kept_id,
            merged_id=proof.merged_id,
            language=get_primary(language),
            language_tag=language,
        )
        plan: object = await self._services.hook_threads.run_within(ask, HOOK_SECONDS, "the shop's plan of a merge")
        return plan if isinstance(plan, MergePlan) else MergePlan(refusal="")
