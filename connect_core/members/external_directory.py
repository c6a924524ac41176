"""The shop's own member directory, guarded: every call has a deadline, every failure is one error, answers are checked.

Knows nothing of sessions or connections, and decides nothing: what is asked, and when, is decided in `directory`.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from connect_core.deadlines import Failure, run_within
from connect_core.errors import ConnectError, Unavailable
from connect_core.identity import ClientType, Identity, Profile
from connect_core.providers.hookspecs import MemberDirectory

T = TypeVar("T")

CALL_DEADLINE = 4.0
"""Seconds that one call to a directory may take."""
RETRY_AFTER = 2
_ID_MAX = 2**63


def get_registration_key(identity: Identity, times_unbound: int = 0) -> str:
    """Return the idempotency key under which a directory registers a person.

    It is the SHA-256, in hex, of the UTF-8 text `connect-login registration` and the union type, kind, scope and value
    of the strongest id, joined by NUL. No secret is in it, so it stays the same when `secret_keys` are rotated. An
    identity that was unbound belongs to nobody: from then on `times_unbound`, in digits, is appended as one more part,
    so that the key does not lead to the former member.
    """
    strongest = identity.strongest
    parts = ["connect-login registration", identity.union_type, strongest.kind, strongest.scope, strongest.value]
    if times_unbound:
        parts.append(str(times_unbound))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class ExternalDirectory:
    """A `MemberDirectory` whose calls have a deadline, whose failures are `Unavailable`, whose answers are checked."""

    def __init__(self, directory: MemberDirectory, deadline: float = CALL_DEADLINE) -> None:
        """`deadline` is in seconds, for each call."""
        self._directory = directory
        self._deadline = deadline

    async def find(self, member_id: int) -> Mapping[str, Any] | None:
        """Return what is shown of a member, or None."""
        shown = await self._ask("find", lambda: self._directory.find(member_id))
        if shown is not None and not isinstance(shown, Mapping):
            raise _malformed("find")
        return shown

    async def register(self, key: str, profile: Profile, client_type: ClientType) -> int:
        """Register a member, or return the one of an earlier `key`."""
        member_id: object = await self._ask("register", lambda: self._directory.register(key, profile, client_type))
        if not isinstance(member_id, int) or isinstance(member_id, bool) or not 0 < member_id < _ID_MAX:
            raise _malformed("register")
        return member_id

    async def is_disabled(self, member_id: int) -> bool:
        """Tell whether the shop refuses this member; None or a number is no answer."""
        answer = await self._ask("is_disabled", lambda: self._directory.is_disabled(member_id))
        if not isinstance(answer, bool):
            raise _malformed("is_disabled")
        return answer

    async def update_profile(self, member_id: int, profile: Profile) -> None:
        """Hand on a newer profile."""
        await self._ask("update_profile", lambda: self._directory.update_profile(member_id, profile))

    async def erase(self, member_id: int) -> None:
        """Let the directory erase its member, where it has an `erase`."""
        erase = getattr(self._directory, "erase", None)
        if erase is not None:
            await self._ask("erase", lambda: erase(member_id))

    async def aclose(self) -> None:
        """Let the directory close what it holds, where it has an `aclose`."""
        close = getattr(self._directory, "aclose", None)
        if close is not None:
            with suppress(Unavailable):
                await self._ask("aclose", close)

    async def _ask(self, question: str, ask: Callable[[], Awaitable[T]]) -> T:
        outcome = await run_within(ask, self._deadline, "member directory")
        if not isinstance(outcome, Failure):
            return outcome
        if isinstance(outcome.error, ConnectError | KeyboardInterrupt):
            raise outcome.error
        # the cause is not chained: its text may hold an address or a token
        failed = type(outcome.error).__name__
        raise Unavailable(f"the member directory failed at {question}: {failed}", retry_after=RETRY_AFTER)


def _malformed(question: str) -> Unavailable:
    return Unavailable(f"the member directory's answer to {question} has another form", retry_after=RETRY_AFTER)
