"""A shop that the tests of one file share, as long as they leave its configuration and its clock alone."""

from collections.abc import Iterator

import pytest

from connect_core.harness import Stage, Visitor

from ..databases import check, on_stage
from .handing import PC_AGENT
from .stage import doubles


@pytest.fixture(scope="module")
def shop() -> Iterator[Stage]:
    """A running shop with Alipay and WeChat."""
    with on_stage(doubles()) as stage:
        yield stage


@pytest.fixture
def visitor(shop: Stage) -> Iterator[Visitor]:
    """A browser without cookies; faults that a test asked for must have been met."""
    with Visitor(shop) as one:
        yield one
    for name, sandbox in shop.sandboxes.items():
        unused = sandbox.faults.unused
        sandbox.faults.clear()
        assert not unused, f"{name}: a fault met no request"
    check(shop.database_url)


@pytest.fixture
def pc(shop: Stage) -> Iterator[Visitor]:
    """The browser that shows a code."""
    with Visitor(shop, user_agent=PC_AGENT) as one:
        yield one


@pytest.fixture
def phone(shop: Stage) -> Iterator[Visitor]:
    """A phone that is logged in."""
    with Visitor(shop) as one:
        one.log_in("alipay", "pc")
        yield one
