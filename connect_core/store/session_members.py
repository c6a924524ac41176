"""Reads a session with its member and the union types bound to that member: one query for "who is logged in?".

Each query of its own would be a further way to the server and back. Which token counts is decided in `sessions`.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import FromClause, Select, and_, bindparam, select

from connect_core.store.engine.statement import Row, Statement, Transaction
from connect_core.store.members import MemberRow
from connect_core.store.models import Connection, Member, MemberSession, table_of
from connect_core.store.sessions import SessionRow

_CONNECT, _MEMBER, _SESSION = table_of(Connection), table_of(Member), table_of(MemberSession)
_OF_SESSION = tuple(SessionRow.__dataclass_fields__)
_OF_FAMILY = ("member_id", "create_time")
_OF_MEMBER = tuple(MemberRow.__dataclass_fields__)
_MEMBER_ID = _OF_MEMBER.index("id")


def _join(session: FromClause, columns: Sequence[str]) -> Select[Any]:
    """Return the query of `columns` of a session, then those of its member, then a union type: a row for each."""
    is_bound = and_(_CONNECT.c.member_id == session.c.member_id, _CONNECT.c.active == 1)
    joined = session.outerjoin(_MEMBER, _MEMBER.c.id == session.c.member_id).outerjoin(_CONNECT, is_bound)
    of_session, of_member = (session.c[name] for name in columns), (_MEMBER.c[name] for name in _OF_MEMBER)
    query = select(*of_session, *of_member, _CONNECT.c.union_type).select_from(joined)
    return query.order_by(_CONNECT.c.create_time, _CONNECT.c.id)


_BY_HASH = Statement(_join(_SESSION, _OF_SESSION).where(_SESSION.c.token_hash == bindparam("wanted_hash")))
_LIVE = (
    select(*(_SESSION.c[name] for name in _OF_FAMILY))
    .where(
        _SESSION.c.family == bindparam("family"),
        _SESSION.c.revoked_time.is_(None),
        _SESSION.c.expiry_time > bindparam("now"),
    )
    .limit(1)
    .subquery("live")
)
_BY_FAMILY = Statement(_join(_LIVE, _OF_FAMILY))


class SessionAndMember:
    """Answers as `find_session` and `find_live` of `store.sessions` do, and keeps what came along with the answer.

    `member` is None for a member who is gone, or lives elsewhere; `union_types` are in the order in which they were
    bound.
    """

    member: MemberRow | None = None
    union_types: Sequence[str] = ()

    def find_session(self, transaction: Transaction, token_hash: str) -> SessionRow | None:
        """Return the token with this hash, live or not, or None."""
        rows = _BY_HASH.all(transaction, wanted_hash=token_hash)
        session = self._take(rows, len(_OF_SESSION))
        return SessionRow(*session) if session else None

    def find_live(self, transaction: Transaction, family: str, now: int) -> tuple[int, int] | None:
        """Return the member's id and the time of the login for a family with a live token at `now`, else None."""
        rows = _BY_FAMILY.all(transaction, family=family, now=now)
        session = self._take(rows, len(_OF_FAMILY))
        return (session[0], session[1]) if session else None

    def _take(self, rows: Sequence[Row], width: int) -> Row:
        """Keep what is after the first `width` columns, and return these; () when there are no rows."""
        if not rows:
            return ()
        *of_member, _ = rows[0][width:]
        self.member = MemberRow(*of_member) if of_member[_MEMBER_ID] is not None else None
        self.union_types = [row[-1] for row in rows if row[-1] is not None]
        return rows[0][:width]
