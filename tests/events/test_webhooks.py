"""Webhooks: what endpoints get, how it is signed, and what happens when they fail."""

import logging
import time
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from connect_core.acts import OperatorAct
from connect_core.events.retries import DELAYS, FAILURES_IN_A_ROW, KEEP_TRYING_SECONDS
from connect_core.manager import ConnectManager

from ..conftest import MakeManager
from ..kit.acme import hand_in, outcome_of, rows
from ..kit.clock import Clock
from ..kit.receiver import OTHER_SECRET, SECRET, Receiver, endpoint, receiving, status

ACT = OperatorAct("li", "asked by the shop", "r1")
DAY = 24 * 3600
pytestmark = pytest.mark.usefixtures("database_url")


def webhooks_of(receiver: Receiver, **settings: object) -> dict[str, dict[str, object]]:
    """The section `[webhooks]` with one endpoint, `shop`."""
    return {"shop": endpoint(receiver, **settings)}


async def deliver(manager: ConnectManager) -> int:
    """Send what is due; from now on nothing is sent but by this."""
    deliveries = manager.webhooks.deliveries
    manager.subscriptions.wake = None
    return await deliveries.deliver_due()


def states(folder: Path) -> list[str]:
    """The states of all deliveries, in their order."""
    return [row["state"] for row in rows(folder, "SELECT state FROM es_webhook_delivery ORDER BY id")]


async def test_a_login_is_told_signed_and_in_order(make_manager: MakeManager, tmp_path: Path) -> None:
    """A first login is three events; each is signed for both secrets while they rotate, and has no id of the vendor."""
    with receiving() as receiver:
        manager = make_manager(webhooks=webhooks_of(receiver, secrets=[SECRET, OTHER_SECRET]))
        await hand_in(manager, "lihua.1")
        assert await deliver(manager) == 3
    assert receiver.types() == ["member.registered", "identity.linked", "member.logged_in"]
    for call in receiver.taken:
        for secret in (SECRET, OTHER_SECRET):
            Webhook(secret).verify(call.body, call.headers)
        assert abs(int(call.headers["webhook-timestamp"]) - time.time()) < 60
        assert "lihua" not in call.body.decode()
    event = rows(tmp_path, "SELECT id, member_id, create_time FROM es_connect_event WHERE kind = 'logged_in'")[0]
    login = receiver.taken[-1]
    assert login.id == f"evt_{event['id']}_{event['create_time']}"
    assert login.content == {
        "type": "member.logged_in",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(event["create_time"])),
        "data": {
            "member_id": event["member_id"],
            "provider": "acme",
            "client_type": "mini",
            "union_type": "ACME",
            "is_new_member": True,
            "request_id": "0123456789abcdef",
        },
    }
    assert states(tmp_path) == ["delivered"] * 3
    assert await deliver(manager) == 0


async def test_an_endpoint_gets_what_it_names(make_manager: MakeManager, tmp_path: Path) -> None:
    """Refused logins go to endpoints that name them, and to no other; one that is switched off gets nothing."""
    with receiving() as receiver, receiving() as refusals, receiving() as off:
        sections = {
            "shop": endpoint(receiver),
            "watch": endpoint(refusals, events=["login.refused"]),
            "off": endpoint(off, enabled=False),
        }
        manager = make_manager(webhooks=sections)
        await hand_in(manager, "lihua.1")
        assert await outcome_of(hand_in(manager, "nobody.1")) == "code_invalid"
        await manager.dispatcher.drain()
        assert await deliver(manager) == 4
    assert "login.refused" not in receiver.types()
    assert refusals.types() == ["login.refused"]
    data = refusals.taken[0].content["data"]
    assert data == {"code": "code_invalid", "provider": "acme", "client_type": "mini", "request_id": data["request_id"]}
    assert off.calls == []


async def test_without_an_endpoint_nothing_is_stored(make_manager: MakeManager, tmp_path: Path) -> None:
    """No delivery, no refusal, and the module that sends is not even made."""
    manager = make_manager()
    await hand_in(manager, "lihua.1")
    assert await outcome_of(hand_in(manager, "nobody.1")) == "code_invalid"
    await manager.dispatcher.drain()
    assert states(tmp_path) == []
    assert rows(tmp_path, "SELECT id FROM es_connect_event WHERE kind = 'login_refused'") == []
    assert manager._webhooks is None


