"""A login under way: minted, sealed for the browser that started it, opened once it comes back.

The start writes nothing. What the callback needs travels sealed in the visitor's own cookie (or, for a native app, in a
ticket), with the state as associated data; that a flow is spent once is the database's to say.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from connect_core.crypto import Sealer, SealError, keyed_hash, token_hash
from connect_core.crypto.sealing import derive_key
from connect_core.errors import CodeSeen, StateExpired, StateInvalid
from connect_core.identity import ClientType
from connect_core.store import Transaction, flows

LIFE = 600
"""Seconds from start to callback."""
CODE_MEMORY = 24 * 3600
"""Seconds for which a presented code stays dead: no vendor's lives longer."""
STATE_LENGTH = 32
DONE, FAILED, PENDING = "done", "failed", "pending"


class Delivery(StrEnum):
    """How the result of a login reaches the visitor."""

    SESSION = "session"
    """An opaque session cookie."""
    TOKEN_COOKIES = "token_cookies"  # noqa: S105 - the name of a way, not a secret
    """The cookies `access_token`, `refresh_token`, `uid` of the `/buyer` routes."""
    JSON = "json"
    """A token answer to the front end's own page or app."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One login or bind from start to callback: the vendor returns to `redirect_uri`, the member lands on `return_to`.

    `binder` is the family of the session that binds, and empty for a login; with `merges` it proves a second member.
    """

    provider: str
    client_type: ClientType
    delivery: Delivery
    redirect_uri: str
    return_to: str
    expiry_time: int
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    binder: str = ""
    merges: bool = False

    @property
    def code_challenge(self) -> str:
        """S256 of the verifier (RFC 7636 §4.2)."""
        digest = hashlib.sha256(self.code_verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def new_state() -> str:
    """190 random bits as 32 base62 characters: within every vendor's alphabet and length."""
    return base64.b64encode(secrets.token_bytes(24), altchars=b"Az").decode()


class Flows:
    """Mints, seals and opens flows; spends them in the caller's transaction."""

    def __init__(self, ring: Sequence[bytes]) -> None:
        self._sealer = Sealer(ring, "flow")
        self._code_key = derive_key(ring[0], "presented codes")

    def start(
        self,
        provider: str,
        client_type: ClientType,
        delivery: Delivery,
        redirect_uri: str,
        return_to: str,
        now: int,
        *,
        binder: str = "",
        merges: bool = False,
    ) -> Flow:
        """Mint a flow that lives ten minutes from `now` (epoch seconds)."""
        return Flow(
            provider=provider,
            client_type=client_type,
            delivery=delivery,
            redirect_uri=redirect_uri,
            return_to=return_to,
            expiry_time=now + LIFE,
            state=new_state(),
            nonce=new_state(),
            code_verifier=secrets.token_urlsafe(48),
            binder=binder,
            merges=merges,
        )

    def seal(self, flow: Flow) -> str:
        """Return the flow sealed; it opens with its state alone."""
        parts = (
            flow.provider,
            flow.client_type,
            flow.delivery,
            flow.redirect_uri,
            flow.return_to,
            flow.expiry_time,
            flow.nonce,
            flow.code_verifier,
            flow.binder,
            flow.merges,
        )
        return self._sealer.seal(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode(), flow.state)

    def open(self, state: str, sealed: str | None, now: int) -> Flow:
        """Return the flow that `state` and the browser's `sealed` text agree on.

        Raises `StateInvalid` when they do not, `StateExpired` when the flow's ten minutes are over.
        """
        if not sealed or len(state) != STATE_LENGTH:
            raise StateInvalid("no flow of this browser answers to the state")
        try:
            provider, client, delivery, redirect_uri, return_to, expiry, nonce, verifier, binder, merges = json.loads(
                self._sealer.open(sealed, state)
            )
        except SealError:
            raise StateInvalid("no flow of this browser answers to the state") from None
        if expiry <= now:
            raise StateExpired("the flow was started more than ten minutes ago")
        return Flow(
            provider=provider,
            client_type=ClientType(client),
            delivery=Delivery(delivery),
            redirect_uri=redirect_uri,
            return_to=return_to,
            expiry_time=expiry,
            state=state,
            nonce=nonce,
            code_verifier=verifier,
            binder=binder,
            merges=merges,
        )

    def ticket(self, flow: Flow) -> str:
        """Return the flow as a ticket, which carries its own state."""
        return f"{flow.state}.{self.seal(flow)}"

    def open_ticket(self, ticket: str, now: int) -> Flow:
        """Return the flow of a ticket. Raises as `open`."""
        state, _, sealed = ticket.partition(".")
        return self.open(state, sealed, now)

    def code_hash(self, provider: str, code: str) -> str:
        """The hash under which a presented code is remembered: of the provider's codes, never the code itself."""
        return keyed_hash(self._code_key, provider, code)

    def redeem(self, transaction: Transaction, flow: Flow, codes: Sequence[str], now: int) -> bool:
        """Spend the flow together with the codes that came back to it; False when it was spent already.

        Raises `CodeSeen` when one of the codes belongs to another flow.
        """
        own = token_hash(flow.state)
        code_hashes = list(dict.fromkeys(self.code_hash(flow.provider, code) for code in codes))
        owners = flows.find_owners(transaction, [own, *code_hashes])
        if own in owners:
            return False
        if any(owners.get(code, own) != own for code in code_hashes):
            raise CodeSeen("this code was presented before")
        new = [(code, own, now + CODE_MEMORY) for code in code_hashes if code not in owners]
        flows.insert_all_used(transaction, [(own, "", flow.expiry_time), *new])
        return True

    def remember_code(self, transaction: Transaction, provider: str, code: str, flow_state: str, now: int) -> None:
        """Let a code that came with `flow_state` (empty: none of ours) be of no use to any other flow.

        Raises `CodeSeen` when it was presented before by another flow, or by a client.
        """
        hash_, owner = self.code_hash(provider, code), token_hash(flow_state) if flow_state else ""
        if flows.insert_used(transaction, hash_, owner, now + CODE_MEMORY):
            return
        first = flows.find_used(transaction, hash_)
        if not owner or first is None or first[0] != owner:
            raise CodeSeen("this code was presented before")


def spend(transaction: Transaction, flow: Flow) -> bool:
    """Spend the flow; False when it was spent already."""
    return flows.insert_used(transaction, token_hash(flow.state), "", flow.expiry_time)


def close(transaction: Transaction, flow: Flow, outcome: str) -> None:
    """Note how a spent flow ended (`DONE`, `FAILED`)."""
    flows.update_outcome(transaction, token_hash(flow.state), outcome)


def find_outcome(transaction: Transaction, flow: Flow) -> str:
    """Return how a spent flow ended; empty while it is under way."""
    used = flows.find_used(transaction, token_hash(flow.state))
    return used[1] if used else ""
