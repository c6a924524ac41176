"""What a service of the shop learns about a token that somebody hands it (RFC 7662).

Reads only: no token is spent, rotated or noted as used by being asked about. Never decides who may ask.
"""

from collections.abc import Mapping
from typing import Any

from connect_core.members.services import Services
from connect_core.sessions import LiveSession
from connect_core.store import Transaction
from connect_core.store.session_members import SessionAndMember

_CLAIMS = ("iss", "aud", "sub", "sid", "client_id", "client_type", "iat", "exp", "jti")
"""The claims of an access token that the answer repeats."""
_Active = tuple[LiveSession, dict[str, Any]]


class Introspection:
    """Describes tokens that are valid at this moment."""

    def __init__(self, services: Services) -> None:
        self._database = services.database
        self._members = services.members
        self._sessions = services.sessions
        self._now = services.now

    async def describe(self, token: str) -> Mapping[str, Any] | None:
        """Return the members of RFC 7662 §2.2 for a token that is active, but for `active` itself; else None.

        Active are access tokens whose login has not ended, and refresh tokens that were not rotated, both of members
        who are neither disabled nor erased. Times are epoch seconds. Raises `Unavailable`.
        """
        now = self._now()
        claims = self._sessions.access_tokens.find_claims(token, now)

        def look_up(tx: Transaction) -> tuple[SessionAndMember, _Active | None]:
            along = SessionAndMember()
            if claims is not None:
                return along, self._describe_access(tx, claims, now, along)
            return along, self._describe_refresh(tx, token, now, along)

        along, active = await self._database.read(look_up)
        if active is None:
            return None
        session, description = active
        member = await self._members.find_enabled(session.member_id, along.member)
        if member is None:
            return None
        name = {"username": member.uname} if member.uname else {}
        return {**description, **name, "auth_time": session.login_time}

    def _describe_access(
        self, tx: Transaction, claims: Mapping[str, Any], now: int, along: SessionAndMember
    ) -> _Active | None:
        session = self._sessions.find_by_claims(tx, claims, now, along)
        if session is None:
            return None
        return session, {"token_type": "Bearer", **{name: claims[name] for name in _CLAIMS if name in claims}}

    def _describe_refresh(self, tx: Transaction, token: str, now: int, along: SessionAndMember) -> _Active | None:
        current = self._sessions.find_current_refresh(tx, token, now, along)
        if current is None:
            return None
        session, end = current
        # no `aud`: a service that checks it does not take a refresh token for an access token
        return session, {
            "token_type": "refresh_token",
            "iss": self._sessions.access_tokens.issuer,
            "sub": str(session.member_id),
            "sid": session.family,
            "client_id": session.client_type,
            "client_type": session.client_type,
            "exp": end,
        }
