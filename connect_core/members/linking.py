"""Linking and unlinking: which identities lead to a member who is logged in already.

Runs inside the caller's transaction. An identity that belongs to somebody else is never taken over.
"""

import json

from connect_core.errors import AlreadyBound, BelongsToAnother, ConnectionTooYoung, LastConnection, NotThere
from connect_core.identity import Identity
from connect_core.members.profiles import dump_profile
from connect_core.store import Transaction, connections, identities
from connect_core.store.connections import BoundConnection
from connect_core.store.identities import KnownPerson


def check_not_anothers(transaction: Transaction, identity: Identity, member_id: int) -> list[KnownPerson]:
    """Return the connections that the identity has already. Raises `BelongsToAnother` when one is another member's."""
    people = identities.find_people(transaction, identity)
    if any(person.member_id != member_id for person in people):
        raise BelongsToAnother("the identity belongs to another member")
    return people


def bind(transaction: Transaction, identity: Identity, member_id: int, now: int) -> tuple[int, bool]:
    """Bind the identity to the member; returns the connection's id, and whether it is new.

    Raises `BelongsToAnother` for somebody else's identity, and `AlreadyBound` for a member who has another one of this
    vendor.
    """
    people = check_not_anothers(transaction, identity, member_id)
    if people:
        connections.complete(transaction, identity, people, now)
        return people[0].connect_id, False
    bound = connections.find_bound(transaction, member_id)
    if any(connection.union_type == identity.union_type for connection in bound):
        raise AlreadyBound("the member has another identity of this vendor; unbind it first")
    profile = json.dumps(dump_profile(identity.profile))
    profile_time = now if identity.profile else 0  # 0: the next login asks the vendor for it
    connect_id = connections.register(transaction, member_id, identity, now, profile=profile, profile_time=profile_time)
    return connect_id, True


def unbind(
    transaction: Transaction, member_id: int, union_type: str, now: int, *, has_other_way: bool, minimum_age: int
) -> BoundConnection:
    """End the member's connection with a vendor, and return it.

    `minimum_age`: seconds for which a connection must have existed. `has_other_way`: something else than a connection,
    a password, logs the member in too. Raises `NotThere` when there is no such connection, `LastConnection` when
    nothing else leads to the member, and `ConnectionTooYoung` for one that is younger.
    """
    # locked first, so that of two requests at once the second one sees what the first has left
    connections.lock_connections(transaction, member_id)
    bound = connections.find_bound(transaction, member_id)
    connection = next((connection for connection in bound if connection.union_type == union_type), None)
    if connection is None:
        raise NotThere("the member has no such connection")
    if len(bound) == 1 and not has_other_way:
        raise LastConnection("this is the member's only way to log in")
    allowed_from = connection.create_time + minimum_age
    if now < allowed_from:
        raise ConnectionTooYoung("the connection is too young to be ended", retry_after=allowed_from - now)
    connections.end_connection(transaction, connection.connect_id, now)
    return connection
