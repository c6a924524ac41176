"""The clock that tests give to a shop, a cache or a sandbox and then move."""

import time


class Clock:
    """A callable that returns a Unix time in seconds.

    `Clock()` runs with the machine's clock; `Clock(moment)` stands still at `moment` until a test moves it.
    """

    def __init__(self, moment: float | None = None) -> None:
        self._moment = moment
        self._skew = 0.0

    def __call__(self) -> float:
        return (time.time() if self._moment is None else self._moment) + self._skew

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._skew += seconds

    def set(self, moment: float) -> None:
        """Stop at `moment`, a Unix time in seconds."""
        self._moment, self._skew = moment, 0.0
