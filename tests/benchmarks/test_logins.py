"""What a login costs: ours beside the floor, in the same run. It asserts that logins succeed, and nothing about time.

CPU is counted for one process alone and can be compared; latencies hold the sandboxes' work and the load's, and are as
noisy as the machine. The way to the sandboxes is plain HTTP: TLS to the vendor comes on top of both.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.databases import is_answering, new_database, server_of

from .processes import FLOOR, Shop, running_shop
from .rounds import Rounds, log_in_twice, show_machine, signature_cost

IN_FLIGHT = (1, 8, 32, 128)
HEAD = (
    f"{'':<17} {'in':>6} {'RSA':>5}   {'CPU ms for each':>38}   {'callback, ms':>13}   {'the floor, CPU ms':>25}\n"
    f"{'':<17} {'flight':>6} {'µs':>5}   {'login':>6} {'±':>4} {'start':>7} {'callback':>10} {'/me':>7}   "
    f"{'p50':>6} {'p99':>6}   {'login':>6} {'±':>4} {'ours is':>13}\n"
)


@pytest.mark.parametrize("kept", ["full", "normal", "postgresql"])
def test_logins(kept: str, require: Callable[[object, str], None], vendors: str, tmp_path: Path) -> None:
    """First and returning logins succeed at every load, everybody is one member, and the table is printed."""
    server = server_of(kept) if kept == "postgresql" else ""
    require(not server or is_answering(server), f"{kept} does not answer on this machine")
    show_machine()
    with (
        new_database(server, tmp_path) as url,
        running_shop(tmp_path / "shop", vendors, "normal" if server else kept, database_url=url) as shop,
        running_shop(tmp_path / "floor", vendors, command=FLOOR) as floor,
    ):
        told = "PostgreSQL, without the server's own CPU" if server else f"SQLite synchronous = {kept}"
        sys.stdout.write(f"{told}; the floor's is SQLite, normal\n{HEAD}")
        for provider in ("alipay", "oauth2"):
            for in_flight in IN_FLIGHT:
                compare(shop, floor, provider, in_flight)
        for in_flight in IN_FLIGHT[1:3]:
            compare(shop, None, "wechat", in_flight)


def compare(shop: Shop, floor: Shop | None, provider: str, in_flight: int) -> None:
    """Log people in at both in turn, and print a row for each time that they come, with what RSA costs meanwhile."""
    before = signature_cost()
    found = asyncio.run(log_in_twice([shop, *([floor] if floor else [])], provider, in_flight))
    rsa = (before + signature_cost()) / 2
    for kind in ("first", "returning"):
        ours = found[0][kind]
        theirs = f"   {shown(found[1][kind])} {ours.login / found[1][kind].login:>11.1f} ×" if floor else ""
        sys.stdout.write(
            f"{provider:<7} {kind:<9} {in_flight:>6} {rsa:>5.0f}   {shown(ours)} {ours.start:>7.2f} "
            f"{ours.callback:>10.2f} {ours.who:>7.2f}   {ours.latency(50):>6.1f} {ours.latency(99):>6.1f}{theirs}\n"
        )


def shown(rounds: Rounds) -> str:
    """What a login costs, and by how many per cent the rounds differ from their middle."""
    return f"{rounds.login:>6.2f} {rounds.spread:>3.0f}%"
