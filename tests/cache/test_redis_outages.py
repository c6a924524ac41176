"""The whole service beside a Redis that is killed, flushed, restarted and blocked: logins and their rules go on."""

import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor, load_sandboxes, run_shop
from connect_core.identity import Identity
from connect_core.providers.provider import AuthorizationResponse
from connect_core.providers.registry import Plugins
from connect_core.sessions import REUSE_GRACE

from ..conftest import Require
from ..kit.acme import KEY, Acme, AcmeProvider, AcmeSandbox, PluginOf
from ..kit.canaries import CANARY, every_record
from ..kit.clock import Clock
from ..kit.redis_server import OwnRedis, Way, own_redis, way_to
from ..kit.web_shops import bearer, come_back, mini_login, refused, served

LOGINS = 200
ROUTES = (("alipay", "pc"), ("alipay", "mini"), ("wechat", "pc"), ("acme", "mini"))


class Tokened(AcmeProvider):
    """Acme wants an app token with every login; its tokens live for `lifetime` seconds."""

    acme = Acme()
    fetched: list[str]
    lifetime: float

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Look the token up before the person."""
        assert (await self.http.cached("acme-1", self.fetch)).startswith(CANARY)
        return await super().login_callback(response)

    async def fetch(self) -> tuple[str, float]:
        """Give the next token out."""
        self.fetched.append(f"{CANARY}{len(self.fetched)}")
        return self.fetched[-1], self.lifetime


@pytest.fixture
def redis(require: Require, tmp_path: Path) -> Iterator[OwnRedis]:
    """A Redis that this test may do anything to, and a vendor that gave nothing out yet."""
    Tokened.fetched, Tokened.lifetime = [], 7200
    with own_redis(require, tmp_path) as one:
        yield one


@contextmanager
def shop_with(url: str, **options: Any) -> Iterator[RunningShop]:
    """A shop with every sandbox and Acme, whose limits are counted but never met, beside the Redis at `url`."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"] |= {"redis_url": url, "secret_keys": [KEY]}
        raw["limits"] = {"per_address": "1000000/hour"}

    sandboxes = load_sandboxes(Plugins()) | {"acme": AcmeSandbox()}
    plugins = Plugins([("acme", PluginOf(acme=Tokened))])
    with run_shop(sandboxes, plugins=plugins, change=change, **options) as shop:
        yield shop


def log_in(visitor: Visitor, number: int) -> bool:
    """Log in through one of the routes, and tell whether that person is logged in."""
    visitor.http.cookies.clear()
    login = visitor.log_in(*ROUTES[number % len(ROUTES)], person=f"person{number % 10}")
    return visitor.who(login) is not None


