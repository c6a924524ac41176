"""Handing a login over: what a phone confirms, a PC collects, and nobody gets by guessing, relaying or racing."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor

from ...kit.acme import execute
from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.qr_logins import COOKIE, approve, collect, hold, kinds, start, status, uid
from ...kit.web_shops import HTML, check_headers, refused


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop with Alipay and WeChat."""
    with run_shop(now=clock) as running_shop:
        yield running_shop


def test_a_phone_logs_a_pc_in(shop: RunningShop, pc: Visitor, phone: Visitor) -> None:
    """Waiting, scanned, approved, collected: the PC is the phone's member, and both stay logged in."""
    path = start(pc)
    assert status(pc) == "waiting"
    assert phone.http.get(path).json()["status"] == "scanned"
    assert status(pc) == "scanned"
    assert phone.http.post(f"{path}/approve").status_code == 204
    time.sleep(2)  # of the polls' window
    assert status(pc) == "approved"
    answer = collect(pc)
    assert (answer.status_code, answer.json()) == (200, {"uid": uid(phone)})
    assert uid(pc) == uid(phone) == 1
    assert pc.http.get("/connect/me").json()["client_type"] == "pc"
    assert kinds(shop)[-2:] == ["handed_over", "logged_in"]


def test_the_phone_shows_who_where_and_when(clock: Clock, pc: Visitor, phone: Visitor) -> None:
    """The confirm page names shop, member, browser, system, coarse place and time; both answers weigh the same."""
    path = start(pc)
    clock.advance(40)
    page = phone.http.get(path, headers={**HTML, "accept-language": "en"})
    assert page.status_code == 200
    check_headers(page)
    for said in (urlsplit(str(pc.http.base_url)).netloc, "李华", "Chrome", "Windows", "127.0.0.*"):
        assert said in page.text, said
    assert re.search("4[0-4] seconds ago", page.text)
    buttons = [line for line in page.text.splitlines() if "<button" in line]
    assert len(buttons) == 2
    assert all('class="button even"' in line and 'method="post"' in line for line in buttons)
    assert phone.http.get(path).json()["browser"] == "Chrome"


def test_a_code_lives_two_minutes(clock: Clock, pc: Visitor, phone: Visitor) -> None:
    """A relayed one has to be scanned, confirmed and collected within them."""
    approve(phone, start(pc))
    clock.advance(119)
    assert collect(pc).status_code == 200
    path = start(pc)
    approve(phone, path)
    clock.advance(121)
    refused(collect(pc), 400, "state_expired")


def test_a_foreign_page_confirms_nothing(shop: RunningShop, pc: Visitor, phone: Visitor) -> None:
    """An approval is a POST from our own page: no GET, no other origin."""
    path = start(pc)
    phone.http.get(path)
    assert phone.http.get(f"{path}/approve").status_code == 405
    refused(phone.http.post(f"{path}/approve", headers={"origin": "https://evil.example"}), 403, "forbidden")
    refused(phone.http.post(f"{path}/deny", headers={"sec-fetch-site": "cross-site"}), 403, "forbidden")
    refused(collect(pc, headers={"origin": "https://evil.example"}), 403, "forbidden")
    assert pc.http.get("/connect/handover/collect").status_code == 405
    assert status(pc) == "scanned"
    [row] = shop.rows("es_connect_handover")
    assert row["expiry_time"] - row["create_time"] == 120


def test_unknown_ids_are_like_expired_ones(shop: RunningShop, clock: Clock, pc: Visitor, phone: Visitor) -> None:
    """An id has 192 random bits; one that never was, and one that is over, are refused in the same words."""
    path = start(pc)
    assert len(path.rpartition("/")[2]) == 32
    clock.advance(121)
    for one in (path, "/connect/h/" + "A" * 32, "/connect/h/x"):
        refused(phone.http.get(one), 400, "state_expired")
        refused(phone.http.post(f"{one}/approve"), 400, "state_expired")
        refused(phone.http.post(f"{one}/deny"), 400, "state_expired")
    assert status(pc) == "expired"
    refused(collect(pc), 400, "state_expired")
    hold(pc, connect_handover="unknown.unknown")
    assert status(pc) == "expired"
    refused(collect(pc), 400, "state_expired")
    assert kinds(shop) == ["registered", "bound", "logged_in"]


