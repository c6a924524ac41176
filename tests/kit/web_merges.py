"""The steps of a merge, as a browser takes them, in a shop that plans merges."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.providers.registry import Plugins

from .account_page import bind
from .clock import Clock
from .databases import run_shop
from .merges import Planner
from .web_shops import alipay_and_wechat

ACCOUNT = "/connect/account"
MERGE = f"{ACCOUNT}/merge"
COOKIE = "connect_merge"


@pytest.fixture
def planner() -> Planner:
    """The shop's own part."""
    return Planner()


@contextmanager
def planning(planner: Planner, **options: Any) -> Iterator[RunningShop]:
    """A shop with Alipay and WeChat that plans merges."""
    with run_shop(alipay_and_wechat(), plugins=Plugins([("planner", planner)]), **options) as running_shop:
        yield running_shop


@pytest.fixture
def shop(clock: Clock, planner: Planner) -> Iterator[RunningShop]:
    """The same, with a clock to move."""
    with planning(planner, now=clock) as running_shop:
        yield running_shop


@pytest.fixture
def visitor(shop: RunningShop) -> Iterator[Visitor]:
    """Lihua, member 2 by Alipay, who is member 1 too: by WeChat and a second Alipay account."""
    with Visitor(shop) as first:
        first.log_in("wechat", "pc", "maria")
        assert bind(first, "alipay", "maria").status_code == 303
    with Visitor(shop) as browser:
        browser.log_in("alipay", "pc", "lihua")
        yield browser


def begin(visitor: Visitor, provider: str = "wechat", client: str = "pc", **options: Any) -> httpx.Response:
    """Ask to merge the account of that provider's login."""
    return visitor.http.post(f"/connect/{provider}/{client}/merge", **{"json": {}, **options})


def prove(visitor: Visitor, person: str = "maria", provider: str = "wechat", **body: str) -> httpx.Response:
    """Log in with the other account; returns the answer of the callback."""
    begun = begin(visitor, provider, json=body)
    assert begun.status_code == 200, begun.text
    return visitor.http.get(visitor.consent(begun.json()["login_url"], person))


def confirm(visitor: Visitor, **options: Any) -> httpx.Response:
    """Agree."""
    return visitor.http.post(MERGE, **{"json": {}, **options})


def merges(visitor: Visitor) -> list[dict[str, Any]]:
    """What can be undone."""
    undoable: list[dict[str, Any]] = visitor.http.get(f"{MERGE}s").json()
    return undoable


def undo(visitor: Visitor, **options: Any) -> httpx.Response:
    """Undo the first merge."""
    return visitor.http.post(f"{MERGE}s/{merges(visitor)[0]['id']}/undo", **options)
