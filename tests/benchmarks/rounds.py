"""Rounds of logins, at one shop after the other, and what they cost in the middle.

Shops that are compared take turns, a few hundred milliseconds each, so that a machine whose cores are shared is as kind
to one as to the other. Figures are the median of the rounds, and a ratio is the median of the rounds' ratios.
"""

import platform
import sqlite3
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from connect_core.crypto import RsaPrivateKey

from .processes import Measured, Shop, Visitors, measured, new_people, visiting

ROUNDS = 7
PEOPLE = 128
WARM_UP = 48
KINDS = ("first", "returning")


@dataclass(frozen=True, slots=True)
class Round:
    """What a round cost: CPU in ms for each request, the callbacks' latencies in ms, and who was logged in."""

    start: float
    callback: float
    who: float
    latencies: Sequence[float]
    members: Sequence[int]


@dataclass(frozen=True, slots=True)
class Rounds:
    """Equal rounds at one shop."""

    rounds: list[Round] = field(default_factory=list)

    @property
    def start(self) -> float:
        """CPU of a start in ms."""
        return statistics.median(one.start for one in self.rounds)

    @property
    def callback(self) -> float:
        """CPU of a callback in ms."""
        return statistics.median(one.callback for one in self.rounds)

    @property
    def who(self) -> float:
        """CPU of `/connect/me` in ms."""
        return statistics.median(one.who for one in self.rounds)

    @property
    def login(self) -> float:
        """CPU of a login in ms: its start and its callback."""
        return statistics.median(one.start + one.callback for one in self.rounds)

    @property
    def spread(self) -> float:
        """By how many per cent the round farthest from the middle differs from it."""
        return max(abs(one.start + one.callback - self.login) for one in self.rounds) / self.login * 100

    def ratio(self, other: "Rounds") -> float:
        """How much a login costs compared with one at the `other` shop, in rounds that took turns with these."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median((one.start + one.callback) / (two.start + two.callback) for one, two in pairs)

    def latency(self, percent: int) -> float:
        """A percentile of all callbacks in ms."""
        every = sorted(one for some in self.rounds for one in some.latencies)
        return every[(len(every) - 1) * percent // 100]


async def log_in_twice(
    shops: Sequence[Shop], provider: str, in_flight: int, *, warm_up: int = WARM_UP, number: int = ROUNDS
) -> list[dict[str, Rounds]]:
    """Log new people in at each of the shops, and once more; returns what it cost there, `first` and `returning`."""
    found = [{kind: Rounds() for kind in KINDS} for _ in shops]
    async with visiting() as http:
        crowds = [Visitors(http, shop, provider) for shop in shops]
        for visitors in crowds:
            await visitors.log_in(new_people(warm_up), in_flight)
        people_of_rounds = [new_people(max(PEOPLE, in_flight)) for _ in range(number)]
        for people, kind in product(people_of_rounds, KINDS):
            for visitors, costs in zip(crowds, found, strict=True):
                costs[kind].rounds.append(await log_in(visitors, people, in_flight))
    for costs in found:
        for first, again in zip(costs["first"].rounds, costs["returning"].rounds, strict=True):
            assert len(set(first.members)) == len(first.members)
            assert first.members == again.members
    return found


async def log_in(visitors: Visitors, people: Sequence[str], in_flight: int) -> Round:
    """Log everybody in, and ask who is logged in."""
    start, callback = await visitors.log_in(people, in_flight)
    who: Measured[int] = await measured(visitors.shop, visitors.ask_who, callback.answers, in_flight)
    return Round(start.cpu, callback.cpu, who.cpu, callback.latencies, who.answers)


def show_machine() -> None:
    """Print what the figures depend on."""
    model = next((line for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines() if "model name" in line), "")
    cores, load = Path("/proc/cpuinfo").read_text("utf-8").count("processor\t"), Path("/proc/loadavg").read_text()
    sys.stdout.write(
        f"\n\n{model.partition(': ')[2]}, {cores} cores, load {load.split()[0]}; Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}\none RSA-2048 signature costs {signature_cost():.0f} µs of CPU here, now: "
        f"compare machines by that\n"
    )


def signature_cost() -> float:
    """What the one cost that no code of ours can change amounts to on this machine, in µs."""
    key = RsaPrivateKey.generate()
    before = time.thread_time()
    for _ in range(200):
        key.sign(b"text")
    return (time.thread_time() - before) / 200 * 1e6
