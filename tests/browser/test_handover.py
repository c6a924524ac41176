"""A PC logged in by a phone, in two browsers, as people see it."""

from connect_core.rehearsal import Stage

from .conftest import Visit
from .visitors import DESK, IN_ALIPAY


def test_a_phone_logs_a_pc_in(visit: Visit, stage: Stage) -> None:
    """Login page → QR code → the phone logs in, looks, confirms → the PC's page has noticed → one click → home."""
    pc, phone = visit(DESK), visit(IN_ALIPAY)
    page = pc.open("/connect/login?return_to=/")
    page.click("[data-handover]")
    page.wait_for_selector("[data-state=waiting]")
    assert page.evaluate("document.querySelector('.code').naturalWidth") > 200
    [ticket] = [one["value"] for one in pc.context.cookies() if one["name"] == "connect_handover"]
    there = phone.open(f"/connect/h/{ticket.partition('.')[0]}")
    phone.log_in(there)
    assert there.inner_text("h1") == "在这台电脑上登录？"
    assert {"Chrome", "127.0.0.*"} <= set(there.locator("dd").all_inner_texts())
    page.wait_for_selector("[data-state=scanned]")
    there.click("[data-approve]")
    there.wait_for_selector("[data-state=approved]")
    page.wait_for_selector("[data-state=approved]")
    page.click("[data-collect]")
    page.wait_for_url(f"{stage.url}/")
    assert pc.is_home(page)
    assert [row["client_type"] for row in stage.rows("es_member_session")] == ["h5", "pc"]


def test_a_phone_declines(visit: Visit) -> None:
    """The phone declines → the PC's page says so, and shows a new QR code when asked."""
    pc, phone = visit(DESK), visit(IN_ALIPAY)
    page = pc.open("/connect/handover")
    [ticket] = [one["value"] for one in pc.context.cookies() if one["name"] == "connect_handover"]
    there = phone.open(f"/connect/h/{ticket.partition('.')[0]}")
    phone.log_in(there)
    there.click("[data-deny]")
    there.wait_for_selector("[data-state=denied]")
    page.wait_for_selector("[data-state=denied]")
    page.click("[data-renew]")
    page.wait_for_selector("[data-state=waiting]")
