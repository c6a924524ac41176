"""One of several processes of a shop that work at the same moment: `crowd.py URL`.

Takes an order a line, as JSON: `{"work", "values"}`. Answers `ready`, waits for a line, does the work with all values
at once, and prints what became of each: `ok` or the error's code.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kit.acme import VISIT, Acme, hand_in, provider_of, using

from connect_core.errors import ConnectError
from connect_core.login.values import CallbackRepeated, SessionOpened
from connect_core.manager import ConnectManager


async def refresh(manager: ConnectManager, token: str) -> None:
    await manager.current_member.refresh(token)


async def come_back(manager: ConnectManager, value: list[str]) -> None:
    state, sealed, code = value
    parameters = {"code": code, "state": state}
    login = await manager.login_callback("acme", "pc", parameters, sealed, VISIT)
    if isinstance(login, CallbackRepeated):
        raise Repeated
    assert isinstance(login, SessionOpened)


class Repeated(Exception):
    """Sent where the first one leads, without a session."""


async def hand_in_to_second_app(manager: ConnectManager, code: str) -> None:
    await manager.login_with_code("second", "mini", {"code": code}, VISIT)


WORKS: dict[str, Any] = {
    "hand_in": hand_in,
    "hand_in_to_second_app": hand_in_to_second_app,
    "refresh": refresh,
    "come_back": come_back,
}


async def outcome_of(work: Awaitable[object]) -> str:
    try:
        await work
    except ConnectError as error:
        return error.code
    except Repeated:
        return "repeated"
    return "ok"


async def obey(manager: ConnectManager) -> None:
    """Do what is ordered until nothing is."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        work = WORKS[order["work"]]
        print("ready", flush=True)  # noqa: T201 - whoever orders waits for it
        await asyncio.to_thread(sys.stdin.readline)
        done = await asyncio.gather(*(outcome_of(work(manager, value)) for value in order["values"]))
        print(json.dumps(done), flush=True)  # noqa: T201 - and for this


if __name__ == "__main__":
    shop: dict[str, Any] = {
        "service": {"database_url": sys.argv[1]},
        "clients": {"pc": ["acme"], "mini": ["acme", "second"]},
        "providers": {"acme": {"app_id": "acme-1"}, "second": {"plugin": "acme", "app_id": "acme-2"}},
    }
    with TemporaryDirectory() as folder:
        using(Path(folder), obey, provider=provider_of(Acme(pause=0.01)), **shop)
