"""Bearer tokens of the management API: created, listed, revoked, and found when one is presented.

A token is shown once, when it is created, and stored as a hash. Never reads a request.
"""

import re
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from connect_core.acts import OperatorAct
from connect_core.crypto import token_hash
from connect_core.errors import BadRequest, NotThere, Unavailable
from connect_core.store import Database, Transaction, api_tokens, audit
from connect_core.store.api_tokens import ApiTokenRow

PREFIX = "cla_"
"""What every token begins with, so that scanners of source code recognise one."""
SEEN_STEP = 60
"""A token's last use is written at most once in so many seconds."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,47}")


class Scope(StrEnum):
    """What a token may do. Writing does not include reading."""

    READ_MEMBERS = "members:read"
    WRITE_MEMBERS = "members:write"
    READ_SETTINGS = "settings:read"
    WRITE_SETTINGS = "settings:write"
    READ_EVENTS = "events:read"
    WRITE_EVENTS = "events:write"
    READ_ADMINISTRATORS = "administrators:read"
    WRITE_ADMINISTRATORS = "administrators:write"
    READ_AUDIT = "audit:read"
    RUN_DOCTOR = "doctor:run"
    READ_DASHBOARD = "dashboard:read"
    READ_KEYS = "keys:read"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as lists show it; times are epoch seconds, `seen_time` 0 for never.

    `state` is `active`, `expired` or `revoked`. Unknown scopes, of a later version, are left out.
    """

    id: int
    name: str
    scopes: frozenset[Scope]
    state: str
    actor: str
    create_time: int
    expiry_time: int
    seen_time: int


class ApiTokens:
    """The tokens of one service."""

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        """`now` answers epoch seconds."""
        self._database, self._now = database, now

    async def create(self, name: str, scopes: Collection[Scope], seconds: int, act: OperatorAct) -> str:
        """Create a token that expires in `seconds`, and return it: it is shown this once.

        Raises `BadRequest` for a name that is no 1 to 48 letters, digits and signs of . _ @ -, for a name of an active
        token, without a scope, and for a lifetime that is not positive.
        """
        if not _NAME.fullmatch(name):
            raise BadRequest("the name has 1 to 48 letters, digits and signs of . _ @ -, a letter or digit first")
        if not scopes or seconds <= 0:
            raise BadRequest("a token has at least one scope, and a lifetime")
        now, token = self._now(), PREFIX + secrets.token_urlsafe(32)
        words = " ".join(sorted(scopes))
        row = ApiTokenRow(0, name, token_hash(token), words, act.operator, now, now + seconds, 0, None)

        def insert(tx: Transaction) -> None:
            active = [_view(each, now) for each in api_tokens.find_tokens(tx)]
            if any(each.name == name and each.state == "active" for each in active):
                raise BadRequest("there is an active token of this name: revoke it, or choose another name")
            api_tokens.insert_token(tx, row)
            audit.insert_record(tx, act, "token.created", _target(name), now, words)

        await self._database.write(insert)
        return token

    async def find_all(self) -> list[ApiToken]:
        """Return every token, the oldest first; also those that no longer hold, since the audit log names them."""
        now = self._now()
        return [_view(row, now) for row in await self._database.read(api_tokens.find_tokens)]

    async def revoke(self, name: str, act: OperatorAct) -> None:
        """Refuse the token of this name from now on. Raises `NotThere` when no token of it could be revoked."""
        now = self._now()

        def revoke(tx: Transaction) -> None:
            if not api_tokens.revoke_tokens(tx, name, now):
                raise NotThere("there is no token of this name that is not revoked")
            audit.insert_record(tx, act, "token.revoked", _target(name), now)

        await self._database.write(revoke)

    async def find(self, token: str) -> ApiToken | None:
        """Return what a presented token is, None unless it is active."""
        if not token.startswith(PREFIX):
            return None
        now = self._now()
        row = await self._database.read(lambda tx: api_tokens.find_token(tx, token_hash(token)))
        if row is None or _get_state(row, now) != "active":
            return None
        if now - row.seen_time >= SEEN_STEP:
            with suppress(Unavailable):  # the next request writes it
                await self._database.write(lambda tx: api_tokens.update_seen(tx, row.id, now))
        return _view(row, now)


def _view(row: ApiTokenRow, now: int) -> ApiToken:
    known = {scope.value for scope in Scope}
    return ApiToken(
        id=row.id,
        name=row.name,
        scopes=frozenset(Scope(word) for word in row.scopes.split() if word in known),
        state=_get_state(row, now),
        actor=row.actor,
        create_time=row.create_time,
        expiry_time=row.expiry_time,
        seen_time=row.seen_time,
    )


def _get_state(row: ApiTokenRow, now: int) -> str:
    return "revoked" if row.revoked_time is not None else "expired" if row.expiry_time <= now else "active"


def _target(name: str) -> str:
    return f"token {name}"