def test_guesses_are_counted() -> None:
    """Who tries ids, or begins one hand-over after another, is told to slow down."""
    with (
        run_shop(change=lambda raw: raw.update(limits={"per_address": "5/hour"})) as running_shop,
        Visitor(running_shop) as thief,
    ):
        answers = [thief.http.get(f"/connect/h/{number}").status_code for number in range(7)]
        assert answers == [401] * 5 + [429] * 2
        told = thief.http.post("/connect/handover")
        refused(told, 429, "rate_limited")
        assert int(told.headers["retry-after"]) > 0


def test_a_session_is_collected_once(shop: RunningShop, pc: Visitor, phone: Visitor) -> None:
    """A second collect by the PC that is logged in, and a second scan, are refused as if it had never been."""
    path = start(pc)
    ticket = pc.http.cookies[COOKIE]
    approve(phone, path)
    assert collect(pc).status_code == 200
    hold(pc, connect_handover=ticket, connect_session=pc.http.cookies["connect_session"])
    refused(collect(pc), 400, "state_expired")
    assert status(pc) == "expired"
    refused(phone.http.get(path), 400, "state_expired")
    refused(phone.http.post(f"{path}/approve"), 400, "state_expired")
    assert len(shop.rows("es_member_session")) == 2


def test_a_collect_whose_answer_was_lost_is_repeated(shop: RunningShop, pc: Visitor, phone: Visitor) -> None:
    """The PC presses the button again and is logged in by the same session; after a log-out it is over.

    Not while the shop has disabled the member.
    """
    approve(phone, start(pc))
    ticket = pc.http.cookies[COOKIE]
    lost = httpx.post(f"{shop.url}/connect/handover/collect", headers={"cookie": f"{COOKIE}={ticket}"})
    execute(shop.database_url, "UPDATE es_member SET disabled = 1")
    refused(collect(pc), 403, "member_disabled")
    execute(shop.database_url, "UPDATE es_member SET disabled = 0")
    again = collect(pc)
    assert (lost.status_code, again.status_code) == (200, 200)
    assert lost.cookies["connect_session"] == again.cookies["connect_session"]
    assert uid(pc) == uid(phone)
    assert (len(shop.rows("es_member_session")), kinds(shop).count("handed_over")) == (2, 1)
    assert pc.http.post("/connect/logout").status_code == 204
    hold(pc, connect_handover=ticket)
    refused(collect(pc), 400, "state_expired")


