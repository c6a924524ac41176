"""What counting costs: the measurements of a login, each in a tight loop, and a shop that counts beside one without.

The first figure is the exact one: a machine's noise is larger than the 2 % that all measurements together may cost.
"""

import asyncio
import sys
import time
import timeit
from collections.abc import Callable, Mapping
from pathlib import Path

from connect_core import measurements
from connect_core.observability.metrics import Counts
from tests.kit.ports import free_port
from tests.kit.scraping import Samples, scrape

from .processes import Shop, Visitors, new_people, running_shop, visiting
from .rounds import log_in_twice, show_machine

IN_FLIGHT = 8
CALLS: Mapping[str, Callable[[], None]] = {
    "login": lambda: measurements.current.count_login("started", "alipay", "pc"),
    "provider_call_duration_seconds": lambda: measurements.current.observe_provider_call(
        "a", "fetch_profile", "ok", 0.2
    ),
    "db_duration_seconds": lambda: measurements.current.observe_database("write", 0.002),
    "flow_age_seconds": lambda: measurements.current.observe_flow_age(3),
}
"""The measurements of a login that succeeds, by the metric that they go to."""


def test_what_counting_costs(vendors: str, tmp_path: Path) -> None:
    """Logins succeed with and without metrics; what the measurements of a login cost is printed."""
    show_machine()
    port = free_port()
    options = ("--management-port", str(port))
    with (
        running_shop(tmp_path / "silent", vendors, "normal") as silent,
        running_shop(tmp_path / "counting", vendors, "normal", options=options) as counting,
    ):
        without, with_ = asyncio.run(log_in_twice([silent, counting], "alipay", IN_FLIGHT))
        numbers = asyncio.run(count_calls(counting, f"http://127.0.0.1:{port}"))
    costs = get_costs()
    login = without["returning"].login * 1000
    total = sum(costs[name] * number for name, number in numbers.items())
    sys.stdout.write("".join(f"{name:<32} {numbers[name]:>3.0f} × {costs[name]:.2f} µs\n" for name in numbers))
    sys.stdout.write(
        f"a returning login: {total:.1f} µs of {login:.0f} µs are measurements: {total / login * 100:.1f} %; measured "
        f"as a whole: {with_['returning'].login * 1000:.0f} µs (± {with_['returning'].spread:.0f} %)\n"
    )


async def count_calls(shop: Shop, management: str) -> dict[str, float]:
    """How many measurements a returning login takes, by metric."""
    people = new_people(20)
    async with visiting() as http:
        visitors = Visitors(http, shop, "alipay")
        await visitors.log_in(people, 1)
        before = sum_up(scrape(management))
        await visitors.log_in(people, 1)
        after = sum_up(scrape(management))
    return {name: (after[name] - before[name]) / len(people) for name in CALLS}


def sum_up(samples: Samples) -> dict[str, float]:
    """How many measurements each metric has had."""
    return {
        name: sum(
            value
            for (sample, _), value in samples.items()
            if sample in (f"connect_{name}_total", f"connect_{name}_count")
        )
        for name in CALLS
    }


def get_costs() -> dict[str, float]:
    """The CPU time of each measurement in µs, with what there is in a shop: a listener."""
    before = measurements.listen(Counts())
    try:
        number = 50_000
        return {
            name: min(timeit.repeat(call, number=number, repeat=5, timer=time.thread_time)) / number * 1e6
            for name, call in CALLS.items()
        }
    finally:
        measurements.listen(before)
