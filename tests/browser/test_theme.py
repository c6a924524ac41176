"""The documentation's example of a shop's own look, in Chromium."""

from .conftest import Visit

SHOP = "themed"
GREEN = "rgb(47, 107, 60)"


def test_a_shops_look_is_on_every_page(visit: Visit) -> None:
    """Login page → vendor → refused → name, terms, telephone and colour stand on both, and nothing is blocked."""
    visitor = visit()
    page = visitor.open("/connect/login")
    for wait in (True, False):
        assert page.inner_text(".shop") == {"zh": "梧桐茶铺", "en": "Wutong Tea"}[visitor.language]
        assert page.locator("[href='/terms']").count() == 1
        assert page.inner_text(".service a") == "400 123 4567"
        assert page.evaluate("getComputedStyle(document.querySelector('.service a')).color") == GREEN
        assert visitor.fits(page)
        if wait:
            visitor.leave(page, "alipay")
            visitor.decide(page, "refuse")
            assert visitor.is_refused(page, "provider_denied", 400)
