"""Binding and unbinding: which identities lead to a member who is logged in already.

Runs inside the caller's transaction. An identity that belongs to somebody else is never taken over.
"""

import json

from connect_core.errors import AlreadyBound, BelongsToAnother, Forbidden, LastConnection, Unsupported
from connect_core.identity import Identity
from connect_core.members.resolution import find_people, insert_ids, keep_ids, kept_profile
from connect_core.store import Transaction, connections
from connect_core.store.connections import BoundConnection


def bind(transaction: Transaction, identity: Identity, member_id: int, now: int) -> tuple[int, bool]:
    """Bind the identity to the member; returns the connection's id, and whether it is new.

    Raises `AlreadyBound` for somebody else's identity, and for a member who has another one of this vendor.
    """
    found = find_people(transaction, identity)
    if any(person.member_id != member_id for person in found):
        raise BelongsToAnother("the identity belongs to another member")
    if found:
        keep_ids(transaction, identity, found, now)
        return found[0].connect_id, False
    if any(one.union_type == identity.union_type for one in connections.find_bound(transaction, member_id)):
        raise AlreadyBound("the member has another identity of this vendor; unbind it first")
    connect_id = connections.insert_connection(
        transaction,
        member_id,
        identity.union_type,
        identity.strongest,
        now,
        profile=json.dumps(kept_profile(identity.profile)),
        profile_time=now if identity.profile else 0,  # else the next login asks for it
    )
    insert_ids(transaction, connect_id, identity.union_type, identity.ids, now)
    return connect_id, True


def unbind(
    transaction: Transaction, member_id: int, union_type: str, now: int, *, has_other_way: bool, cooldown: int
) -> BoundConnection:
    """End the member's connection with a vendor, and return it. `cooldown`: seconds that it must have existed.

    Raises `Unsupported` when there is none, `LastConnection` when nothing else leads to the member (`has_other_way`:
    a password does), and `Forbidden` before the cool-down is over.
    """
    connections.lock_connections(transaction, member_id)  # of two at once the later one sees what the first has left
    bound = connections.find_bound(transaction, member_id)
    ended = next((one for one in bound if one.union_type == union_type), None)
    if ended is None:
        raise Unsupported("the member has no such connection")
    if len(bound) == 1 and not has_other_way:
        raise LastConnection("this is the member's only way to log in")
    if now - ended.create_time < cooldown:
        raise Forbidden("the connection is too young to be ended", retry_after=ended.create_time + cooldown - now)
    connections.end_connection(transaction, ended.connect_id, now)
    return ended