async def test_a_receiver_that_is_down_for_an_hour_gets_everything(make_manager: MakeManager, tmp_path: Path) -> None:
    """In the order of each member, every event once or more with one id; while it is down, few attempts are made."""
    clock = Clock(time.time())
    with receiving(status(500)) as receiver:
        manager = make_manager(webhooks=webhooks_of(receiver), now=clock)
        for minute in range(60):
            await hand_in(manager, f"person{minute % 7}.{minute}")
            await deliver(manager)
            clock.advance(60)
        failed = len(receiver.calls)
        assert failed < 50
        receiver.answer = status(204)
        for _ in range(40):
            await deliver(manager)
            clock.advance(60)
        assert set(states(tmp_path)) == {"delivered"}
    expected = rows(tmp_path, "SELECT id, member_id, create_time FROM es_connect_event ORDER BY create_time, id")
    by_member: dict[int, list[str]] = {}
    for event in expected:
        by_member.setdefault(event["member_id"], []).append(f"evt_{event['id']}_{event['create_time']}")
    for member_id, ids in by_member.items():
        assert [call.id for call in receiver.taken if call.content["data"]["member_id"] == member_id] == ids


async def test_one_member_whose_event_fails_holds_up_nobody_else(make_manager: MakeManager, tmp_path: Path) -> None:
    """The later events of that member wait for it; it is tried again after 5 s, 5 min, 30 min."""
    clock = Clock(time.time())
    with receiving() as receiver:
        manager = make_manager(webhooks=webhooks_of(receiver, events=["member.logged_in"]), now=clock)
        await hand_in(manager, "bad.1")
        bad = rows(tmp_path, "SELECT id FROM es_member")[0]["id"]
        receiver.answer = lambda call: (400 if call.content["data"]["member_id"] == bad else 204, {})
        for delay in (0, *DELAYS[:3]):
            clock.advance(round(delay * 1.3) + 1)
            await hand_in(manager, f"good.{delay}")
            await hand_in(manager, f"bad.{delay}x")
            before = len(receiver.calls)
            assert await deliver(manager) == 1
            assert len(receiver.calls) == before + 2
    row = rows(tmp_path, "SELECT attempts, last_error FROM es_webhook_delivery ORDER BY id")[0]
    assert row == {"attempts": 4, "last_error": "http_400"}


