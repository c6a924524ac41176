"""Tickets: values of ours that a browser or an app carries for us, sealed, and hands back unread and unchanged.

A ticket is `<key>.<sealed value>`. The key is not sealed; it is the associated data of the seal (AES-GCM), so a sealed
value opens with its own key alone. Whoever accepts a ticket spends its key: the primary key on the hash of a spent key
lets a ticket be used once.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from connect_core.crypto.sealing import Sealer, SealError, UnknownKey
from connect_core.errors import StateExpired, StateInvalid

TICKET_SECONDS = 600
"""Seconds for which a ticket is accepted: a login's start to its callback, a proof to what it is for."""
PLAIN_BYTES = 512
"""Bytes up to which a ticket's text is sealed as it is."""
_VALUES = TypeAdapter(list[Any])


class Expiring(Protocol):
    """A dataclass that knows when it expires."""

    @property
    def expiry_time(self) -> int:
        """Epoch seconds."""


T = TypeVar("T", bound=Expiring)


class TicketCodec(Generic[T]):
    """Seals and opens the tickets of one dataclass, one of whose fields is the key."""

    def __init__(
        self,
        keys: Sequence[bytes],
        kind: type[T],
        *,
        purpose: str,
        key_field: str = "key",
        upgrade: Callable[[list[Any]], list[Any]] = lambda values: values,
    ) -> None:
        """`keys`: 32 bytes each, the first seals, all open. `purpose` is a constant; tickets of another never open.

        `upgrade` turns the values of a ticket that an older release sealed into the fields of `kind`.
        """
        self._sealer = Sealer(keys, purpose)
        self._values: TypeAdapter[T] = _adapt(kind)
        self._key_field = key_field
        self._names = [field.name for field in fields(kind) if field.name != key_field]  # type: ignore[arg-type]
        self._upgrade = upgrade

    def seal(self, value: T) -> str:
        """Return the ticket of `value`."""
        dumped = self._values.dump_python(value, mode="json")
        key = dumped[self._key_field]
        values = [dumped[name] for name in self._names]  # without their names: a cookie has 4 KiB
        text = _VALUES.dump_json(values)
        # a long one is compressed: browsers and proxies limit the cookies of all tabs together
        packed = zlib.compress(text, 9) if len(text) > PLAIN_BYTES else text
        return f"{key}.{self._sealer.seal(packed, key)}"

    def open(self, ticket: str, now: int, *, what: str) -> T:
        """Return the value of a ticket that has not expired at `now` (epoch seconds).

        Raises `StateInvalid` for a text that is no ticket of ours and `StateExpired`; `what` says in their texts what
        the ticket is of.
        """
        return self.check_age(self.open_expired(ticket, what=what), now, what=what)

    def check_age(self, value: T, now: int, *, what: str) -> T:
        """Return `value` unless it has expired. Raises `StateExpired`."""
        if value.expiry_time <= now:
            raise StateExpired(f"{what} is more than {TICKET_SECONDS // 60} minutes old")
        return value

    def open_expired(self, ticket: str, *, what: str) -> T:
        """Return the value of a ticket, however old.

        Raises `StateInvalid`, with `needs_operator` for one that does not open: it was altered, or sealed with a secret
        key that this process does not have.
        """
        key, _, sealed = ticket.partition(".")
        try:
            packed = self._sealer.open(sealed, key)
            text = packed if packed.startswith(b"[") else zlib.decompress(packed)
            values = self._upgrade(_VALUES.validate_json(text))
            return self._values.validate_python({**dict(zip(self._names, values, strict=True)), self._key_field: key})
        except UnknownKey:
            reason = "was sealed with a key that this process does not have: have all processes the same secret_keys?"
            raise StateInvalid(f"{what} {reason}", needs_operator=True) from None
        except SealError:
            reason = "does not open: it was altered, or belongs to another key"
            raise StateInvalid(f"{what} {reason}", needs_operator=True) from None
        except (ValueError, zlib.error):
            raise StateInvalid(f"{what} is not of this release") from None


@cache
def _adapt(kind: type[Any]) -> TypeAdapter[Any]:
    """Return what reads and writes the fields of `kind`: made once, so that workers share their main process's."""
    return TypeAdapter(kind)
