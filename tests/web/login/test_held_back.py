"""A vendor that is down, over real HTTP: its logins are held back, the pages say so, and one login tries it again."""

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor, make_settings
from connect_core.http import HttpPool
from connect_core.providers.circuits import Circuits
from connect_core.settings import Settings

from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.html_pages import ParsedPage
from ...kit.web_shops import HTML, TOKEN, alipay_and_wechat, come_back, mini_login, refused, served

DEADLINE = 0.3
REASONS = {
    "zh-CN": "支付宝暂时没有响应，请换一种方式登录。",
    "zh-TW": "支付宝暫時沒有回應，請改用其他方式登入。",
    "en": "Alipay does not answer at the moment. Please log in another way.",
}


@pytest.fixture
def clock() -> Clock:
    """The clock of the circuits alone."""
    return Clock(1000.0)


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop with little patience, whose circuits open after three outages."""
    with running(clock) as running_shop:
        yield running_shop


@contextmanager
def running(clock: Clock, **options: Any) -> Iterator[RunningShop]:
    """Run a shop with Alipay and WeChat."""
    pool, circuits = HttpPool(deadline=DEADLINE), Circuits("3/minute", clock)
    with run_shop(alipay_and_wechat(), pool=pool, circuits=circuits, **options) as running_shop:
        yield running_shop


def fail(visitor: Visitor, kind: str = "status", value: object = 503, times: int = 3) -> None:
    """Log in with Alipay while it is down."""
    visitor.shop.sandboxes["alipay"].faults.add(kind, value, on=TOKEN, times=times)
    for _ in range(times):
        assert visitor.log_in("alipay", "pc").status_code in (502, 504)


def start(visitor: Visitor, provider: str = "alipay", client: str = "pc", **headers: str) -> httpx.Response:
    """Begin a login."""
    return visitor.http.get(f"/connect/{provider}/{client}/login", headers=headers)


@pytest.mark.parametrize(("kind", "value"), [("delay", DEADLINE + 1), ("status", 503), ("status", 429)])
def test_a_login_is_refused_at_once_while_its_vendor_is_down(
    visitor: Visitor, kind: str, value: float, clock: Clock
) -> None:
    """It hangs, or says that it is overloaded: the next login is not sent there, whichever client it comes from."""
    fail(visitor, kind, value)
    for client in ("pc", "h5"):
        answer = start(visitor, client=client)
        refused(answer, 502, "provider_refused")
        assert answer.headers["retry-after"] == "15"
    refused(visitor.http.post("/connect/alipay/pc/login-url", json={}), 502, "provider_refused")
    assert visitor.log_in("wechat", "pc").status_code == 303
    clock.advance(15)
    assert visitor.log_in("alipay", "pc").status_code == 303
    assert start(visitor).status_code == 303


def test_nobody_there_is_an_outage_too(clock: Clock) -> None:
    """The vendor's address refuses connections."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}"

        def change(raw: dict[str, Any]) -> None:
            raw["providers"]["alipay"]["mini"]["gateway_url"] = f"{dead}/gateway.do"

        with running(clock, change=change) as shop, Visitor(shop) as visitor:
            for _ in range(3):
                refused(mini_login(visitor), 502, "provider_refused")
            assert start(visitor).headers["retry-after"] == "15"


def test_made_up_codes_hold_nobody_back(visitor: Visitor) -> None:
    """Whoever posts them gets an answer of the vendor, and everybody else can log in."""
    for number in range(20):
        answer = visitor.http.post("/connect/alipay/mini/token", json={"code": f"made-up-{number}"})
        refused(answer, 400, "code_invalid")
    assert start(visitor).status_code == 303


