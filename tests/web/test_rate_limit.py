"""The counters behind rate limits: they count, end with their window, and do not grow without bound."""

import time

from connect_core.web import rate_limit
from connect_core.web.rate_limit import CountersInMemory


def test_hits_add_up_within_a_window() -> None:
    """Each key has a sum of its own, and forgets it when told."""
    store = CountersInMemory()
    assert [store.incr("a", 60), store.incr("a", 60, 2), store.incr("b", 60)] == [1, 3, 1]
    assert (store.get("a"), store.get("unknown")) == (3, 0)
    assert 0 < store.get_expiry("a") - time.time() <= 60
    store.clear("a")
    assert store.get("a") == 0
    assert (store.reset(), store.get("b")) == (1, 0)


def test_a_window_ends() -> None:
    """When the window is over the count begins anew."""
    store = CountersInMemory()
    assert store.incr("a", 0) == store.incr("a", 0) == 1
    assert store.get("a") == 0


def test_a_flood_of_addresses_leaves_no_memory_behind() -> None:
    """Counters whose window is over make room; of too many live ones none is kept."""
    store = CountersInMemory()
    for number in range(rate_limit.MOST):
        store.incr(f"old {number}", 0)
    store.incr("live", 60)
    assert (store.get("live"), store.reset()) == (1, 1)
    for number in range(rate_limit.MOST + 1):
        store.incr(f"live {number}", 60)
    assert store.reset() == 1
