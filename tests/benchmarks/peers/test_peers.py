"""What one would use instead, under the same load: `tox -e bench-peers`. Beside each of them ours, in the same run.

Every peer does less than a shop needs: it keeps members and sessions in memory or in the browser and writes nothing.
"""

import asyncio
import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.benchmarks.processes import Shop, running_shop
from tests.benchmarks.rounds import Rounds, log_in_twice, show_machine
from tests.interop.drivers import install_node, missing

HERE = Path(__file__).parent
IN_FLIGHT = (8, 32)
WARM_UP = 300
"""Logins until Node.js has compiled what it runs."""
PEERS = {
    "Starlette, Authlib": ("oauth2", "authlib_app.py"),
    "Express, Passport": ("oauth2", "passport_app.mjs"),
    "Starlette, Alipay's SDK": ("alipay", "alipay_app.py"),
    "Express, Alipay's SDK": ("alipay", "express_app.mjs"),
}
HEAD = (
    f"{'':<42} {'in':>6}   {'CPU ms for a login':>22}   {'callback p50 / p99, ms':>29}   {'RSS, MiB':>9}\n"
    f"{'':<42} {'flight':>6}   {'theirs':>6} {'ours':>6} {'':>8}   "
    f"{'theirs':>14} {'ours':>14}   {'theirs':>6} {'ours':>4}\n"
)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the npm packages of the lock file."""
    return install_node(tmp_path_factory.mktemp("node"), "package.json", HERE)


def command_of(app: str, node: Path) -> Sequence[str]:
    """How a peer is called."""
    if app.endswith(".mjs"):
        return ["node", str(shutil.copy(HERE / app, node))]
    for package in ("authlib", "alipay"):
        if not find_spec(package):
            missing(f"the PyPI package {package}")
    return [sys.executable, str(HERE / app)]


def test_peers(vendors: str, node: Path, tmp_path: Path) -> None:
    """Everybody can log in with each peer too, and the table is printed."""
    show_machine()
    sys.stdout.write(HEAD)
    for number, (name, (provider, app)) in enumerate(PEERS.items()):
        with (
            running_shop(tmp_path / f"{number}", vendors, command=command_of(app, node)) as peer,
            running_shop(tmp_path / f"{number}-ours", vendors, "normal") as shop,
        ):
            compare(f"{name:<24} {provider:<7}", provider, peer, shop)


def compare(name: str, provider: str, peer: Shop, shop: Shop) -> None:
    """Log people in at both in turn, and print a row for each load and each time that they come."""
    for in_flight in IN_FLIGHT:
        theirs, ours = asyncio.run(log_in_twice([peer, shop], provider, in_flight, warm_up=WARM_UP))
        for kind in theirs:
            row = get_row(theirs[kind], ours[kind])
            memory = f"{peer.memory():>6.0f} {shop.memory():>4.0f}"
            sys.stdout.write(f"{name} {kind:<9} {in_flight:>6}   {row}   {memory}\n")


def get_row(theirs: Rounds, ours: Rounds) -> str:
    """CPU and latencies of both."""
    latencies = [f"{one.latency(50):>6.1f} / {one.latency(99):>5.1f}" for one in (theirs, ours)]
    return f"{theirs.login:>6.2f} {ours.login:>6.2f} {theirs.login / ours.login:>6.1f} ×   {' '.join(latencies)}"
