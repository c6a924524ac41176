"""A shop that the tests of one file share, as long as they leave its configuration and its clock alone."""

from collections.abc import Iterator

import pytest

from connect_core.harness import RunningShop, Visitor

from ..kit.databases import check, run_shop
from ..kit.qr_logins import PC_AGENT
from ..kit.web_shops import alipay_and_wechat


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A running shop with Alipay and WeChat."""
    with run_shop(alipay_and_wechat()) as running_shop:
        yield running_shop


@pytest.fixture
def visitor(shop: RunningShop) -> Iterator[Visitor]:
    """A browser without cookies; faults that a test asked for must have been met."""
    with Visitor(shop) as browser:
        yield browser
    for name, sandbox in shop.sandboxes.items():
        unused = sandbox.faults.unused
        sandbox.faults.clear()
        assert not unused, f"{name}: a fault met no request"
    check(shop.database_url)


@pytest.fixture
def pc(shop: RunningShop) -> Iterator[Visitor]:
    """The browser that shows a code."""
    with Visitor(shop, user_agent=PC_AGENT) as browser:
        yield browser


@pytest.fixture
def phone(shop: RunningShop) -> Iterator[Visitor]:
    """A phone that is logged in."""
    with Visitor(shop) as browser:
        browser.log_in("alipay", "pc")
        yield browser
