"""The running service: a login over HTTP is told to a webhook at once, without anybody calling for it."""

from typing import Any

from connect_core.harness import RunningShop, Visitor, run_shop

from ..kit.receiver import endpoint, receiving
from ..kit.web_shops import alipay_and_wechat


def test_a_running_service_sends_events() -> None:
    """By itself, within moments of the login; a second login is sent as well."""
    with receiving() as receiver:

        def change(raw: dict[str, Any]) -> None:
            raw["webhooks"] = {"crm": endpoint(receiver)}

        with run_shop(alipay_and_wechat(), change=change) as shop:
            for count in (3, 4):
                log_in(shop)
                receiver.wait_for(count)
                assert len(receiver.taken) == count
    assert receiver.types()[2:] == ["member.logged_in", "member.logged_in"]


def log_in(shop: RunningShop) -> None:
    """Log in with Alipay, in a browser of its own."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc", "lihua")
