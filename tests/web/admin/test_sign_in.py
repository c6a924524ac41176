"""Signing in to the admin page and out of it, over real HTTP."""

from ...kit.admin_pages import AdminShop, get_text


def test_password_and_one_time_password_sign_in(admin_shop: AdminShop) -> None:
    """The right three lead to the page that was wanted, with a cookie of its own that other sites cannot cause."""
    with admin_shop.browsing() as browser:
        answer = browser.sign_in("operator", admin_shop.get_totp("operator"), page="/audit")
        assert answer.status_code == 303
        assert answer.headers["location"].endswith("/connect/admin/audit")
        assert "SameSite=strict" in answer.headers["set-cookie"]
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "administrator.signed_in" in get_text(browser.get("/audit"))
