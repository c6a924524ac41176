"""What a login costs on PostgreSQL: ours beside ours on SQLite and beside what a programmer would write by hand.

It asserts that logins succeed, and nothing about time. The database server's own CPU is not counted.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from tests.kit.databases import empty_database, is_answering, new_database, server_of

from .processes import HAND_WRITTEN, running_shop
from .rounds import KINDS, Rounds, log_in_twice, show_machine

IN_FLIGHT = 32
ROUNDS = 15
"""So many because a round differs from the next by 20 per cent and more, on a machine whose cores are shared."""
HEAD = (
    f"{'':<17}   {'CPU ms for a login':^41}   {'PostgreSQL':>10}   {'ours':>12}\n"
    f"{'':<17}   {'SQLite':>12}  {'PostgreSQL':>12}  {'by hand':>13}   {'÷ SQLite':>10}   {'÷ by hand':>12}\n"
)


def test_logins_on_postgresql(require: Callable[[object, str], None], vendors: str, tmp_path: Path) -> None:
    """First and returning logins succeed at all three shops, everybody is one member, and the table is printed."""
    server = server_of("postgresql")
    require(is_answering(server), "postgresql does not answer on this machine")
    with (
        new_database("", tmp_path) as file,
        new_database(server, tmp_path) as ours,
        empty_database(server, tmp_path) as theirs,
        running_shop(tmp_path / "sqlite", vendors, "normal", database_url=file) as on_sqlite,
        running_shop(tmp_path / "postgresql", vendors, database_url=ours) as on_postgresql,
        running_shop(tmp_path / "hand", vendors, command=HAND_WRITTEN, database_url=theirs) as hand_written,
    ):
        show_machine()
        sys.stdout.write(f"{IN_FLIGHT} in flight; SQLite synchronous = normal\n{HEAD}")
        for provider in ("alipay", "oauth2"):
            shops = [on_sqlite, on_postgresql, hand_written]
            costs = asyncio.run(log_in_twice(shops, provider, IN_FLIGHT, number=ROUNDS))
            for kind in KINDS:
                show(f"{provider:<7} {kind:<9}", [rounds[kind] for rounds in costs])


def show(name: str, costs: list[Rounds]) -> None:
    """Print a row: what a login costs at each shop, by how many per cent the rounds differ, and the ratios."""
    sqlite, postgresql, hand = costs
    shown = "  ".join(f"{rounds.login:>6.2f} ±{rounds.spread:>3.0f}%" for rounds in costs)
    sys.stdout.write(f"{name}   {shown}   {postgresql.ratio(sqlite):>8.2f} ×   {postgresql.ratio(hand):>10.2f} ×\n")
