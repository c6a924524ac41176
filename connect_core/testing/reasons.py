"""Why a login failed, for the message of a rule that breaks: from the shop's log and from the sandboxes.

Reads events of the log alone, which have no secret in them. Decides about no rule.
"""

import logging
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import httpx

from connect_core.sandbox import Sandbox

PROFILE_REFUSED, PHONE_REFUSED = "profile_refused", "phone_refused"
"""Events of the log after which a login goes on without a profile, or without a phone number."""
_EVENTS = ("login_refused", PROFILE_REFUSED, PHONE_REFUSED)
_LOGGER = "connect_login"


class Reasons(logging.Filter):
    """What was refused since the last `clear`. Listens to the shop's log while it is used as a context manager.

    `sandboxes` are those whose own reasons count. Lines that nobody else would see stay unseen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sandboxes: list[Sandbox] = []
        self._records: deque[Any] = deque(maxlen=1000)  # log records with the fields of our events
        self._level = logging.NOTSET

    def __enter__(self) -> Self:
        logger = logging.getLogger(_LOGGER)
        self._level = logger.level
        logger.setLevel(logging.DEBUG)
        logger.addFilter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logger = logging.getLogger(_LOGGER)
        logger.removeFilter(self)
        logger.setLevel(self._level)

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a record of a refusal; let pass what the logger's level would let pass without this filter."""
        if record.msg in _EVENTS:
            self._records.append(record)
        return record.levelno >= (self._level or logging.root.level)

    def clear(self) -> None:
        """Forget what was refused."""
        self._records.clear()
        for sandbox in self.sandboxes:
            sandbox.refused.clear()

    def find(self, event: str, code: str = "") -> str:
        """Return the code and the reason of the last `event` of the log, or of the last with that `code`.

        The empty text stands for none.
        """
        records = [record for record in self._records if record.msg == event and code in ("", record.code)]
        return _describe(records[-1]) if records else ""

    def find_lost(self) -> str:
        """Return what a login that worked went without, and why; the empty text when it has everything."""
        lost = {"without a profile": self.find(PROFILE_REFUSED), "without a phone number": self.find(PHONE_REFUSED)}
        return "; ".join(f"{what}: {reason}" for what, reason in lost.items() if reason)

    def explain(self, answer: httpx.Response) -> str:
        """Return what an answer of the shop means, without the ids of requests, which differ every time."""
        return "; ".join(filter(None, [self._read(answer), *self._list_sandboxes()]))

    def _read(self, answer: httpx.Response) -> str:
        if answer.headers.get("content-type", "") == "application/problem+json":
            code = answer.json().get("code", "")
            return self.find("login_refused", code) or f"HTTP {answer.status_code} {code}"
        if answer.status_code < 400:
            return f"the person was logged in (HTTP {answer.status_code}) {self.find_lost()}".rstrip()
        return f"HTTP {answer.status_code} {answer.text[:200]}"

    def _list_sandboxes(self) -> Iterator[str]:
        for sandbox in self.sandboxes:
            if sandbox.refused:
                yield f"the sandbox refused {sandbox.refused[-1]}"


def _describe(record: Any) -> str:
    vendor = {name: value for name, value in vars(record).items() if name.startswith("vendor_")}
    vendor_text = f" ({', '.join(f'{name} {value}' for name, value in vendor.items())})" if vendor else ""
    return f"{record.code}: {record.reason}{vendor_text}"
