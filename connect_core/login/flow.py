"""Flows: a login under way is begun, sealed for the browser that began it, opened when it comes back, and spent.

The start writes nothing to the database. What the callback needs travels sealed in a cookie of the visitor's browser
(or, for a native app, in a ticket), with the state as associated data. The primary key on the state's hash lets a flow
be spent once.
"""

import base64
import hashlib
import logging
import secrets
import time
from collections.abc import Collection, Sequence
from typing import Any

from connect_core.crypto import keyed_hash, token_hash
from connect_core.crypto.sealing import derive_key
from connect_core.crypto.tickets import TICKET_SECONDS, TicketCodec
from connect_core.errors import CodeSeen, StateExpired, StateInvalid
from connect_core.login.values import (
    AccountProved,
    ChoiceNeeded,
    Delivery,
    Flow,
    KeptResult,
    PendingLogin,
    Purpose,
    PurposeKind,
)
from connect_core.providers.registry import ConfiguredProvider
from connect_core.sessions import TokenKind, name_token
from connect_core.store import Transaction, flows

log = logging.getLogger("connect_login")

CODE_MEMORY = 24 * 3600
"""Seconds for which a code that was presented is refused to every other flow: no vendor's code lives longer."""
STATE_LENGTH = 32
COOKIE_SECONDS = 900
"""Seconds for which a browser keeps a flow's cookie: past its life, so that the error page says that it expired."""
CLOCK_TOLERANCE = 60
"""Seconds by which the clocks of two processes may differ before it is logged."""
DONE, PRESENTED, FAILED, PENDING = flows.DONE, flows.PRESENTED, "failed", "pending"
"""Outcomes of a spent flow, as `es_connect_used_flow.outcome` keeps them."""
_WHAT = "the flow of this state"


def new_state() -> str:
    """Return 190 random bits as 32 base62 characters: within every vendor's alphabet and length."""
    return base64.b64encode(secrets.token_bytes(24), altchars=b"Az").decode()


