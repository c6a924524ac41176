"""The steps that a member takes at the account page, in Chromium."""

from typing import TYPE_CHECKING

from .visitors import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Page

ACCOUNT = "/connect/account"


def account_of(visitor: Visitor, person: str = "lihua", provider: str = "alipay") -> "Page":
    """Ask for the account page, log in on the way, and get there."""
    page = visitor.open(ACCOUNT)
    visitor.log_in(page, provider, person)
    assert visitor.arrives(page, ACCOUNT)
    return page


def bind(visitor: Visitor, page: "Page", provider: str, person: str = "lihua") -> None:
    """Press the button, and agree at the vendor."""
    page.click(f"[data-bind={provider}]")
    assert visitor.leaves(page)
    visitor.decide(page, person=person)
