"""Xiaohongshu: codes are redeemed with the app's own token, which is kept for five minutes."""

from connect_core.testing import Visitor, run_shop
from connect_xiaohongshu.sandbox import XiaohongshuSandbox


def test_logins_share_the_token_of_the_app() -> None:
    """A second login fetches none."""
    sandbox = XiaohongshuSandbox()
    with run_shop({"xiaohongshu": sandbox}) as shop:
        for person in ("lihua", "lihua", "somebody-else"):
            with Visitor(shop) as visitor:
                assert visitor.log_in("xiaohongshu", "mini", person).status_code == 200
        assert (sandbox.called("app_token"), sandbox.called("code")) == (1, 3)
        assert len(shop.rows("es_member")) == 2


def test_a_dead_token_of_the_app_logs_nobody_in() -> None:
    """The vendor's number for it is not known, so that it is not fetched again before its time."""
    sandbox = XiaohongshuSandbox()
    with run_shop({"xiaohongshu": sandbox}) as shop, Visitor(shop) as visitor:
        assert visitor.log_in("xiaohongshu", "mini").status_code == 200
        sandbox.revoke_app_tokens()
        assert visitor.log_in("xiaohongshu", "mini").status_code == 502