def get_code_challenge(flow: Flow) -> str:
    """Return the S256 challenge of the flow's verifier (RFC 7636 §4.2)."""
    digest = hashlib.sha256(flow.code_verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def begin(
    configured: ConfiguredProvider, delivery: Delivery, redirect_uri: str, return_to: str, purpose: Purpose, now: int
) -> Flow:
    """Return a new flow, which lives ten minutes from `now` (epoch seconds)."""
    return Flow(
        provider=configured.name,
        client_type=configured.client_type,
        delivery=delivery,
        redirect_uri=redirect_uri,
        return_to=return_to,
        expiry_time=now + TICKET_SECONDS,
        state=new_state(),
        nonce=new_state(),
        code_verifier=secrets.token_urlsafe(48),
        bound_to=purpose.bound_to,
        purpose=purpose.kind,
    )


def get_token_kind(delivery: Delivery) -> TokenKind:
    """Return what the token of a session is given out as: the session cookie's, or a refresh token."""
    return TokenKind.SESSION if delivery is Delivery.SESSION else TokenKind.REFRESH


def get_log_name(key: str) -> str:
    """Return what log lines call the flow of a state, or the choice of a key: its start and its callback have the same.

    Twelve hex digits of a hash. A state has 190 random bits, so nobody finds it by them; nor are they the beginning of
    what the database or a cookie's name has of it.
    """
    return token_hash(f"in the log\0{key}")[:12]


class Flows:
    """Seals and opens flows, and spends them in the caller's transaction."""

    def __init__(self, keys: Sequence[bytes], repeatable: Collection[Delivery] = (Delivery.SESSION,)) -> None:
        """`keys`: 32 bytes each, the first seals, all open. `repeatable`: see `get_session_token`."""
        self._repeatable = repeatable
        self._tickets = TicketCodec(keys, Flow, purpose="flow", key_field="state", upgrade=_upgrade)
        self._results = TicketCodec(keys, KeptResult, purpose="result of a flow", key_field="state")
        self._code_key = derive_key(keys[0], "presented codes")
        self._session_key = derive_key(keys[0], "sessions of flows")
        self._silent_until = 0.0

    def seal(self, flow: Flow) -> str:
        """Return the flow sealed, for a browser's cookie; it opens with its state alone."""
        return self.seal_ticket(flow).partition(".")[2]

    def open(self, state: str, sealed: str | None, now: int) -> Flow:
        """Return the flow that `state` and the `sealed` text of the browser's cookie agree on.

        Raises `StateInvalid` when there is no cookie or it does not open, `StateExpired` when the flow's ten minutes
        are over. When they are over for longer than a browser keeps the cookie, two clocks differ: `needs_operator`.
        """
        flow = self.open_expired(state, sealed)
        if now - flow.expiry_time > COOKIE_SECONDS - TICKET_SECONDS + CLOCK_TOLERANCE:
            seconds = now - flow.expiry_time
            reason = f"expired {seconds} s ago, and the browser still has its cookie: compare the clocks"
            raise StateExpired(f"{_WHAT} {reason}", needs_operator=True)
        if flow.expiry_time - now > TICKET_SECONDS + CLOCK_TOLERANCE:
            self._log_clocks(flow.expiry_time - now - TICKET_SECONDS)
        return self._tickets.check_age(flow, now, what=_WHAT)

    def open_expired(self, state: str, sealed: str | None) -> Flow:
        """Return the same, however old the flow is. Raises `StateInvalid`."""
        if len(state) != STATE_LENGTH:
            raise StateInvalid("the state is none of ours").because("no_cookie")
        if not sealed:
            raise StateInvalid(f"{_WHAT} is not this browser's: it sent no cookie").because("no_cookie")
        try:
            return self._tickets.open_expired(f"{state}.{sealed}", what=_WHAT)
        except StateInvalid as error:
            error.because("cookie_unopened")
            raise

    def _log_clocks(self, seconds: int) -> None:
        """Log, once a minute at most, that a flow was begun in the future: by a process with another clock."""
        if time.monotonic() >= self._silent_until:
            self._silent_until = time.monotonic() + 60
            log.warning("clocks_differ", extra={"seconds": seconds})

    def seal_ticket(self, flow: Flow) -> str:
        """Return the flow as a ticket for a native app, which carries its own state."""
        return self._tickets.seal(flow)

    def open_ticket(self, ticket: str, now: int) -> Flow:
        """Return the flow of a ticket. Raises `StateInvalid` and `StateExpired`."""
        state, _, sealed = ticket.partition(".")
        return self._tickets.check_age(self.open_expired(state, sealed), now, what=_WHAT)

    def get_session_token(self, origin: Flow | PendingLogin) -> str:
        """Return the token of the session that a flow or a choice opens: each of two equal requests computes the same.

        Nobody can who has no key of ours; the vendor knows state and verifier. Empty for a delivery that is not
        `repeatable`: tokens are told once, and of a plugin's own tokens we never learn whether they were presented.
        """
        if origin.delivery not in self._repeatable:
            return ""
        parts = (origin.state, origin.code_verifier) if isinstance(origin, Flow) else ("choice", origin.key)
        return name_token(get_token_kind(origin.delivery), keyed_hash(self._session_key, *parts))

    def get_session_family(self, origin: Flow | PendingLogin) -> str:
        """Return the family of that session, by which `origin` is found; empty where there is no such token."""
        return flows.get_family(_hash_key(origin)) if origin.delivery in self._repeatable else ""

    def get_qr_login_token(self, ticket: str) -> str:
        """Return the token of the session that a PC collects with its ticket: each request computes the same one."""
        return name_token(TokenKind.SESSION, keyed_hash(self._session_key, "qr login", ticket))

    def get_confirmed_token(self, session_token: str) -> str:
        """Return the token of the session that a confirmation by password opens in place of the one of `session_token`.

        It is always the same, so a browser that still has `session_token`, because the answer was lost, leads to it.
        """
        return name_token(TokenKind.SESSION, keyed_hash(self._session_key, "confirmed", session_token))

    def seal_result(self, flow: Flow, outcome: ChoiceNeeded | AccountProved) -> str:
        """Return a choice or a proof, which no other table holds, sealed for the flow's row; empty for JSON clients."""
        if flow.delivery is Delivery.JSON:
            return ""
        pending = outcome.pending if isinstance(outcome, ChoiceNeeded) else None
        proof = outcome.proof if isinstance(outcome, AccountProved) else None
        return self._results.seal(KeptResult(flow.state, flow.expiry_time, pending, proof)).partition(".")[2]

    def open_result(self, flow: Flow, sealed: str) -> ChoiceNeeded | AccountProved:
        """Return what `seal_result` sealed. Raises `StateInvalid`."""
        kept = self._results.open_expired(f"{flow.state}.{sealed}", what="the result of this flow")
        if kept.pending is not None:
            return ChoiceNeeded(flow.delivery, flow.return_to, kept.pending)
        if kept.proof is None:
            raise StateInvalid("the result of this flow is empty")
        return AccountProved(flow.delivery, flow.return_to, kept.proof)

    def hash_code(self, provider: str, code: str) -> str:
        """Return the keyed hash under which a presented code of the provider is remembered."""
        return keyed_hash(self._code_key, provider, code)

    def spend(self, transaction: Transaction, flow: Flow, codes: Sequence[str], now: int) -> bool:
        """Spend the flow together with the codes that came back to it; False when it was spent already.

        Raises `CodeSeen` when one of the codes was presented by another flow.
        """
        state_hash = token_hash(flow.state)
        code_hashes = list(dict.fromkeys(self.hash_code(flow.provider, code) for code in codes))
        presented = [(code_hash, state_hash, now + CODE_MEMORY) for code_hash in code_hashes]
        if flows.insert_used(transaction, (state_hash, "", flow.expiry_time), *presented):
            return True
        if flows.find_used(transaction, state_hash) is None:
            raise CodeSeen("this code was presented before")
        return False

    def remember_code(self, transaction: Transaction, provider: str, code: str, flow_state: str, now: int) -> None:
        """Remember a code that came with `flow_state` (empty: with none of ours), so that no other flow can use it.

        Raises `CodeSeen` when it was presented before by another flow, or by a client.
        """
        code_hash, owner = self.hash_code(provider, code), token_hash(flow_state) if flow_state else ""
        if flows.insert_used(transaction, (code_hash, owner, now + CODE_MEMORY)):
            return
        earlier = flows.find_used(transaction, code_hash)
        if not owner or earlier is None or earlier[0] != owner:
            raise CodeSeen("this code was presented before")


def spend_ticket(transaction: Transaction, flow: Flow) -> bool:
    """Spend the flow of an app's ticket; False when it was spent already."""
    return flows.insert_used(transaction, (token_hash(flow.state), "", flow.expiry_time))


def close(transaction: Transaction, origin: Flow | PendingLogin, outcome: str, result: str = "") -> None:
    """Note how a spent flow or choice ended, `DONE`, `FAILED` or `PENDING`, and what `Flows.seal_result` sealed."""
    flows.update_outcome(transaction, _hash_key(origin), outcome, result)


def find_end(transaction: Transaction, origin: Flow | PendingLogin) -> tuple[str, str]:
    """Return how a spent flow or choice ended, empty while it is under way, and its sealed result if it has one."""
    return flows.find_end(transaction, _hash_key(origin))


def _hash_key(origin: Flow | PendingLogin) -> str:
    """Return the hash of what lets the flow or the choice be spent once."""
    return token_hash(origin.state if isinstance(origin, Flow) else origin.key)


def _upgrade(values: list[Any]) -> list[Any]:
    """Turn the values of release 0.1, which ended with `merges`, into ours, which end with the purpose."""
    *others, bound_to, purpose = values
    if isinstance(purpose, bool):
        purpose = PurposeKind.PROVE if purpose else PurposeKind.LINK if bound_to else PurposeKind.LOGIN
    return [*others, bound_to, purpose]
