"""A member with two accounts merges them, and thinks better of it, in Chromium."""

from connect_core.harness import RunningShop

from ..kit.account_page import bound
from .account_page import ACCOUNT, account_of, bind
from .conftest import Visit

SHOP = "merging"


def test_merge_and_undo(visit: Visit, shop: RunningShop) -> None:
    """Bind → "it is another account's" → prove that account → what would move → merged → undone."""
    visitor = visit()
    account_of(visit(), "maria", "wechat")
    page, before = account_of(visitor), bound(shop)
    bind(visitor, page, "wechat", "maria")
    assert visitor.is_refused(page, "already_bound", 409)
    page.get_by_role("link", name=visitor.says("merge")).click()
    page.click("[data-merge=wechat]")
    assert visitor.leaves(page)
    visitor.decide(page, person="maria")
    assert visitor.arrives(page, f"{ACCOUNT}/merge")
    assert visitor.fits(page)
    assert "3 orders" in page.inner_text("main")
    page.click("[data-confirm]")
    assert visitor.arrives(page, ACCOUNT)
    assert {member for member, _ in bound(shop)} == {before[1][0]}
    page.click("[data-undo]")
    page.wait_for_selector("[data-bind=wechat]")
    assert bound(shop) == before


def test_a_merge_is_given_up_at_the_preview(visit: Visit, shop: RunningShop) -> None:
    """The account page → prove the other account → no → everything is as it was."""
    visitor = visit()
    account_of(visit(), "maria", "wechat")
    page, before = account_of(visitor), bound(shop)
    page.click("[data-merge]")
    page.click("[data-merge=wechat]")
    assert visitor.leaves(page)
    visitor.decide(page, person="maria")
    page.click("[data-cancel]")
    assert visitor.arrives(page, ACCOUNT)
    assert bound(shop) == before
