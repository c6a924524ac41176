"""Sessions: who is logged in. Browsers hold an opaque token, JSON clients an access token and a rotating refresh token.

The database keeps hashes only. All tokens of one login are a family. A refresh token that is used again later than
`REUSE_GRACE` after its rotation ends the whole family (RFC 9700 §4.14.2), unless no successor of it was ever used: then
the answer was lost, and it is answered again. A token counts as what it was given out as, and as nothing else.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from connect_core.crypto import AccessTokens, token_hash
from connect_core.crypto.tickets import TICKET_SECONDS
from connect_core.devices import UNKNOWN_DEVICE, Device
from connect_core.errors import TokenInvalid
from connect_core.identity import ClientType
from connect_core.settings import SessionLifetimes as Lifetimes
from connect_core.store import Transaction, flows
from connect_core.store import sessions as store
from connect_core.store.sessions import SessionRow

REUSE_GRACE = 10
"""Seconds in which a rotated refresh token still gets a successor: two tabs, a lost answer."""
BROWSERS = (ClientType.PC, ClientType.H5)
"""The client types whose logins are a browser's."""
SEEN_STEP = 60
"""A session's last use is written at most once in so many seconds."""
_KINDLESS_LENGTH = 43
"""Characters of the tokens of release 0.1. They do not say their kind, and count as either until they end."""


class TokenKind(StrEnum):
    """What an opaque token was given out as: its first letter."""

    SESSION = "s"
    """A browser's session, for the session cookie alone."""
    REFRESH = "r"
    """A refresh token: for its successor, and in the cookie of the `/buyer` routes for pages as well."""


@dataclass(frozen=True, slots=True)
class PresentedTokens:
    """The tokens that one request carries, each empty where it carries none.

    `bearer` is that of the header `Authorization`; the others came in cookies: `session` in ours, `access` and
    `refresh` in those of the `/buyer` routes. `repeated` are the values of cookies that came twice: they prove nothing,
    and a new login ends them too.
    """

    bearer: str = field(default="", repr=False)
    session: str = field(default="", repr=False)
    access: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)
    repeated: tuple[str, ...] = field(default=(), repr=False)

    @property
    def all(self) -> Iterable[str]:
        """Every token that is there."""
        return filter(None, (self.bearer, self.session, self.access, self.refresh, *self.repeated))

    def ended_by(self, client_type: ClientType) -> Iterable[str]:
        """The tokens whose logins end when somebody logs in anew from `client_type`.

        Cookies are a browser's: an app or mini program that sends some shares them with a login of its web view.
        """
        return self.all if client_type in BROWSERS else filter(None, [self.bearer])


NO_TOKENS = PresentedTokens()


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

    With `login_time` (epoch seconds) the login is an older one, and the session ends when that login would have. `kind`
    is what its token is given out as. `token` and `family` are those of a flow's session, which a repeat of its
    callback finds again; others get random ones. Browser, system and location of `device` are stored with it.
    """

    member_id: int
    client_type: ClientType
    device_id: str = ""
    connect_id: int = 0
    login_time: int | None = None
    kind: TokenKind = TokenKind.SESSION
    token: str = field(default="", repr=False)
    family: str = ""
    device: Device = UNKNOWN_DEVICE


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


class SessionQueries(Protocol):
    """How sessions are read: by `store.sessions` alone, or by what reads the member along, `SessionAndMember`."""

    def find_session(self, transaction: Transaction, token_hash: str) -> SessionRow | None:
        """Return the token with this hash, live or not, or None."""

    def find_live(self, transaction: Transaction, family: str, now: int) -> tuple[int, int] | None:
        """Return the member's id and the time of the login for a family with a live token at `now`, else None."""


