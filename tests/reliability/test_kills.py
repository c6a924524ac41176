"""Workers are killed at random moments under load, and nothing that was acknowledged is lost."""

import asyncio
import os
import random
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from connect_core.crypto import token_hash
from tests.benchmarks.processes import BROWSER, Shop, Visitors, new_people, running_vendors
from tests.kit.acme import execute

from .services import Service, Tell, is_at_work, running_service, sized

KILLS = sized(10, 300)
VISITORS = 6
LONGEST_PAUSE = 0.5
"""Seconds at most from the moment that two workers are at work to the next kill."""


@dataclass
class Log:
    """What visitors saw."""

    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    """Whose login, and the session's token."""
    interrupted: int = 0
    refused: list[int] = field(default_factory=list)
    """Answers that no crash explains."""


async def log_in(visitors: Visitors, person: str, log: Log) -> None:
    """Log in, and again at once whenever it is interrupted."""
    for _ in range(20):
        with suppress(aiohttp.ClientError):
            agreed = await visitors.consent(await visitors.start(person))
            if token := await come_back(visitors, agreed, log):
                log.acknowledged.append((person, token))
                return
        log.interrupted += 1
    log.refused.append(0)


async def come_back(visitors: Visitors, agreed: tuple[str, str], log: Log) -> str:
    """Return the session's token; none when the client repeated by itself a request that had been interrupted."""
    callback, cookie = agreed
    async with visitors.http.get(callback, headers={"cookie": cookie}, allow_redirects=False) as answer:
        if answer.status not in (303, 400):
            log.refused.append(answer.status)
        name, _, token = answer.headers.get("set-cookie", "").partition(";")[0].partition("=")
        return token if name == "connect_session" else ""


async def visit_until(done: asyncio.Event, service: Service, log: Log) -> None:
    """New people and returning ones log in, one after the other, until it is over."""
    shop = Shop(service.url)
    while not done.is_set():
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), headers=BROWSER) as http:
            visitors = Visitors(http, shop, "wechat")
            [person] = new_people(1)
            for _ in range(2):
                await log_in(visitors, person, log)


async def kill_workers(service: Service, kills: int) -> None:
    """Kill a random worker each time that there are two at work."""
    killed: set[int] = set()
    while len(killed) < kills:
        alive = [pid for pid in service.workers() if pid not in killed and is_at_work(pid)]
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE))
        if len(alive) == 2:
            with suppress(ProcessLookupError):  # the supervisor ends one that is too slow to answer it
                os.kill(victim := random.choice(alive), signal.SIGKILL)
                killed.add(victim)


async def under_load(service: Service, kills: int) -> Log:
    log, done = Log(), asyncio.Event()
    crowd = [asyncio.create_task(visit_until(done, service, log)) for _ in range(VISITORS)]
    await kill_workers(service, kills)
    done.set()
    await asyncio.gather(*crowd)
    return log


async def test_killed_workers_lose_nothing(url: str, tell: Tell, tmp_path: Path) -> None:
    """Every acknowledged login is there, nobody is twice, and every interrupted login began again at once."""
    with running_vendors() as vendors, running_service(tmp_path, url, vendors) as service:
        log = await under_load(service, KILLS)
    stored = execute(
        url,
        "SELECT s.token_hash AS token, m.id AS member FROM es_member_session s"
        " JOIN es_member m ON m.id = s.member_id JOIN es_connect c ON c.member_id = m.id",
    )
    member_of = {row["token"]: row["member"] for row in stored}
    logins = [(person, member_of.get(token_hash(token))) for person, token in log.acknowledged]
    lost = sum(member is None for _, member in logins)
    doubled = len(set(logins)) - len({person for person, _ in logins})
    homeless = execute(
        url,
        "SELECT count(*) AS n FROM es_member m LEFT JOIN es_connect c ON c.member_id = m.id WHERE c.id IS NULL",
    )
    tell(
        f"{KILLS} workers killed -9, {len(logins)} logins",
        f"{lost} lost, {doubled} double, {homeless[0]['n']} orphans, {log.interrupted} interrupted",
        "0 lost, 0 double, 0 orphans",
    )
    assert len(logins) > KILLS
    assert (lost, doubled, homeless[0]["n"], log.refused) == (0, 0, 0, [])
