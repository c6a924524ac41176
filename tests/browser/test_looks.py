"""How every page looks in Chromium: it fits the narrowest phone, is pressed with a thumb and walked with a keyboard."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from connect_core.harness import RunningShop

from .account_page import account_of
from .conftest import FRAMED, NUMBERS, Visit
from .visitors import DESK, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Page

NARROW = {"viewport": {"width": 320, "height": 640}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
LONG = {
    "zh": "这个昵称特别特别长，用来看看会不会把页面撑破，还是会好好地换行🙂" * 2,
    "en": "Wolfeschlegelsteinhausenbergerdorff-the-third_and_last_of_somewhere" * 2,
}
TOO_SMALL = """
[...document.querySelectorAll("a, button, summary, label.tick, .field input")]
    .map(one => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
    .filter(([_, box]) => box.width && (box.width < 44 || box.height < 44))
    .map(([text]) => text)
"""
BROKEN_LINES = """
rows => rows.flatMap(row => [...row.querySelectorAll("small:has(time)")])
    .filter(line => line.getBoundingClientRect().height > 1.9 * parseFloat(getComputedStyle(line).fontSize))
    .map(line => line.textContent)
"""
OVERLAPS = """
rows => rows.flatMap(row => {
    const parts = [...row.querySelectorAll(".row-text, .row-text > small, .row-below > small, time, .badge, .button")]
    const boxes = parts.map(part => [part, part.getBoundingClientRect()])
    const isBefore = (a, b) => a.right <= b.left + 1 || a.bottom <= b.top + 1
    const areApart = (a, b) => isBefore(a, b) || isBefore(b, a)
    return boxes.flatMap(([one, a]) => boxes
        .filter(([other, b]) => one !== other && !one.contains(other) && !other.contains(one) && !areApart(a, b))
        .map(([other]) => one.outerHTML.slice(0, 60) + " on " + other.outerHTML.slice(0, 60)))
})
"""
PRESSED = ":is(a, button, summary, input:not([type=hidden])):visible"
FROM_THE_TOP = """
document.body.tabIndex = -1
document.body.focus()
document.body.removeAttribute("tabindex")
"""
"""A page may put the focus into a field."""
RING = """
() => {
    const one = document.activeElement, had = one.matches("[data-walked]")
    one.setAttribute("data-walked", "")
    return [had, getComputedStyle(one).outlineStyle]
}
"""


def show_samples(visitor: Visitor, words: str) -> Iterator["Page"]:
    """Open every page there is, one after the other."""
    page = visitor.open("/connect/handover")  # its code is on one of them
    for number in NUMBERS:
        page.goto(f"{visitor.shop}/sample/{number}?words={words}")
        yield page


@pytest.mark.parametrize(
    ("manner", "device", "amount"),
    [("phone", NARROW, "&full"), ("phone, scripts", NARROW, "&full"), ("desk", DESK, "&full"), ("phone", NARROW, "")],
    indirect=["manner"],
)
def test_every_page_fits(visit: Visit, device: dict[str, Any], amount: str) -> None:
    """Nothing is wider than the screen, whatever a nickname, and what can be pressed is 44 pixels high and wide."""
    visitor = visit(device)
    for page in show_samples(visitor, LONG[visitor.language] + amount):
        for summary in page.locator("summary").all():
            summary.click()
        assert visitor.fits(page), page.inner_text("h1")
        assert page.evaluate(TOO_SMALL) == [], page.inner_text("h1")


@pytest.mark.parametrize("manner", ["phone, English"], indirect=True)
@pytest.mark.parametrize("width", [320, 390])
def test_a_session_is_readable_on_a_phone(visit: Visit, width: int) -> None:
    """Each of its times is on one line with its words, and nothing lies on top of anything else."""
    owner = visit(DESK)
    account_of(owner)
    visitor = visit({**NARROW, "viewport": {"width": width, "height": 640}})
    page = account_of(visitor)
    rows = page.locator("[aria-labelledby=sessions] li")
    assert rows.count() == 2
    assert rows.evaluate_all(BROKEN_LINES) == []
    assert page.locator(".row").evaluate_all(OVERLAPS) == []


@pytest.mark.parametrize("manner", ["desk"], indirect=True)
def test_a_keyboard_sees_where_it_is(visit: Visit) -> None:
    """Tab reaches everything that can be pressed or filled in, once, and each shows a ring."""
    for page in show_samples(visit(), "A&full"):
        page.evaluate(FROM_THE_TOP)
        for _ in range(page.locator(PRESSED).count()):
            page.keyboard.press("Tab")
            assert page.evaluate(RING) == [False, "solid"], page.inner_text("h1")


@pytest.mark.parametrize("manner", ["phone, scripts"], indirect=True)
def test_dark_is_dark(visit: Visit) -> None:
    """A phone that is set to dark gets a dark page, form fields included."""
    page = visit(color_scheme="dark").open("/sample/0?words=A")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, ground.removeprefix("rgb(").rstrip(")").split(", "))) < 150


@pytest.mark.parametrize("manner", ["desk", "desk, no scripts"], indirect=True)
def test_no_page_is_framed(visit: Visit, shop: RunningShop) -> None:
    """Another site's page frames ours → Chromium shows nothing of them, logged in or not."""
    visitor = visit()
    page = visitor.open("/connect/login")
    visitor.log_in(page)
    page.goto(f"{shop.url.replace('127.0.0.1', 'localhost')}/thief?of={shop.url}")
    for _ in range(100):
        shown = [frame.url for frame in page.frames[1:]]
        if set(shown) == {"chrome-error://chromewebdata/"}:
            break
        page.wait_for_timeout(20)
    assert shown == ["chrome-error://chromewebdata/"] * len(FRAMED)
    visitor.forget_complaints("frame-ancestors")
