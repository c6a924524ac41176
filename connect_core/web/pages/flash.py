"""Flash messages: what the next page says once about what has just happened, such as "Alipay has been unlinked".

A message is one of `MESSAGES`, and where its text names a login, that login's union type. It travels as the value of a
cookie, which can say nothing else: whoever plants one can only choose among our texts. Never touches a request.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from connect_core.identity import Language

MESSAGES: Mapping[str, str] = {
    "confirmed": "success",
    "erased": "success",
    "join_nobody": "notice",
    "linked": "success",
    "logged_out": "success",
    "merge_undone": "success",
    "merged": "success",
    "other_sessions_ended": "success",
    "password_changed": "success",
    "password_set": "success",
    "session_ended": "success",
    "unlinked": "success",
}
"""Every message and the kind of its banner. The texts are `flash_` and this key in `messages.TEXTS`; with a login's
name, `flash_..._name`."""
FLASH_SECONDS = 60
"""Seconds for which a message waits for a page to say it."""
_VALUE = re.compile(r"([a-z_]{1,32})(?:\.([A-Z0-9_]{1,32}))?")
_PENDING: ContextVar["PendingFlash | None"] = ContextVar("connect_flash", default=None)


@dataclass(frozen=True, slots=True)
class Flash:
    """A message: `key` is one of `MESSAGES`, `union_type` the login that it is about, or empty."""

    key: str
    union_type: str = ""

    def __post_init__(self) -> None:
        """Raise `ValueError` for a message that is none of `MESSAGES`."""
        if self.key not in MESSAGES:
            raise ValueError(f"there is no flash message {self.key}")

    def __str__(self) -> str:
        """Return the cookie's value, `unlinked.ALIPAY`; a union type that does not fit is left out."""
        value = f"{self.key}.{self.union_type}"
        return value if _VALUE.fullmatch(value) else self.key


def parse_flash(value: str) -> Flash | None:
    """Return the message of a cookie's value, None for anything that `Flash` does not write."""
    match = _VALUE.fullmatch(value)
    return Flash(match[1], match[2] or "") if match and match[1] in MESSAGES else None


@dataclass(slots=True)
class PendingFlash:
    """The message that this request's browser brought along; `is_shown` once a page says it.

    `find_name` returns what a login is called in a language, by its union type; an empty text for an unknown one.
    """

    flash: Flash
    find_name: Callable[[str, Language], str]
    is_shown: bool = False

    def show(self, language: Language) -> tuple[str, str]:
        """Return the key of the message's text and the name that goes into it, and note that it is shown."""
        self.is_shown = True
        name = self.find_name(self.flash.union_type, language) if self.flash.union_type else ""
        return f"flash_{self.flash.key}" + ("_name" if name else ""), name


@contextmanager
def bringing(pending: PendingFlash) -> Iterator[None]:
    """Let the pages that are rendered until the block ends show the message."""
    token = _PENDING.set(pending)
    try:
        yield
    finally:
        _PENDING.reset(token)


def get_pending_flash() -> PendingFlash | None:
    """Return the message that this request's browser brought along, None when there is none."""
    return _PENDING.get()
