"""A shop with two resource servers, whose clock the test moves."""

from collections.abc import Iterator

import pytest

from connect_core.harness import RunningShop

from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.token_services import with_servers
from ...kit.web_shops import alipay_and_wechat


@pytest.fixture(scope="module")
def time_of_shop() -> Clock:
    """The clock of `shop`."""
    return Clock()


@pytest.fixture(scope="module")
def shop(time_of_shop: Clock) -> Iterator[RunningShop]:
    """A running shop that a gateway and a stock service ask."""
    with run_shop(alipay_and_wechat(), change=with_servers, now=time_of_shop) as running_shop:
        yield running_shop