@pytest.mark.parametrize("language", REASONS)
def test_the_login_page_says_which_login_does_not_work(visitor: Visitor, language: str, clock: Clock) -> None:
    """It is there without a link, with the reason in the visitor's language; the others can be used."""
    address, headers = "/connect/login?client=pc", {**HTML, "accept-language": language}
    assert "data-down" not in visitor.http.get(address, headers=headers).text
    fail(visitor)
    page = visitor.http.get(address, headers=headers).text
    assert ParsedPage(page).values("a", "data-provider") == ["wechat"]
    [row] = re.findall(r'<li class="row away down" data-down="alipay">(.*?)</li>', page, re.DOTALL)
    assert REASONS[language] in row
    assert "href" not in row
    clock.advance(15)
    assert "data-down" not in visitor.http.get(address, headers=headers).text


LATER = {
    "zh-CN": "支付宝暂时没有响应，请稍后再试。",
    "en": "Alipay does not answer at the moment. Please try again later.",
}


@pytest.mark.parametrize("language", LATER)
@pytest.mark.parametrize(
    ("provider", "address", "form"),
    [
        ("wechat", "/connect/account", "data-bind"),
        ("alipay", "/connect/reauthenticate", "data-confirm"),
    ],
)
def test_pages_of_a_member_say_which_login_does_not_work(
    clock: Clock, provider: str, address: str, form: str, language: str
) -> None:
    """What would link it, or confirm with it, has no button meanwhile, and the reason stands there."""
    headers, now = {**HTML, "accept-language": language}, Clock()
    with running(clock, now=now) as shop, Visitor(shop) as member, Visitor(shop) as other:
        assert member.log_in(provider, "pc").status_code == 303
        now.advance(660)  # so that the login is too old for what has to be confirmed
        before = member.http.get(address, headers=headers).text
        fail(other)
        during = member.http.get(address, headers=headers).text
        clock.advance(15)
        after = member.http.get(address, headers=headers).text
    for page in (before, after):
        assert "alipay" in ParsedPage(page).values("button", form)
        assert "data-down" not in page
    assert "alipay" not in ParsedPage(during).values("button", form)
    [row] = re.findall(r'<li class="row away down" data-down="alipay">(.*?)</li>', during, re.DOTALL)
    assert LATER[language] in row


