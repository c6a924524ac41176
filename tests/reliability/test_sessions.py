"""Sessions over clock steps and zones, and races of what ends a login, on every engine."""

import asyncio
import os
import time
from collections.abc import Awaitable, Iterator

import pytest

from connect_core.errors import ConnectError, StateExpired, TokenInvalid
from connect_core.login.values import Outcome, SessionOpened
from connect_core.manager import ConnectManager
from connect_core.sessions import OpenSession
from connect_core.store import Transaction
from tests.kit.acme import begin, come_back, hand_in

from ..conftest import MakeManager
from ..kit.clock import Clock
from .services import FULL, Tell

HOUR = 3600


def opened_by(login: Outcome) -> OpenSession:
    assert isinstance(login, SessionOpened)
    return login.opened


async def refused_by(work: Awaitable[object]) -> str:
    try:
        await work
    except ConnectError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize("logout_first", [False, True])
async def test_a_logout_beats_a_rotation(manager: ConnectManager, *, logout_first: bool) -> None:
    """A login that is ended while its refresh token is rotated is over: the successor does not live on."""
    token, now = opened_by(await hand_in(manager, "lihua.1")).token, int(time.time())

    def rotate(tx: Transaction) -> OpenSession | None:
        rotated = manager.sessions.rotate(tx, token, now)
        time.sleep(0.3)
        return rotated

    def end(tx: Transaction) -> None:
        manager.sessions.end_all(tx, [token], now)
        time.sleep(0.3)

    first, second = (end, rotate) if logout_first else (rotate, end)
    slow = asyncio.create_task(manager.database.write(first, is_long=True))
    await asyncio.sleep(0.1)
    outcomes = await asyncio.gather(slow, manager.database.write(second), return_exceptions=True)
    successors = [outcome for outcome in outcomes if isinstance(outcome, OpenSession)]
    for successor in successors:
        with pytest.raises(TokenInvalid):
            await manager.current_member.refresh(successor.token)
    assert len(successors) == (not logout_first)


@pytest.fixture
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test in the time zone of this name."""
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    os.environ["TZ"] = "UTC"
    time.tzset()


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"] if FULL else ["America/New_York"], indirect=True)
async def test_expiry_holds_in_every_zone_and_over_clock_steps(
    zone: str, make_manager: MakeManager, tell: Tell
) -> None:
    """A flow lives ten minutes and a session its days; after a step back what was used or swept stays so."""
    began = 1_793_500_000.0  # two days before clocks are set back in New York
    clock = Clock(began)
    refused: list[str] = []
    manager = make_manager(now=clock)
    flow, old = await begin(manager), await begin(manager)
    token = opened_by(await hand_in(manager, "lihua.1")).token
    clock.set(began + 599)
    assert opened_by(await come_back(manager, flow, "lihua.2"))
    clock.set(began + HOUR)
    with pytest.raises(StateExpired):
        await come_back(manager, old, "lihua.3")
    token = (await manager.current_member.refresh(token)).refresh_token
    await manager.sweep()
    clock.set(began - HOUR)
    refused.append(await refused_by(hand_in(manager, "lihua.1")))
    assert opened_by(await hand_in(manager, "lihua.4"))
    clock.set(began + 31 * 24 * HOUR)
    refused.append(await refused_by(manager.current_member.refresh(token)))
    while await manager.sweep():
        pass
    clock.set(began)
    refused.append(await refused_by(manager.current_member.refresh(token)))
    tell(f"clock steps of ±1 h, {zone}", " ".join(refused), "used and swept stays so")
    assert refused == ["code_seen", "token_invalid", "token_invalid"]
