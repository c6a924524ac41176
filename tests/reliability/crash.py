"""Logs in and refreshes in processes that die at every point at which they can: `crash.py URL CLIENT`.

A point is before and after each statement, before and after a commit, and before and after each call of the vendor.
After each death the same person comes again. Prints a line a death, which says where it was.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from kit.acme import Acme, AcmeProvider, PluginOf, begin, come_back, hand_in, settings_of

from connect_core.identity import Identity
from connect_core.login.values import SessionOpened
from connect_core.manager import ConnectManager
from connect_core.providers.provider import AuthorizationResponse
from connect_core.providers.registry import Plugins
from connect_core.store import Database, Transaction

DIED = 9
Work = Callable[[ConnectManager, str], Awaitable[object]]


class Points:
    """Counts the points, and dies at one."""

    def __init__(self, deadly: int) -> None:
        self._left = deadly

    def pass_by(self, name: str) -> None:
        """Go by a point, or die there."""
        self._left -= 1
        if self._left == 0:
            print(name, flush=True)  # noqa: T201 - whoever started this reads it
            os._exit(DIED)


NEVER = Points(0)


class DeadlyCursor:
    """The driver's cursor, with points around every statement."""

    def __init__(self, cursor: Any, points: Points) -> None:
        self._cursor = cursor
        self._points = points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def execute(self, *arguments: Any) -> Any:
        self._points.pass_by("before a statement")
        done = self._cursor.execute(*arguments)
        self._points.pass_by("after a statement")
        return done

    def executemany(self, *arguments: Any) -> Any:
        self._points.pass_by("before statements")
        done = self._cursor.executemany(*arguments)
        self._points.pass_by("after statements")
        return done


class DeadlyConnection:
    """The driver's connection for the event loop, with points around its commits."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        DeadlyDatabase.points.pass_by("before a commit")
        self._connection.commit()
        DeadlyDatabase.points.pass_by("after a commit")


class DeadlyDatabase(Database):
    """The database, with points around statements and commits."""

    points = NEVER

    @contextmanager
    def _transaction(self, *arguments: Any) -> Iterator[Transaction]:
        with super()._transaction(*arguments) as transaction:
            yield transaction
            self.points.pass_by("before a commit")
        self.points.pass_by("after a commit")

    def _transact(self, cursor: Any) -> Transaction:
        return super()._transact(DeadlyCursor(cursor, self.points))

    def _open_loop_connection(self) -> Any:
        return DeadlyConnection(super()._open_loop_connection())


class DeadlyProvider(AcmeProvider):
    """The vendor, with points around its calls."""

    acme = Acme()
    points = NEVER

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        self.points.pass_by("before the vendor's first call")
        identity = await super().login_callback(response)
        self.points.pass_by("after the vendor's first call")
        return identity

    async def fetch_profile(self, identity: Identity) -> Identity:
        self.points.pass_by("before the vendor's second call")
        identity = await super().fetch_profile(identity)
        self.points.pass_by("after the vendor's second call")
        return identity


async def log_in_on_pc(manager: ConnectManager, person: str) -> None:
    await come_back(manager, await begin(manager), f"{person}.{time.monotonic_ns()}")


async def log_in_on_mini(manager: ConnectManager, person: str) -> None:
    await hand_in(manager, f"{person}.{time.monotonic_ns()}")


async def refresh(manager: ConnectManager, token: str) -> None:
    await manager.current_member.refresh(token)


WORKS: dict[str, Work] = {"pc": log_in_on_pc, "mini": log_in_on_mini, "refresh": refresh}


async def live(url: str, kind: str, point: int, tokens: Path) -> None:
    """Have whoever was interrupted last come again, then go on to the point; `tokens` keeps what was refreshed last."""
    plugins = Plugins([("acme", PluginOf(acme=DeadlyProvider))], discover=False)
    settings = settings_of(Path("/unused"), service={"database_url": url})
    manager = ConnectManager(settings, DeadlyDatabase(url), plugins=plugins)
    if point > 1:
        await WORKS[kind](manager, tokens.read_text("ascii"))
    about = f"{kind}{point}"
    if kind == "refresh":
        login = await hand_in(manager, f"lihua.{time.monotonic_ns()}")
        assert isinstance(login, SessionOpened)
        about = login.opened.token
    tokens.write_text(about, "ascii")
    DeadlyDatabase.points = DeadlyProvider.points = Points(point)
    await WORKS[kind](manager, about)
    await manager.aclose()


def run(url: str, kind: str, tokens: Path) -> None:
    """Die at every point, each time with another person, until there is none left; prints a line a death."""
    for point in count(1):
        if (child := os.fork()) == 0:
            asyncio.run(live(url, kind, point, tokens))
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if ended == 0:
            return
        assert ended == DIED, f"at point {point} the process ended with {ended}"


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