class Sessions:
    """Opens, finds, rotates and ends sessions in the caller's transaction."""

    def __init__(self, keys: Sequence[bytes], issuer: str, lifetimes: Lifetimes) -> None:
        """`keys`: 32 bytes each, the first signs; `issuer` is the `iss` of access tokens."""
        self.access_tokens = AccessTokens(keys, issuer)
        self.lifetimes = lifetimes

    def open(self, transaction: Transaction, session: NewSession, now: int) -> OpenSession:
        """Open a session at `now` (epoch seconds)."""
        login_time = now if session.login_time is None else session.login_time
        token = session.token or _new_token(session.kind)
        row = SessionRow(
            member_id=session.member_id,
            connect_id=session.connect_id,
            client_type=session.client_type,
            device_id=session.device_id,
            family=session.family or secrets.token_hex(16),
            token_hash=token_hash(token),
            create_time=login_time,
            seen_time=now,
            expiry_time=login_time + self.lifetimes.absolute,
            rotated_time=None,
            revoked_time=None,
            browser=session.device.browser,
            system=session.device.system,
            location=session.device.location.dump(),
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

    def find(
        self, transaction: Transaction, token: str, now: int, queries: SessionQueries = store
    ) -> tuple[LiveSession | None, bool]:
        """Return whose session token this is, and whether its last use should be written now, with `note_use`."""
        row = self._find_row(transaction, token, TokenKind.SESSION, now, queries)
        if row is None or row.rotated_time is not None:
            return None, False
        return _live(row), self._is_use_due(row, now)

    def find_open(self, transaction: Transaction, token: str, now: int) -> OpenSession | None:
        """Return the session of a token that is computed anew, unless it was ended or its token rotated."""
        row = store.find_session(transaction, token_hash(token))
        if row is None or not self._is_live(row, now) or row.rotated_time is not None:
            return None
        return OpenSession(row, token)

    def is_first_use(self, transaction: Transaction, session: LiveSession, now: int) -> bool:
        """Tell whether a callback could still give this session out again, which ends with `note_first_use`."""
        return now - session.login_time <= TICKET_SECONDS and flows.is_unpresented(transaction, session.family)

    def note_first_use(self, transaction: Transaction, session: LiveSession) -> None:
        """Write that somebody came with this session."""
        flows.update_presented(transaction, session.family)

    def find_presented(
        self, transaction: Transaction, presented: PresentedTokens, now: int, queries: SessionQueries = store
    ) -> tuple[LiveSession | None, str]:
        """Return the login that a request counts as, and the token whose use should be written now, with `note_use`.

        A bearer token counts alone, even a dead one: whoever sends it means its member, and never the one whose cookie
        the browser adds. Of the cookies the first that is alive counts: ours, the access token, the refresh token. The
        last one keeps a member of the `/buyer` routes logged in on pages, which do not refresh, once the access token
        has run out. The session that is returned is the last one that `queries` was asked for.
        """
        if presented.bearer:
            return self.find_by_access_token(transaction, presented.bearer, now, queries), ""
        if presented.session:
            session, is_use_due = self.find(transaction, presented.session, now, queries)
            if session is not None:
                return session, presented.session if is_use_due else ""
        if presented.access and (session := self.find_by_access_token(transaction, presented.access, now, queries)):
            return session, ""
        if presented.refresh:
            return self._find_by_refresh_cookie(transaction, presented.refresh, now, queries)
        return None, ""

    def find_held(
        self, transaction: Transaction, presented: PresentedTokens, family: str, now: int
    ) -> LiveSession | None:
        """Return the login `family` if the request shows that its sender still has it; dead tokens are passed over."""
        if presented.bearer:
            sessions = [self.find_by_access_token(transaction, presented.bearer, now)]
        else:
            sessions = [
                self.find(transaction, presented.session, now)[0] if presented.session else None,
                self.find_by_access_token(transaction, presented.access, now) if presented.access else None,
                self.find_by_refresh_token(transaction, presented.refresh, now) if presented.refresh else None,
            ]
        return next((session for session in sessions if session and session.family == family), None)

    def note_use(self, transaction: Transaction, token: str, now: int) -> None:
        """Write that a token in a browser's cookie was used.

        A refresh token that is used shows that its answer arrived, so those before it can no longer be answered again.
        """
        store.update_seen(transaction, token_hash(token), now)
        if _is_given_out_as(TokenKind.REFRESH, token):
            store.revoke_predecessors(transaction, token_hash(token), now - REUSE_GRACE, now)

    def find_by_access_token(
        self, transaction: Transaction, token: str, now: int, queries: SessionQueries = store
    ) -> LiveSession | None:
        """Return whose access token this is, unless the login behind it was ended."""
        claims = self.access_tokens.find_claims(token, now)
        return self.find_by_claims(transaction, claims, now, queries) if claims is not None else None

    def find_by_claims(
        self, transaction: Transaction, claims: Mapping[str, Any], now: int, queries: SessionQueries = store
    ) -> LiveSession | None:
        """Return the login that the claims of an access token name, unless it was ended. The signature was checked."""
        live = queries.find_live(transaction, str(claims.get("sid", "")), now)
        if live is None or str(live[0]) != claims.get("sub"):
            return None
        member_id, login_time = live
        return LiveSession(member_id, ClientType(claims["client_type"]), claims["sid"], login_time)

    def find_by_refresh_token(self, transaction: Transaction, token: str, now: int) -> LiveSession | None:
        """Return whose refresh token this is, rotated or not, unless the login behind it was ended. Spends nothing."""
        row = self._find_row(transaction, token, TokenKind.REFRESH, now, store)
        return _live(row) if row is not None else None

    def find_current_refresh(
        self, transaction: Transaction, token: str, now: int, queries: SessionQueries = store
    ) -> tuple[LiveSession, int] | None:
        """Return whose refresh token this is, and when it ends if nobody uses it, in epoch seconds. Spends nothing.

        None for a token that was rotated or ended, and for anything that was given out as something else.
        """
        row = self._find_row(transaction, token, TokenKind.REFRESH, now, queries)
        if row is None or row.rotated_time is not None:
            return None
        return _live(row), min(row.expiry_time, row.seen_time + self.lifetimes.idle)

    def _find_by_refresh_cookie(
        self, transaction: Transaction, token: str, now: int, queries: SessionQueries
    ) -> tuple[LiveSession | None, str]:
        """Return the same as `find_presented`, for a refresh token in a cookie. Spends nothing.

        A rotated one counts as long as it could be rotated again: its successor is on its way, or was lost. That of an
        app or mini program never counts: it has no cookies.
        """
        row = self._find_row(transaction, token, TokenKind.REFRESH, now, queries)
        if row is None or row.client_type not in BROWSERS or now - row.seen_time >= self.lifetimes.idle:
            return None, ""
        if row.rotated_time is not None:
            is_current = now - row.rotated_time <= REUSE_GRACE or not store.has_used_successor(transaction, row)
            return _live(row) if is_current else None, ""
        return _live(row), token if self._is_use_due(row, now) else ""

    def rotate(self, transaction: Transaction, refresh_token: str, now: int) -> OpenSession | None:
        """Spend a refresh token and return its successor; None when its reuse has just ended the family.

        Raises `TokenInvalid` for a token that is unknown, expired or revoked.
        """
        is_refresh = _is_given_out_as(TokenKind.REFRESH, refresh_token)
        row = store.lock_session(transaction, token_hash(refresh_token)) if is_refresh else None
        if row is not None and row.revoked_time is not None and store.revoke_family(transaction, row.family, now):
            return None  # it was replaced, see `_replace_successors`
        if row is None or not self._is_live(row, now):
            raise TokenInvalid("the refresh token does not hold")
        if row.rotated_time is None:
            store.update_rotated(transaction, row.token_hash, now)
        elif now - row.rotated_time > REUSE_GRACE and not self._replace_successors(transaction, row, now):
            store.revoke_family(transaction, row.family, now)
            return None
        token = _new_token(TokenKind.REFRESH)
        generation = row.order + 1
        successor = replace(row, token_hash=token_hash(token), seen_time=now, rotated_time=None, generation=generation)
        store.insert_session(transaction, successor)
        return OpenSession(successor, token)

    def _replace_successors(self, transaction: Transaction, row: SessionRow, now: int) -> bool:
        """Revoke the successors of a rotated token, of which none was ever used: their answers were lost.

        Returns False when one was used, or the token has been idle for too long: then it is reuse. A successor that was
        replaced and is used all the same ends the family: two clients have it, and one of them is a thief. Those of the
        last `REUSE_GRACE` seconds stay, for two tabs that ask at once.
        """
        if now - row.seen_time >= self.lifetimes.idle:
            return False
        store.revoke_unused_successors(transaction, row, now - REUSE_GRACE, now)
        return not store.has_used_successor(transaction, row)

    def find_families(self, transaction: Transaction, tokens: Iterable[str], now: int) -> list[str]:
        """Return the login that each token, of any kind, belongs to; unknown and empty tokens are passed over."""
        families: dict[str, None] = {}
        for token in filter(None, dict.fromkeys(tokens)):
            row = store.find_session(transaction, token_hash(token))
            session = _live(row) if row else self.find_by_access_token(transaction, token, now)
            if session is not None:
                families[session.family] = None
        return list(families)

    def end_all(self, transaction: Transaction, tokens: Iterable[str], now: int) -> None:
        """End every login that one of the tokens belongs to; unknown and empty ones are passed over."""
        for family in self.find_families(transaction, tokens, now):
            store.revoke_family(transaction, family, now)

    def end_family(self, transaction: Transaction, family: str, now: int) -> None:
        """End a login by its family."""
        store.revoke_family(transaction, family, now)

    def _find_row(
        self, transaction: Transaction, token: str, kind: TokenKind, now: int, queries: SessionQueries
    ) -> SessionRow | None:
        row = queries.find_session(transaction, token_hash(token)) if _is_given_out_as(kind, token) else None
        return row if row is not None and self._is_live(row, now) else None

    def _is_use_due(self, row: SessionRow, now: int) -> bool:
        return now - row.seen_time >= min(SEEN_STEP, self.lifetimes.idle // 4)

    def _is_live(self, row: SessionRow, now: int) -> bool:
        if row.revoked_time is not None or row.expiry_time <= now:
            return False
        return row.rotated_time is not None or now - row.seen_time < self.lifetimes.idle


def _live(row: SessionRow) -> LiveSession:
    return LiveSession(row.member_id, ClientType(row.client_type), row.family, row.create_time)


def name_token(kind: TokenKind, value: str) -> str:
    """Return an unguessable `value` as a token of that kind."""
    return f"{kind}_{value}"


def is_session_token(token: str) -> bool:
    """Tell whether a token was given out as a browser's session, which is no token of OAuth 2.0."""
    return token.startswith(f"{TokenKind.SESSION}_")


def _new_token(kind: TokenKind) -> str:
    return name_token(kind, secrets.token_urlsafe(32))


def _is_given_out_as(kind: TokenKind, token: str) -> bool:
    return token.startswith(f"{kind}_") if len(token) != _KINDLESS_LENGTH else True
