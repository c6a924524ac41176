"""The log of refusals: who was refused what, without letting a flood of refusals fill the disk."""

import logging
import time
from collections.abc import Callable, Mapping

from connect_core.errors import ConnectError, NotLoggedIn, ProviderFault, RequestRefused

log = logging.getLogger("connect_login")

REFUSALS_A_MINUTE = 60
"""Refusals of one code that a process logs in a minute."""


class RefusalLog:
    """The log of refusals: each is a line, until there are so many that somebody wants to fill the disk."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now` answers seconds that never go back."""
        self._now = now
        self._counted: dict[str, tuple[int, int]] = {}

    def note(self, error: ConnectError, context: Mapping[str, object]) -> None:
        """Log a refusal: a warning where the operator must act, else information.

        Of one code there are `REFUSALS_A_MINUTE` lines a minute; how many were left out stands before the next one.
        """
        minute, (of, count) = int(self._now() // 60), self._counted.get(error.code, (0, 0))
        if of != minute:
            if left_out := max(0, count - REFUSALS_A_MINUTE):
                log.warning("refusals_left_out", extra={"code": error.code, "count": left_out})
            count = 0
        self._counted[error.code] = minute, count + 1
        if count < REFUSALS_A_MINUTE:
            _log_refusal(error, context)


def _log_refusal(error: ConnectError, context: Mapping[str, object]) -> None:
    is_operators = isinstance(error, ProviderFault) or not isinstance(error, RequestRefused)
    level = logging.WARNING if is_operators else logging.DEBUG if isinstance(error, NotLoggedIn) else logging.INFO
    vendor = {f"vendor_{key}": value for key, value in error.vendor.items()}
    log.log(level, "login_refused", extra={"code": error.code, "reason": str(error), **context, **vendor})
