"""Request ids: 16 hexadecimal digits by which a request is found in the log and among the events.

An id begins with the time, so that the events of a request are found where events of that time are stored. An index on
the ids would take longer to create than logins can wait, and every login would pay for it.
"""

import secrets
import time
from collections.abc import Iterator

_PERIOD = 2**26
"""Seconds, about two years, after which the times in ids begin again: what is left of 64 bits is random."""
_RANDOM_BITS = 38


def new_request_id() -> str:
    """Return the id of a request that comes now."""
    return f"{int(time.time()) % _PERIOD << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS):016x}"


def find_times(request_id: str, earliest: float, latest: float) -> Iterator[int]:
    """Yield each second from `earliest` to `latest` (epoch seconds) at which the id may have been made, the last first.

    That is one for each two years.
    """
    second = int(latest) - (int(latest) - (int(request_id, 16) >> _RANDOM_BITS)) % _PERIOD
    while second >= earliest:
        yield second
        second -= _PERIOD
