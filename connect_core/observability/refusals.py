"""The log of refused logins, limited so that a flood of refused requests cannot fill the disk."""

import logging
import time
from collections.abc import Callable, Mapping

from connect_core.errors import AuthorizationRefused, ConnectError, NotLoggedIn, ProviderDown, RequestRefused

log = logging.getLogger("connect_login")

REFUSALS_A_MINUTE = 60
"""How many refusals with the same error code a process logs in a minute."""


class RefusalLog:
    """Logs refusals, one line each, up to `REFUSALS_A_MINUTE` for each error code. Make one for each process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now` returns seconds on a clock that never goes back."""
        self._now = now
        self._counted: dict[tuple[str, bool], tuple[int, int]] = {}

    def note(self, error: ConnectError, context: Mapping[str, object]) -> None:
        """Log a refusal: as a warning where the operator must act, else as information.

        `context` becomes fields of the line. Refusals over the limit are counted; the first line of a later minute is
        preceded by one that says how many were left out.
        """
        kind = error.code, _needs_operator(error)  # a flood of what visitors do does not hide what an operator must see
        minute, (counted_minute, count) = int(self._now() // 60), self._counted.get(kind, (0, 0))
        if counted_minute != minute:
            if left_out := max(0, count - REFUSALS_A_MINUTE):
                log.warning("refusals_left_out", extra={"code": error.code, "count": left_out})
            count = 0
        self._counted[kind] = minute, count + 1
        if count < REFUSALS_A_MINUTE:
            _log_refusal(error, context)


def _needs_operator(error: ConnectError) -> bool:
    return error.needs_operator or not isinstance(error, RequestRefused | AuthorizationRefused | ProviderDown)


def _log_refusal(error: ConnectError, context: Mapping[str, object]) -> None:
    level = (
        logging.WARNING if _needs_operator(error) else logging.DEBUG if isinstance(error, NotLoggedIn) else logging.INFO
    )
    vendor = {f"vendor_{key}": value for key, value in error.vendor.items()}
    log.log(level, "login_refused", extra={"code": error.code, "reason": str(error), **context, **vendor})
