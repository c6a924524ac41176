"""A PC logged in by a phone, in two browsers, as people see it."""

import pytest

from connect_core.harness import RunningShop

from .conftest import Visit
from .visitors import DESK, IN_ALIPAY, Visitor


def scanned(pc: Visitor) -> str:
    """The path that the code on the PC leads to."""
    [ticket] = [one["value"] for one in pc.context.cookies() if one["name"] == "connect_handover"]
    return f"/connect/h/{ticket.partition('.')[0]}"


def test_a_phone_logs_a_pc_in(visit: Visit, shop: RunningShop) -> None:
    """Login page → QR code → the phone logs in, looks, confirms → the PC's page has noticed → a click → page wanted."""
    pc, phone = visit(DESK), visit(IN_ALIPAY)
    page = pc.open("/connect/login?return_to=/cart")
    page.click("[data-handover]")
    page.wait_for_selector("[data-state=waiting]")
    assert page.evaluate("document.querySelector('.code').naturalWidth") > 200
    there = phone.open(scanned(pc))
    phone.log_in(there)
    assert there.inner_text("h1") == phone.says("handover_confirm")
    assert {"Chrome", "127.0.0.*"} <= set(there.locator("dd").all_inner_texts())
    there.click("[data-approve]")
    there.wait_for_selector("[data-state=approved]")
    page.wait_for_selector("[data-state=approved]")
    page.click("[data-collect]")
    assert pc.arrives(page, "/cart")
    assert [row["client_type"] for row in shop.rows("es_member_session")] == ["h5", "pc"]


@pytest.mark.parametrize("manner", ["phone"], indirect=True)
def test_a_phone_declines(visit: Visit) -> None:
    """The PC waits → the phone scans, and declines → the PC's page says each, and shows a new QR code when asked."""
    pc, phone = visit(DESK), visit(IN_ALIPAY)
    page = pc.open("/connect/handover")
    there = phone.open(scanned(pc))
    phone.log_in(there)
    page.wait_for_selector("[data-state=scanned]")
    there.click("[data-deny]")
    there.wait_for_selector("[data-state=denied]")
    page.wait_for_selector("[data-state=denied]")
    page.click("[data-renew]")
    page.wait_for_selector("[data-state=waiting]")
