"""The counters behind rate limits: they count, end with their window, and do not grow without bound."""

import pytest

from connect_core.errors import RateLimited
from connect_core.web import rate_limit
from connect_core.web.rate_limit import CountersInMemory, Limiter


def test_hits_add_up_within_a_window() -> None:
    """Each key has a sum of its own."""
    counters = CountersInMemory()
    assert [counters.add("a", 60), counters.add("a", 60, 2), counters.add("b", 60)] == [1, 3, 1]
    assert (counters.get("a"), counters.get("unknown")) == (3, 0)


def test_a_window_ends() -> None:
    """When the window is over the count begins anew."""
    counters = CountersInMemory()
    assert counters.add("a", 0) == counters.add("a", 0) == 1
    assert counters.get("a") == 0


def test_a_flood_of_addresses_leaves_no_memory_behind() -> None:
    """Counters whose window is over make room; of too many live ones none is kept."""
    counters = CountersInMemory()
    for number in range(rate_limit.MOST):
        counters.add(f"old {number}", 0)
    counters.add("live", 60)
    assert (counters.get("live"), len(counters)) == (1, 1)
    counters = CountersInMemory()
    for number in range(rate_limit.MOST + 1):
        counters.add(f"live {number}", 60)
    assert len(counters) == 1


def test_only_another_rule_begins_to_count_anew() -> None:
    """Settings that are read again, with the same rule, forgive nobody."""
    limiter = Limiter("1/minute")
    limiter._counters.add("192.0.2.1", 60)
    limiter.set_rule("1/minute")
    with pytest.raises(RateLimited):
        limiter.check("192.0.2.1")
    limiter.set_rule("2/minute")
    limiter.check("192.0.2.1")