STEPS = {
    "scan": "GET {}",
    "approve": "POST {}/approve",
    "deny": "POST {}/deny",
    "collect": "POST /connect/handover/collect",
}
BEFORE: dict[str, tuple[str, ...]] = {
    "waiting": (),
    "scanned": ("scan",),
    "approved": ("scan", "approve"),
    "denied": ("scan", "deny"),
    "taken back": ("scan", "approve", "deny"),
    "collected": ("scan", "approve", "collect"),
}
OVER, WRONG = "state_expired", "state_invalid"
ANSWERS = {
    "waiting": {"scan": "", "approve": WRONG, "deny": WRONG, "collect": WRONG},
    "scanned": {"scan": "", "approve": "", "deny": "", "collect": WRONG},
    "approved": {"scan": "", "approve": "", "deny": "", "collect": ""},
    "denied": {"scan": OVER, "approve": WRONG, "deny": "", "collect": WRONG},
    "taken back": {"scan": OVER, "approve": WRONG, "deny": "", "collect": WRONG},
    "collected": {"scan": OVER, "approve": OVER, "deny": OVER, "collect": ""},
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", BEFORE)
def test_every_step_in_every_state(pc: Visitor, phone: Visitor, state: str, step: str) -> None:
    """The state machine, exhaustively: each step is taken where the drawing has it, and refused everywhere else."""
    path = start(pc)
    ticket = pc.http.cookies[COOKIE]

    def take(one: str) -> httpx.Response:
        hold(pc, connect_handover=ticket)
        method, _, url = STEPS[one].format(path).partition(" ")
        return (pc if one == "collect" else phone).http.request(method, url)

    for one in BEFORE[state]:
        assert take(one).is_success
    before = status(pc)
    answer = take(step)
    if code := ANSWERS[state][step]:
        refused(answer, 400, code)
        assert status(pc) == before
    else:
        assert answer.is_success


def test_64_collects_at_once_open_one_session(shop: RunningShop, pc: Visitor, phone: Visitor) -> None:
    """A ticket raced from 64 connections opens one session, and each answer carries it: any of them may be lost."""
    approve(phone, start(pc))
    cookies = {"cookie": f"{COOKIE}={pc.http.cookies[COOKIE]}"}
    url = f"{shop.url}/connect/handover/collect"

    def collect_at_last(_: int) -> httpx.Response:
        while True:
            answer = httpx.post(url, headers=cookies, trust_env=False, timeout=None)
            if answer.status_code != 503:  # a machine under load has no time for everybody at once
                return answer

    with ThreadPoolExecutor(64) as crowd:
        answers = list(crowd.map(collect_at_last, range(64)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.cookies["connect_session"] for answer in answers}) == 1
    assert len(shop.rows("es_member_session")) == 2
    assert kinds(shop).count("handed_over") == 1


def test_a_phone_logs_in_first_and_confirms_then(shop: RunningShop, pc: Visitor) -> None:
    """Who is not logged in is sent to the login page and comes back to the confirm page: nothing approves itself."""
    path = start(pc)
    with Visitor(shop) as stranger:
        refused(stranger.http.get(path), 401, "not_logged_in")
        refused(stranger.http.post(f"{path}/approve"), 401, "not_logged_in")
        sent = stranger.http.get(path, headers=HTML)
        assert (sent.status_code, urlsplit(sent.headers["location"]).path) == (303, "/connect/login")
        assert status(pc) == "waiting"
        login = stranger.http.get(stranger.consent(stranger.begin("alipay", "pc", return_to=path)))
        assert urlsplit(login.headers["location"]).path == path
        assert stranger.http.get(login.headers["location"], headers=HTML).status_code == 200
        assert status(pc) == "scanned"
        refused(collect(pc), 400, "state_invalid")
        assert stranger.http.post(f"{path}/approve").status_code == 204
    assert collect(pc).status_code == 200


def test_polling_tells_the_state_alone(pc: Visitor, phone: Visitor) -> None:
    """Neither page nor poll says who scanned, until the session is collected."""
    approve(phone, start(pc))
    assert pc.http.get("/connect/handover/status").json() == {"status": "approved"}
    page = pc.http.get("/connect/handover?waits=1", headers=HTML).text
    assert "李华" not in page
    assert "m_" not in page


def test_a_refusal_is_final(pc: Visitor, phone: Visitor) -> None:
    """After "decline" the PC is told so, and its id is dead."""
    path = start(pc)
    phone.http.get(path)
    assert phone.http.post(f"{path}/deny", headers=HTML).status_code == 200
    assert status(pc) == "denied"
    refused(collect(pc), 400, "state_invalid")
    page = pc.http.get("/connect/handover?waits=1", headers=HTML)
    assert 'data-state="denied"' in page.text
    renewed = pc.http.post("/connect/handover", headers=HTML, data={"return_to": "/cart"})
    assert renewed.headers["location"] == "/connect/handover?return_to=%2Fcart&waits=1"
    assert status(pc) == "waiting"


def test_fast_pollers_are_slowed_down(pc: Visitor) -> None:
    """Once a second is fine; faster is 429 with `Retry-After`, for that ticket alone."""
    start(pc)
    found = [pc.http.get("/connect/handover/status") for _ in range(8)]
    slowed = [answer for answer in found if answer.status_code == 429]
    assert len(slowed) >= 2
    assert {answer.headers["retry-after"] for answer in slowed} == {"2"}
    start(pc)
    assert status(pc) == "waiting"


def test_the_pc_gets_a_new_session(shop: RunningShop, pc: Visitor, phone: Visitor) -> None:
    """What the PC's browser held before the collect, planted or its own, ends; the new one is another."""
    pc.log_in("alipay", "pc", "wangfang")
    before = pc.http.cookies["connect_session"]
    approve(phone, start(pc))
    assert collect(pc).status_code == 200
    after = pc.http.cookies["connect_session"]
    assert after not in (before, phone.http.cookies["connect_session"])
    assert uid(pc) == uid(phone)
    hold(pc, connect_session=before)
    assert uid(pc) is None


def test_the_code_is_our_address_and_the_id(shop: RunningShop, pc: Visitor) -> None:
    """The address is built from `public_url`, whatever `Host` says, and takes no target."""
    begun = pc.http.post("/connect/handover?return_to=https://evil.example", headers={"host": "evil.example"})
    url = urlsplit(begun.json()["handover_url"])
    assert f"{url.scheme}://{url.netloc}" == shop.url
    assert (url.query, url.fragment) == ("", "")
    with (
        run_shop(change=lambda raw: raw["service"].update(public_url="https://shop.example")) as safe,
        Visitor(safe) as v,
    ):
        assert v.http.post("/connect/handover").json()["handover_url"].startswith("https://shop.example/connect/h/")


def test_an_approval_survives_the_process(shop: RunningShop, pc: Visitor, phone: Visitor) -> None:
    """Approved at one process, collected at another with the same database, which has never heard of it."""
    approve(phone, start(pc))

    def share(raw: dict[str, Any]) -> None:
        raw["service"]["database_url"] = shop.database_url

    with run_shop(change=share) as other, Visitor(other) as later:
        later.http.headers["cookie"] = f"{COOKIE}={pc.http.cookies[COOKIE]}"
        assert later.http.get("/connect/handover/status").json() == {"status": "approved"}
        assert collect(later).json() == {"uid": 1}
    assert len(shop.rows("es_member_session")) == 2


def test_who_logged_out_hands_nothing_over(shop: RunningShop, pc: Visitor, phone: Visitor) -> None:
    """The approving login must still be alive when the PC collects."""
    approve(phone, start(pc))
    phone.http.post("/connect/logout")
    refused(collect(pc), 400, "state_invalid")
    assert uid(pc) is None
    assert "handed_over" not in kinds(shop)


def test_who_was_disabled_hands_nothing_over(pc: Visitor, phone: Visitor) -> None:
    """So must the member."""
    approve(phone, start(pc))
    execute(pc.shop.database_url, "UPDATE es_member SET disabled = 1")
    refused(collect(pc), 403, "member_disabled")
    assert uid(pc) is None


def test_another_browser_collects_nothing(shop: RunningShop, pc: Visitor, phone: Visitor) -> None:
    """Without the cookie it is 403, also for the phone; with the id alone, which the code shows, it is nothing."""
    path = start(pc)
    approve(phone, path)
    with Visitor(shop) as thief:
        for attempt in (collect(thief), collect(phone), thief.http.get("/connect/handover/status")):
            refused(attempt, 403, "forbidden")
        id_ = path.rpartition("/")[2]
        for ticket in (id_, f"{id_}.", f"{id_}.{id_}"):
            hold(thief, connect_handover=ticket)
            refused(collect(thief), 400, "state_expired")
        assert status(thief) == "expired"
    assert collect(pc).status_code == 200


@pytest.mark.parametrize("state", ["scanned", "approved"])
def test_a_second_account_ends_it(shop: RunningShop, pc: Visitor, phone: Visitor, state: str) -> None:
    """An id that two accounts scan was relayed: it is dead for both, and an event for each of them says so."""
    path = start(pc)
    phone.http.get(path)
    if state == "approved":
        approve(phone, path)
    with Visitor(shop) as other:
        other.log_in("alipay", "pc", "wangfang")
        refused(other.http.get(path), 400, "state_invalid")
    refused(phone.http.post(f"{path}/approve"), 400, "state_invalid")
    assert status(pc) == "denied"
    refused(collect(pc), 400, "state_invalid")
    conflicts = [row["member_id"] for row in shop.rows("es_connect_event") if row["kind"] == "handover_conflict"]
    assert conflicts == [1, 2]


def test_another_account_decides_nothing(shop: RunningShop, pc: Visitor, phone: Visitor) -> None:
    """Who has not scanned can neither agree nor refuse."""
    path = start(pc)
    phone.http.get(path)
    with Visitor(shop) as other:
        other.log_in("alipay", "pc", "wangfang")
        refused(other.http.post(f"{path}/approve"), 400, "state_invalid")
        refused(other.http.post(f"{path}/deny"), 400, "state_invalid")
    assert status(pc) == "scanned"


def test_a_handed_over_login_is_as_old_as_its_own(clock: Clock, shop: RunningShop, pc: Visitor, phone: Visitor) -> None:
    """A hand-over is no fresh login: it opens no door that wants one, and does not outlast the phone's."""
    clock.advance(3600)
    approve(phone, start(pc))
    assert collect(pc).status_code == 200
    before, after = shop.rows("es_member_session")
    assert [after[name] for name in ("create_time", "expiry_time", "connect_id")] == [
        before[name] for name in ("create_time", "expiry_time", "connect_id")
    ]
    refused(pc.http.post("/connect/wechat/pc/bind", json={}), 403, "forbidden")