def test_a_newcomer_is_told_which_login_does_not_work(clock: Clock) -> None:
    """Whoever has an account cannot prove it meanwhile by a login that would be refused."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"]["first_login"] = "choose"

    with running(clock, change=change) as shop, Visitor(shop) as newcomer, Visitor(shop) as other:
        assert newcomer.log_in("wechat", "pc").status_code == 303
        fail(other)
        page = newcomer.http.get("/connect/first-login", headers={**HTML, "accept-language": "en"}).text
        waiting = newcomer.http.get("/connect/first-login", headers={"accept-language": "en"}).json()
    assert ParsedPage(page).values("button", "data-join") == []
    assert LATER["en"] in page
    assert [join.get("unavailable") for join in waiting["joins"]] == [{"reason": REASONS["en"], "retry_after": 15}]


def test_a_program_is_told_by_which_login_a_member_cannot_confirm(visitor: Visitor) -> None:
    """The ways of a member who has to say again who they are."""
    assert visitor.log_in("alipay", "pc").status_code == 303
    [before] = visitor.http.get("/connect/reauthenticate").json()["ways"]
    with Visitor(visitor.shop) as other:
        fail(other)
    [during] = visitor.http.get("/connect/reauthenticate", headers={"accept-language": "en"}).json()["ways"]
    assert "unavailable" not in before
    assert during["unavailable"] == {"reason": REASONS["en"], "retry_after": 15}


def test_front_ends_are_told_which_login_does_not_work(visitor: Visitor) -> None:
    """A field that is there only meanwhile, with the reason and when to look again."""
    fail(visitor)
    alipay, wechat = visitor.http.get("/connect/providers?client=pc", headers={"accept-language": "en"}).json()
    assert alipay["unavailable"] == {"reason": REASONS["en"], "retry_after": 15}
    assert set(alipay) - {"unavailable"} == set(wechat) == {"provider", "name", "login_url"}


def test_a_visitor_who_is_held_back_is_offered_the_other_logins(visitor: Visitor) -> None:
    """By name, and back to where they wanted to go; not the login that was just refused."""
    fail(visitor)
    answer = visitor.http.get("/connect/alipay/pc/login?return_to=/cart", headers={**HTML, "accept-language": "en"})
    assert (answer.status_code, answer.headers["retry-after"]) == (502, "15")
    assert "This login does not answer at the moment" in answer.text
    assert "Continue with WeChat" in answer.text
    links = ParsedPage(answer.text).values("a", "href")
    assert "/connect/wechat/pc/login?return_to=%2Fcart" in links
    assert "/connect/login?return_to=%2Fcart" in links
    assert not [link for link in links if link.startswith("/connect/alipay")]
    chinese = start(visitor, **HTML | {"accept-language": "zh-CN"}).text
    assert "这种登录方式暂时没有响应" in chinese
    assert "微信登录" in chinese


def test_whoever_comes_back_from_the_vendor_is_tried(visitor: Visitor, clock: Clock) -> None:
    """They have a code in hand. When it fails, nothing changes; when it works, the vendor is up again for everybody."""
    with Visitor(visitor.shop) as early, Visitor(visitor.shop) as late:
        callbacks = come_back(early), come_back(late, person="newcomer")
        fail(visitor)
        visitor.shop.sandboxes["alipay"].faults.add("status", 503, on=TOKEN)
        refused(early.http.get(callbacks[0]), 502, "provider_refused")
        clock.advance(5)
        assert start(visitor).headers["retry-after"] == "10"
        assert late.http.get(callbacks[1]).status_code == 303
        assert late.http.get("/connect/me").status_code == 200
    assert start(visitor).status_code == 303


def test_one_of_many_visitors_tries_whether_the_vendor_is_back(visitor: Visitor, clock: Clock) -> None:
    """Of twenty who begin at the same moment the others are held back, until that login works."""
    fail(visitor)
    clock.advance(15)
    visitors = [Visitor(visitor.shop) for _ in range(20)]
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(start, visitors))
    assert sorted(answer.status_code for answer in answers) == [303] + [502] * 19
    assert {answer.headers.get("retry-after") for answer in answers} == {None, "30"}
    [probe] = [browser for browser, answer in zip(visitors, answers, strict=True) if answer.status_code == 303]
    [login_url] = [answer.headers["location"] for answer in answers if answer.status_code == 303]
    assert probe.http.get(probe.consent(login_url)).status_code == 303
    assert [start(browser).status_code for browser in visitors[:5]] == [303] * 5
    for browser in visitors:
        browser.http.close()


def test_the_service_has_circuits_and_test_shops_have_none(tmp_path: Path) -> None:
    """`serve` holds logins back after five outages; shops of tests and contract runs, which provoke them, do not."""
    assert Settings.model_fields["limits"].default.vendor_outages == "5/minute"
    settings = make_settings("http://127.0.0.1", Path(":memory:"))
    limited = make_settings("http://127.0.0.1", Path(":memory:"), limits={"per_address": "1/hour"})
    assert (settings.limits.vendor_outages, limited.limits.vendor_outages) == ("off", "off")
    with served(tmp_path) as service, httpx.Client(trust_env=False, base_url=service.url) as client:
        service.sandboxes["alipay"].faults.add("status", 503, on=TOKEN, times=5)
        for number in range(5):
            answer = client.post("/connect/alipay/mini/token", json={"code": f"made-up-{number}"})
            assert answer.status_code == 502, answer.text
        held = client.get("/connect/alipay/pc/login")
        assert (held.status_code, held.headers["retry-after"]) == (502, "15")
        assert client.get("/connect/wechat/pc/login").status_code == 303
    assert "provider_circuit" in service.output
