"""The rules of a merge, by which two members who are one person become one: what moves, what ends, how to undo it.

Everything of the merged member moves to the kept one, but for a connection with a vendor of which the kept member has
another identity: that connection ends, and its identity is free. Runs inside the caller's transaction, and locks in the
same order as logins and erasures: connections, members, sessions.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from connect_core.crypto.tickets import TICKET_SECONDS
from connect_core.errors import LastConnection, MemberDisabled, NothingToMerge, NotLoggedIn, NotThere, StateInvalid
from connect_core.identity import Identity
from connect_core.members.directory import Members
from connect_core.sessions import LiveSession
from connect_core.store import Transaction, connections, identities, merges, sessions
from connect_core.store import members as built_in
from connect_core.store.connections import BoundConnection
from connect_core.store.flows import spend_key
from connect_core.store.merges import MergeRow


@dataclass(frozen=True, slots=True)
class Proof:
    """Both sides are proved: whoever has the session `family` of the member `kept_id` is `merged_id` as well.

    `moved` and `ended` are ids of connections: the merge does what was shown before it, or nothing. `key` lets the
    proof be used once; `expiry_time` is in epoch seconds.
    """

    kept_id: int
    merged_id: int
    family: str
    moved: tuple[int, ...]
    ended: tuple[int, ...]
    key: str = field(repr=False)
    expiry_time: int


def prove_identity(transaction: Transaction, identity: Identity, linking_session: LiveSession, now: int) -> Proof:
    """Prove the member whose identity it is. Raises as `prove`, also for an identity that is nobody's."""
    person = identities.find_person(transaction, identity)
    if person is None:
        raise NothingToMerge("the identity belongs to nobody")
    return prove(transaction, person.member_id, linking_session, now)


def prove(transaction: Transaction, merged_id: int, linking_session: LiveSession, now: int) -> Proof:
    """Return the proof, good for ten minutes, that the member of `linking_session` is `merged_id` too.

    Raises `NothingToMerge` when that is one member.
    """
    if merged_id == linking_session.member_id:
        raise NothingToMerge("this is the member's own account")
    moved, ended = _split(transaction, linking_session.member_id, merged_id)
    return Proof(
        kept_id=linking_session.member_id,
        merged_id=merged_id,
        family=linking_session.family,
        moved=_ids(moved),
        ended=_ids(ended),
        key=secrets.token_hex(16),
        expiry_time=now + TICKET_SECONDS,
    )


def split_as_proved(transaction: Transaction, proof: Proof) -> tuple[list[BoundConnection], list[BoundConnection]]:
    """Return which connections of the merged member move, and which end.

    Raises `StateInvalid` when they are no longer those of the proof.
    """
    moved, ended = _split(transaction, proof.kept_id, proof.merged_id)
    if (_ids(moved), _ids(ended)) != (proof.moved, proof.ended):
        raise StateInvalid("the connections are no longer those that were shown")
    return moved, ended


def merge(
    transaction: Transaction, proof: Proof, members: Members, now: int, undo_seconds: int
) -> tuple[MergeRow, bool]:
    """Merge, and return the merge, and whether it is new: a proof that is used again answers with the first merge.

    With `undo_seconds` the merge can be undone for so long. Raises `MemberDisabled`, `NotLoggedIn` when the session has
    ended, and `StateInvalid` for a proof used before, or when the connections are no longer those that were shown.
    """
    kept_id, merged_id = proof.kept_id, proof.merged_id
    connections.lock_connections(transaction, kept_id, merged_id)
    earlier = merges.find_merge(transaction, merged_id)
    if earlier is not None and earlier.kept_id == kept_id:
        return earlier, False
    members.lock(transaction, kept_id, merged_id)
    if not sessions.lock_live_family(transaction, proof.family, now):
        raise NotLoggedIn("the session has ended")
    sessions.revoke_others(transaction, merged_id, "", now)
    # the merged member has no session left to bind with, and what was bound until now is visible
    split_as_proved(transaction, proof)
    if earlier is not None or not spend_key(transaction, proof.key, proof.expiry_time):
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
    transaction: Transaction, session: LiveSession, merge_id: int, members: Members, now: int, *, has_passwords: bool
) -> tuple[MergeRow, list[BoundConnection]]:
    """Undo a merge into the member of `session`; returns it, and what leads to the other member again.

    What was unbound since then stays unbound, and an identity that somebody bound since then stays theirs. Sessions
    that came through a connection which goes back end. Raises `NotThere` when there is no such merge (any more),
    `LastConnection` when nothing would lead to one of the two, `MemberDisabled`, and `NotLoggedIn`.
    """
    undoable = merges.find_undoable(transaction, session.member_id, now)
    merge = next((merge for merge in undoable if merge.id == merge_id), None)
    if merge is None:
        raise NotThere("there is no merge to undo")
    kept_id, merged_id = merge.kept_id, merge.merged_id
    connections.lock_connections(transaction, kept_id, merged_id)
    members.lock(transaction, kept_id)
    if not members.exists(transaction, merged_id):
        raise MemberDisabled("one of the members is gone")
    if not sessions.lock_live_family(transaction, session.family, now):
        raise NotLoggedIn("the session has ended")
    if not merges.delete_merge(transaction, merge_id):
        raise NotThere("the merge was undone meanwhile")
    _move_back(transaction, merge, now)
    back = connections.find_bound(transaction, merged_id)
    has_ways = {
        kept_id: bool(connections.find_bound(transaction, kept_id)),
        merged_id: bool(back) or not (merge.moved or merge.ended),
    }
    for member_id, has_way in has_ways.items():
        if not has_way and not (has_passwords and built_in.has_password(transaction, member_id)):
            raise LastConnection("nothing would lead to one of the two members")
    merges.enable_merged(transaction, merged_id)
    return merge, back


def _move_back(transaction: Transaction, merge: MergeRow, now: int) -> None:
    for connect_id in merge.moved:
        if merges.move_connection(transaction, connect_id, merge.kept_id, merge.merged_id):
            sessions.revoke_opened_through(transaction, merge.kept_id, connect_id, "", now)
    for connect_id in merge.ended:
        merges.reopen_connection(transaction, connect_id)


def _split(
    transaction: Transaction, kept_id: int, merged_id: int
) -> tuple[list[BoundConnection], list[BoundConnection]]:
    """Return which connections of the merged member move to the kept one, and which end."""
    kept_types = {connection.union_type for connection in connections.find_bound(transaction, kept_id)}
    moved: list[BoundConnection] = []
    ended: list[BoundConnection] = []
    for connection in connections.find_bound(transaction, merged_id):
        (ended if connection.union_type in kept_types else moved).append(connection)
    return moved, ended


def _ids(bound: Iterable[BoundConnection]) -> tuple[int, ...]:
    return tuple(connection.connect_id for connection in bound)
