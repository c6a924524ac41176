"""What every act of a logged-in member begins with: the member and their session are read again, and locked.

Between the request's first look at the session and the act's transaction, or between a login's start and its callback,
the shop may have disabled the member, and the session may have ended. Runs inside the caller's transaction.
"""

from connect_core.errors import NotLoggedIn
from connect_core.members.directory import Members
from connect_core.sessions import LiveSession
from connect_core.store import Transaction, connections, sessions


def lock_actor(transaction: Transaction, members: Members, session: LiveSession | None, now: int) -> LiveSession:
    """Return `session`, whose member nobody disables, erases or merges until the transaction ends.

    Locks in the same order as logins and erasures: connections, members, sessions. Raises `MemberDisabled`, and
    `NotLoggedIn` when the session has ended.
    """
    if session is None:
        raise NotLoggedIn("there is no session")
    connections.lock_connections(transaction, session.member_id)
    if sessions.find_live(transaction, session.family, now) is None:
        raise NotLoggedIn("the session has ended")
    members.lock(transaction, session.member_id)
    if not sessions.lock_live_family(transaction, session.family, now):
        raise NotLoggedIn("the session has ended")
    return session
