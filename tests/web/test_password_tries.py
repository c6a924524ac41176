"""Tries of a password are counted for all processes together, without a Redis."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from limits import parse

from connect_core.crypto.sealing import derive_key
from connect_core.errors import RateLimited, Unavailable
from connect_core.harness import Visitor
from connect_core.manager import ConnectManager
from connect_core.store.engine.database import Database
from connect_core.store.schema.upgrade import upgrade_schema
from connect_core.web.rate_limit import CountersInDatabase, Limiter

from ..conftest import MakeManager
from ..kit.acme import KEY as SECRET_KEY
from ..kit.acme import NOW, rows
from ..kit.clock import Clock
from ..kit.databases import run_shop
from ..kit.first_logins import choose, choosing, register
from ..kit.web_shops import legacy_refused, refused

KEY = bytes(32)


def limiter_of(manager: ConnectManager, rule: str = "3/hour") -> Limiter:
    """What each process has."""
    return Limiter(rule, CountersInDatabase(manager.database, derive_key(KEY, "tries"), manager.services.now))


async def count(limiters: list[Limiter], user: str, tries: int) -> int:
    """How many of so many tries, one process after the other, are allowed."""
    allowed = 0
    for number in range(tries):
        try:
            await limiters[number % len(limiters)].hit(user)
        except RateLimited:
            continue
        allowed += 1
    return allowed


@pytest.mark.usefixtures("database_url")
async def test_all_processes_count_together(make_manager: MakeManager, tmp_path: Path) -> None:
    """Of four processes, each user name alone; no name stands in the database."""
    clock = Clock(NOW)
    managers = [make_manager(now=clock) for _ in range(4)]
    limiters = [limiter_of(manager) for manager in managers]
    assert await count(limiters, "user lihua", 12) == 3
    assert await count(limiters, "user maria", 2) == 2
    assert "lihua" not in str(rows(tmp_path, "SELECT * FROM es_connect_used_flow"))
    clock.advance(3599)
    assert await count([limiter_of(managers[0])], "user lihua", 1) == 0
    clock.advance(1)
    assert await count([limiter_of(manager) for manager in managers], "user lihua", 12) == 3
    clock.advance(3601)
    assert await managers[0].sweep() == 2


async def test_tries_at_once_are_counted_on_each_engine(empty: str) -> None:
    """No try is lost between two processes that count at the same moment."""
    databases = [Database(empty) for _ in range(3)]
    upgrade_schema(databases[0])
    counters = [CountersInDatabase(database, KEY, lambda: NOW) for database in databases]
    rule = parse("5/hour")

    async def hit_at_last(number: int) -> bool:
        while True:  # a machine under load is refused where 18 wait for one row, and then nothing was counted
            with suppress(Unavailable):
                return await counters[number % 3].hit(rule, "user lihua")

    answers = await asyncio.gather(*(hit_at_last(number) for number in range(18)))
    assert sum(answers) == 5
    for database in databases:
        database.close()


def test_a_second_worker_gives_no_new_tries(database_url: str) -> None:
    """The hosted page and the older routes count for the same name."""

    def change(raw: dict[str, Any]) -> None:
        choosing(raw)
        raw["limits"] = {"per_username": "4/hour"}
        raw["service"] |= {"database_url": database_url, "secret_keys": [SECRET_KEY]}

    with (
        run_shop(change=change) as first,
        run_shop(change=change) as second,
        Visitor(first) as owner,
        Visitor(first) as one,
        Visitor(second) as other,
    ):
        name = register(owner)
        one.log_in("wechat", "pc", "wangfang")
        other.log_in("wechat", "pc", "wangfang")
        for browser in (one, other, one, other):
            refused(choose(browser, decision="join", username=name, password="wrong"), 401, "not_logged_in")
        for browser in (one, other):
            refused(choose(browser, decision="join", username=name, password="wrong"), 429, "rate_limited")
        ticket = other.http.post(
            "/connect/alipay/mini/token", json=other.client_parameters("alipay", "mini", "maria")
        ).json()["choice_ticket"]
        path = f"/buyer/passport/login-binder/pc/{ticket.partition('.')[0]}"
        legacy_refused(
            other.http.put(path, json={"ticket": ticket, "username": name, "password": "wrong"}), 429, "E131"
        )