def log_in_often(shop: RunningShop, part: int) -> int:
    """Log in a fourth of the times, and return how often that succeeded."""
    with Visitor(shop) as visitor:
        return sum(log_in(visitor, number) for number in range(part * LOGINS // 4, (part + 1) * LOGINS // 4))


def torment(redis: OwnRedis, way: Way, is_over: threading.Event) -> None:
    """Do everything to a Redis that can happen to one, over and over."""
    while True:
        for fault in (redis.flush, redis.restart, redis.kill, redis.start, way.block, way.unblock):
            fault()
            if is_over.wait(0.15):
                return


def test_no_login_fails_while_redis_is_killed_restarted_flushed_and_blocked(redis: OwnRedis) -> None:
    """Two hundred logins, all of them succeed; what was shared is not told, and Redis is used again in the end."""
    is_over, Tokened.lifetime = threading.Event(), 0.1
    with every_record() as records, way_to(redis) as way, shop_with(way.url) as shop:
        shop.manager.shared._breaker_seconds = 0.05  # type: ignore[union-attr]  # else the first fault would hide the others
        fiend = threading.Thread(target=torment, args=(redis, way, is_over))
        fiend.start()
        with ThreadPoolExecutor(4) as pool:
            succeeded = sum(pool.map(lambda part: log_in_often(shop, part), range(4)))
        is_over.set()
        fiend.join()
        way.unblock()
        redis.restart()
        assert succeeded == LOGINS
        ends = time.monotonic() + 5
        with Visitor(shop) as visitor:
            while not any(name.startswith(b"connect-login:1:limit") for name in redis.find_all()):
                assert time.monotonic() < ends
                assert log_in(visitor, 3)
    assert records.text.count("cache_down") > 1
    assert records.text.count("cache_up") > 1
    assert Tokened.fetched
    assert CANARY not in records.text


def test_a_blocked_redis_adds_nothing_once_it_is_left_alone(redis: OwnRedis) -> None:
    """After the first request that waits for it, logins take what they took; at most 50 ms are added."""

    def took() -> float:
        before = time.monotonic()
        assert log_in(visitor, 1)
        return time.monotonic() - before

    with way_to(redis) as way, shop_with(way.url) as shop, Visitor(shop) as visitor:
        with_redis = statistics.median([took() for _ in range(20)])
        way.block()
        assert took() > 0.25
        assert statistics.median([took() for _ in range(20)]) < with_redis + 0.05


def test_services_that_share_a_redis_fetch_an_app_token_once(redis: OwnRedis) -> None:
    """What one service fetched is found by the next; without Redis it fetches its own and logs people in."""
    for spoil in (lambda: None, lambda: None, redis.kill):
        spoil()
        with shop_with(redis.url) as shop, Visitor(shop) as visitor:
            assert all(log_in(visitor, 3) for _ in range(3))
    assert len(Tokened.fetched) == 2


def test_what_may_happen_once_happens_once_while_redis_is_flushed(redis: OwnRedis, clock: Clock) -> None:
    """A state, a code and a refresh token that were used are refused, whatever Redis has forgotten."""
    with (
        shop_with(redis.url, now=clock) as shop,
        Visitor(shop) as visitor,
        Visitor(shop) as stranger,
    ):
        callback = come_back(visitor)
        handed = visitor.client_parameters("alipay", "mini")
        assert visitor.http.get(callback).status_code == 303
        tokens = visitor.http.post("/connect/alipay/mini/token", json=handed)
        refresh = {"refresh_token": tokens.json()["refresh_token"]}
        successor = visitor.http.post("/connect/token/refresh", json=refresh).json()["refresh_token"]
        assert visitor.http.post("/connect/token/refresh", json={"refresh_token": successor}).status_code == 200
        assert redis.find_all()
        redis.flush()
        refused(stranger.http.get(callback), 400, "state_invalid")
        refused(visitor.http.post("/connect/alipay/mini/token", json=handed), 400, "code_seen")
        clock.advance(REUSE_GRACE + 1)
        for _ in range(2):
            redis.flush()
            refused(visitor.http.post("/connect/token/refresh", json=refresh), 401, "token_invalid")


def test_a_logout_holds_at_once_while_redis_is_flushed(redis: OwnRedis) -> None:
    """Who is logged out is told by the database: an access token is dead with its login, whatever Redis knows."""
    with shop_with(redis.url) as shop, Visitor(shop) as visitor:
        tokens = mini_login(visitor)
        assert visitor.http.get("/connect/me", headers=bearer(tokens)).status_code == 200
        visitor.http.post("/connect/logout", headers=bearer(tokens))
        for spoil in (lambda: None, redis.flush, redis.kill):
            spoil()
            assert visitor.http.get("/connect/me", headers=bearer(tokens)).status_code == 401


def test_processes_that_share_a_redis_share_the_limit(redis: OwnRedis, tmp_path: Path) -> None:
    """Of twelve starts, six at each of two services, ten are let in; without Redis each counts for itself."""
    with ExitStack() as stack:
        services = []
        for name in ("one", "two"):
            (folder := tmp_path / name).mkdir()
            limits = {"per_address": "10/hour"}
            services.append(stack.enter_context(served(folder, service={"redis_url": redis.url}, limits=limits)))
        first = [start(services[number % 2].url) for number in range(12)]
        redis.kill()
        second = [start(services[number % 2].url) for number in range(12)]
    assert first == [303] * 10 + [429] * 2
    assert (second.count(303), second.count(429)) == (8, 4)
    assert all("cache_down" in service.output for service in services)


def start(url: str) -> int:
    """Begin a login; returns the status."""
    return httpx.get(f"{url}/connect/alipay/pc/login", trust_env=False).status_code
