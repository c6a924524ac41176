"""Every page is checked by axe-core: WCAG 2.2 A and AA, and what axe's authors recommend beyond. 0 violations.

The pages are ours in every state, those of the shop with a look of its own, the demo's, and the sandboxes'.
"""

from typing import TYPE_CHECKING

import pytest

from connect_core.harness import RunningShop

from .conftest import NUMBERS, Visit
from .visitors import DESK, PHONE, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Page

STARTS = ("/connect/alipay/pc/login", "/connect/wechat/pc/login", "/connect/wechat/h5/login")
REFUSED = ("/connect/nobody/pc/login", "/connect/alipay/pc/callback", "/connect/login?return_to=https://evil.example/")


def find_violations(page: "Page") -> list[str]:
    """Open what is folded, and return what axe-core finds wrong, one line for each rule and element."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - without it these tests are skipped

    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    violations = Axe().run(page).response["violations"]
    title = page.title()
    return [f"{title}: {rule['id']}: {node['html'][:120]}" for rule in violations for node in rule["nodes"]]


VISITORS = ["desk, light", "phone, dark"]


@pytest.fixture(params=VISITORS)
def visitor(request: pytest.FixtureRequest, visit: Visit) -> Visitor:
    """Somebody at a desk by day, and somebody with a phone at night."""
    device, scheme = request.param.split(", ")
    return visit(DESK if device == "desk" else PHONE, color_scheme=scheme)


@pytest.mark.parametrize("manner", ["phone, scripts"], indirect=True)
@pytest.mark.parametrize(
    ("visitor", "look", "amount"),
    [
        (VISITORS[0], "registering", "&full"),
        (VISITORS[1], "registering", "&full"),
        (VISITORS[1], "registering", ""),
        (VISITORS[0], "themed", "&full"),
    ],
    indirect=["visitor"],
)
def test_our_pages(visitor: Visitor, request: pytest.FixtureRequest, look: str, amount: str) -> None:
    """Each page in each state, with all that it can show and with the least, also in the shop's own look."""
    shop: RunningShop = request.getfixturevalue(look)
    page = visitor.open("/connect/handover")  # its code is on one of the pages
    page.goto(f"{shop.url}/connect/handover")
    violations = []
    for number in NUMBERS:
        page.goto(f"{shop.url}/sample/{number}?words=Li{amount}")
        violations += find_violations(page)
    assert violations == []


@pytest.mark.parametrize("manner", ["phone, scripts"], indirect=True)
def test_a_visit(visitor: Visitor) -> None:
    """A whole visit: login page, the vendors' sandboxes, the demo's home, and every page of a member."""
    page = visitor.open("/connect/login")
    violations = find_violations(page)
    for start in STARTS:
        page.goto(visitor.shop + start)
        violations += find_violations(page)
    page.goto(f"{visitor.shop}/connect/login?client=pc")
    visitor.log_in(page)
    for path in ("/", "/connect/account", "/connect/account/erase", "/connect/login"):
        page.goto(visitor.shop + path)
        violations += find_violations(page)
    assert violations == []


@pytest.mark.parametrize("manner", ["phone, scripts"], indirect=True)
def test_refusals(visitor: Visitor) -> None:
    """Error pages, as a browser gets them."""
    page = visitor.open("/connect/login")
    violations = []
    for path in REFUSED:
        page.goto(visitor.shop + path)
        violations += find_violations(page)
    visitor.complaints.clear()  # each page's status
    assert violations == []
