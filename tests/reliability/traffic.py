"""Logins at a steady rate, over real HTTP, while something happens to what serves them."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from connect_core.crypto import token_hash
from tests.benchmarks.processes import BROWSER, Shop, Visitors, new_people
from tests.kit.acme import execute

PER_SECOND = 50
RETURNING = 20
"""How many people log in again and again; every other login is a new person's."""


@dataclass
class Traffic:
    """Logins at `services`, which may change meanwhile, and what became of them."""

    services: list[str]
    tokens: list[str] = field(default_factory=list)
    """The sessions of the logins that were acknowledged."""
    failures: list[str] = field(default_factory=list)

    async def flow(self, seconds: float) -> int:
        """Let logins go on for so long; returns how many were acknowledged meanwhile."""
        before = len(self.tokens)
        await asyncio.sleep(seconds)
        return len(self.tokens) - before

    async def flow_until(self, is_true: Callable[[], bool], seconds: float = 60) -> None:
        """Let logins go on until something is so, for `seconds` at most."""
        async with asyncio.timeout(seconds):
            while not is_true():  # noqa: ASYNC110 - the condition is another process's
                await asyncio.sleep(0.05)

    def count_lost(self, database_url: str) -> int:
        """How many acknowledged logins are not in the database."""
        query = "SELECT s.token_hash AS hash FROM es_member_session s JOIN es_member m ON m.id = s.member_id"
        stored = {row["hash"] for row in execute(database_url, query)}
        return sum(token_hash(token) not in stored for token in self.tokens)

    async def log_in(self, http: aiohttp.ClientSession, person: str) -> None:
        """Log a person in at one of the services."""
        visitors = Visitors(http, Shop(random.choice(self.services)), "wechat")
        try:
            cookie = await visitors.come_back(await visitors.consent(await visitors.start(person)))
            name, _, token = cookie.partition("=")
            assert name == "connect_session", name
        except (aiohttp.ClientError, AssertionError, TimeoutError) as error:
            self.failures.append(f"{type(error).__name__}: {str(error)[:200]}")
        else:
            self.tokens.append(token)


@asynccontextmanager
async def flowing(*services: str) -> AsyncIterator[Traffic]:
    """Begin `PER_SECOND` logins a second, until the block ends and all of them have ended too."""
    traffic = Traffic(list(services))
    returning, logins = new_people(RETURNING), set[asyncio.Task[None]]()
    connector = aiohttp.TCPConnector(limit=0, force_close=True)  # as a balancer that may send each request elsewhere
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), headers=BROWSER, connector=connector) as http:

        async def begin_logins() -> None:
            while True:
                for person in (random.choice(returning), *new_people(1)):
                    logins.add(task := asyncio.create_task(traffic.log_in(http, person)))
                    task.add_done_callback(logins.discard)
                    await asyncio.sleep(1 / PER_SECOND)

        beginning = asyncio.create_task(begin_logins())
        try:
            yield traffic
        finally:
            beginning.cancel()
            await asyncio.gather(beginning, *logins, return_exceptions=True)
