"""Merging: two members who are one person become one. Which connections move, which end, and how it is undone.

Everything of the merged member's moves to the kept one, but for a connection with a vendor of which the kept member has
another identity: that one ends, and its identity is free. Runs inside the caller's transaction, in the order in which
logins and erasures lock: connections, members, sessions.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from connect_core.errors import LastConnection, MemberDisabled, NothingToMerge, NotLoggedIn, StateInvalid, Unsupported
from connect_core.identity import Identity
from connect_core.members.resolution import find_person
from connect_core.sessions import LiveSession
from connect_core.store import Transaction, connections, members, merges, sessions
from connect_core.store.connections import BoundConnection
from connect_core.store.flows import spend_key
from connect_core.store.merges import MergeRow


@dataclass(frozen=True, slots=True)
class Proof:
    """Both sides are proved: whoever has the session `family` of `kept_id` is `merged_id` as well.

    `moved` and `ended` are ids of connections: what is shown before the merge is what the merge does.
    """

    kept_id: int
    merged_id: int
    family: str
    moved: tuple[int, ...]
    ended: tuple[int, ...]
    key: str = field(repr=False, default="")
    expiry_time: int = 0


def prove_identity(transaction: Transaction, identity: Identity, binder: LiveSession) -> Proof:
    """Prove the member whose identity it is. Raises as `prove`, also for an identity that is nobody's."""
    person = find_person(transaction, identity)
    if person is None:
        raise NothingToMerge("the identity belongs to nobody")
    return prove(transaction, person.member_id, binder)


def prove(transaction: Transaction, merged_id: int, binder: LiveSession) -> Proof:
    """Return the proof that the member of the session `binder` is `merged_id` too. Raises `NothingToMerge`."""
    if merged_id == binder.member_id:
        raise NothingToMerge("this is the member's own account")
    moved, ended = _split(transaction, binder.member_id, merged_id)
    return Proof(binder.member_id, merged_id, binder.family, _ids(moved), _ids(ended))


def split_as_proved(transaction: Transaction, proof: Proof) -> tuple[list[BoundConnection], list[BoundConnection]]:
    """Return which connections of the merged member move, and which end.

    Raises `StateInvalid` when they are no longer those of the proof.
    """
    moved, ended = _split(transaction, proof.kept_id, proof.merged_id)
    if (_ids(moved), _ids(ended)) != (proof.moved, proof.ended):
        raise StateInvalid("the connections are no longer those that were shown")
    return moved, ended


def merge(
    transaction: Transaction, proof: Proof, now: int, undo_seconds: int, *, are_ours: bool
) -> tuple[MergeRow, bool]:
    """Merge, and return the merge, and whether it is new; `are_ours`: members live in `es_member`.

    A repeated one is the first. Raises `MemberDisabled`, `NotLoggedIn` when the session has ended, and `StateInvalid`
    for a proof used before, or when the connections are no longer those that were shown.
    """
    kept_id, merged_id = proof.kept_id, proof.merged_id
    connections.lock_connections(transaction, kept_id, merged_id)
    done = merges.find_merge(transaction, merged_id)
    if done is not None and done.kept_id == kept_id:
        return done, False
    if are_ours and not all(members.lock_enabled_member(transaction, one) for one in sorted((kept_id, merged_id))):
        raise MemberDisabled("one of the members is disabled or gone")
    if not sessions.lock_live_family(transaction, proof.family, now):
        raise NotLoggedIn("the session has ended")
    sessions.revoke_others(transaction, merged_id, "", now)
    # from here on nobody binds to the merged member any more, and what was bound until now can be seen
    split_as_proved(transaction, proof)
    if done is not None or not spend_key(transaction, proof.key, proof.expiry_time):
        raise StateInvalid("the member was merged before, or the proof was used")
    for connect_id in proof.moved:
        merges.move_connection(transaction, connect_id, merged_id, kept_id)
    for connect_id in proof.ended:
        connections.end_connection(transaction, connect_id, now)
    merges.disable_merged(transaction, merged_id)
    undo_until = now + undo_seconds if undo_seconds else 0
    row = MergeRow(kept_id, merged_id, now, undo_until, proof.moved, proof.ended)
    return replace(row, id=merges.insert_merge(transaction, row)), True


def undo(
    transaction: Transaction, binder: LiveSession, merge_id: int, now: int, *, are_ours: bool, has_passwords: bool
) -> tuple[MergeRow, list[BoundConnection]]:
    """Undo a merge into the member of the session `binder`; returns it, and what leads to the other member again.

    What was unbound since then stays unbound, and an identity that somebody bound since then stays theirs. Sessions
    that came through what goes back end. Raises `Unsupported` when there is no such merge (any more), `LastConnection`
    when nothing would lead to one of the two, and `NotLoggedIn`.
    """
    found = next((one for one in merges.find_undoable(transaction, binder.member_id, now) if one.id == merge_id), None)
    if found is None:
        raise Unsupported("there is no merge to undo")
    kept_id, merged_id = found.kept_id, found.merged_id
    connections.lock_connections(transaction, kept_id, merged_id)
    if are_ours and not (
        members.lock_enabled_member(transaction, kept_id) and members.find_member(transaction, merged_id)
    ):
        raise MemberDisabled("one of the members is disabled or gone")
    if not sessions.lock_live_family(transaction, binder.family, now):
        raise NotLoggedIn("the session has ended")
    if not merges.delete_merge(transaction, merge_id):
        raise Unsupported("the merge was undone meanwhile")
    for connect_id in found.moved:
        if merges.move_connection(transaction, connect_id, kept_id, merged_id):
            sessions.revoke_opened_through(transaction, kept_id, connect_id, "", now)
    for connect_id in found.ended:
        merges.reopen_connection(transaction, connect_id)
    back = connections.find_bound(transaction, merged_id)
    has_ways = {
        kept_id: bool(connections.find_bound(transaction, kept_id)),
        merged_id: bool(back) or not (found.moved or found.ended),
    }
    for member_id, has_way in has_ways.items():
        if not has_way and not (has_passwords and members.has_password(transaction, member_id)):
            raise LastConnection("nothing would lead to one of the two members")
    merges.enable_merged(transaction, merged_id)
    return found, back


def _split(
    transaction: Transaction, kept_id: int, merged_id: int
) -> tuple[list[BoundConnection], list[BoundConnection]]:
    taken = {one.union_type for one in connections.find_bound(transaction, kept_id)}
    bound = connections.find_bound(transaction, merged_id)
    return [one for one in bound if one.union_type not in taken], [one for one in bound if one.union_type in taken]


def _ids(bound: Iterable[BoundConnection]) -> tuple[int, ...]:
    return tuple(one.connect_id for one in bound)
