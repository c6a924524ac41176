"""Request ids: their form, and the time that can be read from them."""

import time

import pytest

from connect_core.request_ids import find_times, new_request_id

YEARS = 366 * 86400


def test_ids_of_one_second_differ() -> None:
    """16 digits each; a busy second has no two that are the same."""
    ids = [new_request_id() for _ in range(2000)]
    assert len({*ids}) == len(ids)
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in ids)


@pytest.mark.parametrize("age", [0, 59, 86400, 2 * YEARS, 5 * YEARS])
def test_an_id_tells_when_it_was_made(age: int) -> None:
    """To the second; whether these or those two years, it does not know."""
    made, now = int(time.time()), time.time() + age
    request_id = new_request_id()
    times = [*find_times(request_id, made - 5, now + 5)]
    assert any(made <= second <= made + 1 for second in times)
    assert len(times) == 1 + age // 2**26
    assert times == sorted(times, reverse=True)


def test_an_id_of_another_time_tells_none() -> None:
    """Where all events are older or newer than it."""
    now = time.time()
    assert [*find_times(new_request_id(), now + 60, now + 7200)] == []
    assert [*find_times(new_request_id(), now - 7200, now - 60)] == []
