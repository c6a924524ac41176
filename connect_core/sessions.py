"""Sessions: who is logged in. Browsers hold an opaque token, JSON clients an access token and a rotating refresh token.

The database keeps hashes only. All tokens of one login are a family. A refresh token that is used again later than
`REUSE_GRACE` after its rotation ends the whole family (RFC 9700 §4.14.2).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from connect_core.crypto import AccessTokens, token_hash
from connect_core.errors import TokenInvalid
from connect_core.identity import ClientType
from connect_core.settings import SessionLifetimes as Lifetimes
from connect_core.store import Transaction
from connect_core.store import sessions as store
from connect_core.store.sessions import SessionRow

REUSE_GRACE = 10
"""Seconds in which a rotated refresh token still gets a successor: two tabs, a lost answer."""
SEEN_STEP = 60
"""A session's last use is written at most once in so many seconds."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A token answer (RFC 6749 §5.1). `expires_in` is in seconds."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    member_id: int

    def answer(self) -> dict[str, object]:
        """The body of the token answer."""
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "uid": self.member_id,
        }


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to be opened for a member who logged in through the connection `connect_id`.

    With `login_time` (epoch seconds) the login is an older one, and the session ends when that login would have.
    """

    member_id: int
    client_type: ClientType
    device_id: str = ""
    connect_id: int = 0
    login_time: int | None = None


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session just opened; `token` is shown once and never stored."""

    row: SessionRow
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LiveSession:
    """Who a presented token belongs to. `family` names the login; `login_time` is in epoch seconds."""

    member_id: int
    client_type: ClientType
    family: str
    login_time: int


class Sessions:
    """Opens, finds, rotates and ends sessions in the caller's transaction."""

    def __init__(self, keys: Sequence[bytes], issuer: str, lifetimes: Lifetimes) -> None:
        """`keys`: 32 bytes each, the first signs; `issuer` is the `iss` of access tokens."""
        self.access_tokens = AccessTokens(keys, issuer)
        self.lifetimes = lifetimes

    def open(self, transaction: Transaction, session: NewSession, now: int) -> OpenSession:
        """Open a session at `now` (epoch seconds)."""
        login_time = now if session.login_time is None else session.login_time
        token = _new_token()
        row = SessionRow(
            member_id=session.member_id,
            connect_id=session.connect_id,
            client_type=session.client_type,
            device_id=session.device_id,
            family=secrets.token_hex(16),
            token_hash=token_hash(token),
            create_time=login_time,
            seen_time=now,
            expiry_time=login_time + self.lifetimes.absolute,
            rotated_time=None,
            revoked_time=None,
        )
        store.insert_session(transaction, row)
        return OpenSession(row, token)

    def issue_tokens(self, opened: OpenSession, now: int) -> Tokens:
        """Return the tokens of an open session, with a freshly signed access token that ends with it at the latest."""
        row = opened.row
        life = min(self.lifetimes.access_token, row.expiry_time - now)
        claims = {
            "sub": str(row.member_id),
            "sid": row.family,
            "client_id": row.client_type,  # RFC 9068 §2.2; our clients are the client types
            "client_type": row.client_type,
            "iat": now,
            "exp": now + life,
            "jti": secrets.token_hex(8),
        }
        return Tokens(self.access_tokens.issue(claims), opened.token, life, row.member_id)

    def find(self, transaction: Transaction, token: str, now: int) -> tuple[LiveSession | None, bool]:
        """Return whose browser token this is, and whether its last use should be written now, with `note_use`."""
        row = store.find_session(transaction, token_hash(token))
        if row is None or not self._is_live(row, now) or row.rotated_time is not None:
            return None, False
        return _live(row), now - row.seen_time >= min(SEEN_STEP, self.lifetimes.idle // 4)

    def find_presented(
        self, transaction: Transaction, session_token: str, access_token: str, now: int
    ) -> tuple[LiveSession | None, bool]:
        """Return the same as `find` for whichever of the two tokens is good; either may be empty."""
        session, is_use_due = self.find(transaction, session_token, now) if session_token else (None, False)
        if session is None and access_token:
            session = self.find_by_access_token(transaction, access_token, now)
        return session, is_use_due

    def note_use(self, transaction: Transaction, token: str, now: int) -> None:
        """Write that a browser token was used."""
        store.update_seen(transaction, token_hash(token), now)

    def find_by_access_token(self, transaction: Transaction, token: str, now: int) -> LiveSession | None:
        """Return whose access token this is, unless the login behind it was ended."""
        claims = self.access_tokens.find_claims(token, now)
        if claims is None:
            return None
        live = store.find_live(transaction, str(claims.get("sid", "")), now)
        if live is None or str(live[0]) != claims.get("sub"):
            return None
        member_id, login_time = live
        return LiveSession(member_id, ClientType(claims["client_type"]), claims["sid"], login_time)

    def find_by_refresh_token(self, transaction: Transaction, token: str, now: int) -> LiveSession | None:
        """Return whose refresh token this is, rotated or not, unless the login behind it was ended. Spends nothing."""
        row = store.find_session(transaction, token_hash(token))
        return _live(row) if row is not None and self._is_live(row, now) else None

    def rotate(self, transaction: Transaction, refresh_token: str, now: int) -> OpenSession | None:
        """Spend a refresh token and return its successor; None when its reuse has just ended the family.

        Raises `TokenInvalid` for a token that is unknown, expired or revoked.
        """
        row = store.lock_session(transaction, token_hash(refresh_token))
        if row is None or not self._is_live(row, now):
            raise TokenInvalid("the refresh token does not hold")
        if row.rotated_time is not None and now - row.rotated_time > REUSE_GRACE:
            store.revoke_family(transaction, row.family, now)
            return None
        store.update_rotated(transaction, row.token_hash, now)
        token = _new_token()
        successor = replace(row, token_hash=token_hash(token), seen_time=now, rotated_time=None)
        store.insert_session(transaction, successor)
        return OpenSession(successor, token)

    def end(self, transaction: Transaction, token: str, now: int) -> LiveSession | None:
        """End the login that a browser or refresh token belongs to; returns whose it was."""
        row = store.find_session(transaction, token_hash(token))
        if row is None:
            return None
        store.revoke_family(transaction, row.family, now)
        return _live(row)

    def end_family(self, transaction: Transaction, family: str, now: int) -> None:
        """End a login by its family."""
        store.revoke_family(transaction, family, now)

    def _is_live(self, row: SessionRow, now: int) -> bool:
        if row.revoked_time is not None or row.expiry_time <= now:
            return False
        return row.rotated_time is not None or now - row.seen_time < self.lifetimes.idle


def _live(row: SessionRow) -> LiveSession:
    return LiveSession(row.member_id, ClientType(row.client_type), row.family, row.create_time)


def _new_token() -> str:
    return secrets.token_urlsafe(32)