async def test_an_endpoint_that_fails_for_three_days_is_disabled(
    make_manager: MakeManager, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so; nothing is sent any more; enabled by an operator, it gets what waits and what is replayed."""
    clock = Clock(time.time())
    with receiving(status(503)) as receiver:
        manager = make_manager(webhooks=webhooks_of(receiver), now=clock)
        for number in range(3):
            await hand_in(manager, f"person{number}.1")
        while clock() < time.time() + KEEP_TRYING_SECONDS + 2 * 3600:
            await deliver(manager)
            clock.advance(3600)
        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["webhook_disabled"]
        assert receiver.url not in caplog.text
        [view] = await manager.webhooks.find_endpoints()
        assert (view.state, view.pending, view.last_error) == ("disabled", 9, "http_503")
        before = len(receiver.calls)
        await hand_in(manager, "late.1")
        assert await deliver(manager) == 0
        clock.advance(DAY)
        await manager.sweep()
        assert len(receiver.calls) == before
        assert sorted(states(tmp_path)) == ["dead"] * 9 + ["pending"] * 3
        receiver.answer = status(200)
        assert await manager.webhooks.enable("shop", ACT)
        assert not await manager.webhooks.enable("shop", ACT)
        assert await deliver(manager) == 3
        assert await manager.webhooks.replay_dead("shop", ACT) == 9
        assert await deliver(manager) == 9
    actions = [(row["action"], row["target"]) for row in rows(tmp_path, "SELECT * FROM es_admin_audit ORDER BY id")]
    assert actions == [("webhook.enabled", "webhooks.shop"), ("webhook.replayed", "webhooks.shop")]


async def test_an_operator_need_not_wait_for_the_next_try(make_manager: MakeManager, tmp_path: Path) -> None:
    """After a short outage the deliveries wait for minutes; `enable` sends them now, and then nothing waits."""
    with receiving(status(503)) as receiver:
        manager = make_manager(webhooks=webhooks_of(receiver, events=["member.logged_in"]))
        await hand_in(manager, "lihua.1")
        await deliver(manager)
        receiver.answer = status(204)
        assert await deliver(manager) == 0
        assert await manager.webhooks.enable("shop", ACT)
        assert await deliver(manager) == 1
        assert not await manager.webhooks.enable("shop", ACT)
    assert states(tmp_path) == ["delivered"]


async def test_gone_disables_at_once_and_retry_after_is_honoured(make_manager: MakeManager, tmp_path: Path) -> None:
    """410 means never again; 429 with `Retry-After` means not before."""
    clock = Clock(time.time())
    with receiving(status(429, retry_after="600")) as receiver:
        manager = make_manager(webhooks=webhooks_of(receiver), now=clock)
        await hand_in(manager, "lihua.1")
        await deliver(manager)
        clock.advance(590)
        await deliver(manager)
        assert len(receiver.calls) == 1
        receiver.answer = status(410)
        clock.advance(20)
        await deliver(manager)
        [view] = await manager.webhooks.find_endpoints()
        assert (view.state, len(receiver.calls)) == ("disabled", 2)


async def test_a_delivery_is_given_up_after_three_days(make_manager: MakeManager, tmp_path: Path) -> None:
    """Then the member's later events go on; replayed, it keeps its id."""
    clock = Clock(time.time())
    with receiving() as receiver:
        manager = make_manager(webhooks=webhooks_of(receiver, events=["member.logged_in"]), now=clock)
        await hand_in(manager, "bad.1")
        bad = rows(tmp_path, "SELECT id FROM es_member")[0]["id"]
        receiver.answer = lambda call: (500 if call.content["data"]["member_id"] == bad else 204, {})
        for day in range(30):
            await hand_in(manager, f"good.{day}")
            await deliver(manager)
            clock.advance(7 * 3600)
        assert states(tmp_path)[0] == "dead"
        failed = {call.id for call in receiver.calls if call.content["data"]["member_id"] == bad}
        receiver.answer = status(204)
        [dead] = await manager.webhooks.find_deliveries(state="dead")
        assert (dead.type, dead.last_error, dead.member_id) == ("member.logged_in", "http_500", bad)
        assert await manager.webhooks.replay([dead.id], ACT) == 1
        assert await deliver(manager) == 1
        assert {receiver.taken[-1].id} == failed
    assert len(DELAYS) > FAILURES_IN_A_ROW


async def test_the_test_button_sends_one_signed_event(make_manager: MakeManager, tmp_path: Path) -> None:
    """At once, also to an endpoint that is switched off, and says what the receiver answered."""
    with receiving(status(201)) as receiver:
        manager = make_manager(webhooks=webhooks_of(receiver, enabled=False))
        sent = await manager.webhooks.send_test("shop", ACT)
        assert (sent.status, sent.error, sent.is_delivered) == (201, "", True)
        Webhook(SECRET).verify(receiver.taken[0].body, receiver.taken[0].headers)
        assert receiver.types() == ["connect.test"]
        receiver.answer = status(302, location="http://127.0.0.1:9/")
        assert (await manager.webhooks.send_test("shop", ACT)).error == "http_302"
    assert (await manager.webhooks.send_test("shop", ACT)).error == "connect"
    details = [row["detail"] for row in rows(tmp_path, "SELECT detail FROM es_admin_audit ORDER BY id")]
    assert details == [f"{word}: asked by the shop" for word in ("delivered", "http_302", "connect")]


async def test_sending_never_delays_a_login(make_manager: MakeManager, caplog: pytest.LogCaptureFixture) -> None:
    """An endpoint that hangs holds up neither logins nor another endpoint; a woken sender sends at once."""
    caplog.set_level(logging.INFO, "connect_login")
    with receiving(lambda _: (time.sleep(0.5), (204, {}))[1]) as slow, receiving() as fast:
        manager = make_manager(webhooks={"slow": endpoint(slow), "fast": endpoint(fast)})
        assert manager.webhooks
        began = time.monotonic()
        await hand_in(manager, "lihua.1")
        assert time.monotonic() - began < 0.5
        assert await deliver(manager) == 6
        assert len(fast.taken) == len(slow.taken) == 3
