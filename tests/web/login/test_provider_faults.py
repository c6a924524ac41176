"""A vendor, or a plugin, that fails: the visitor is told in time, nothing is written, and the next login works."""

import asyncio
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor, sandbox_settings
from connect_core.http import HttpPool
from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    ClientType,
    Identity,
    PersonId,
    Profile,
    hookimpl,
)
from connect_core.providers.registry import Plugins
from connect_core.sandbox import listen, sandbox_app, serving

from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.ports import free_port
from ...kit.web_shops import (
    HTML,
    PROFILE,
    TOKEN,
    acme_back,
    acme_shop,
    alipay_and_wechat,
    come_back,
    count_code_calls,
    flow_cookies,
    legacy_refused,
    nothing_written,
    refused,
    untouched,
)

DEADLINE = 0.5
CALLS = {"alipay": (TOKEN, PROFILE), "wechat": ("token", "userinfo")}


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop with little patience."""
    with run_shop(pool=HttpPool(deadline=DEADLINE)) as running_shop:
        yield running_shop


UNUSABLE = "provider_bad_response"
FAULTS = {
    "black hole": ("delay", DEADLINE + 1, 504, "provider_timeout"),
    "a byte now and then": ("drip", DEADLINE / 5, 504, "provider_timeout"),
    "endless": ("huge", "", 502, UNUSABLE),
    "compressed": ("gzip", "", 502, UNUSABLE),
    "500": ("status", 500, 502, "provider_refused"),
    "502": ("status", 502, 502, "provider_refused"),
    "503": ("status", 503, 502, "provider_refused"),
    "429": ("status", 429, 502, "provider_refused"),
    "a page": ("html", "", 502, UNUSABLE),
    "nothing": ("empty", "", 502, UNUSABLE),
    "a form": ("garbage", "access_token=a&openid=b", 502, UNUSABLE),
    "404": ("status", 404, 502, UNUSABLE),
    "half": ("truncate", "", 502, UNUSABLE),
    "a mark alone": ("garbage", "\ufeff", 502, UNUSABLE),
    "NaN": ("garbage", '{"access_token":NaN}', 502, UNUSABLE),
    "twice": ("garbage", '{"openid":"a","openid":"b","access_token":"c"}', 502, UNUSABLE),
    "deep": ("garbage", "[" * 100_000, 502, UNUSABLE),
    "deep objects": ("garbage", '{"a":' * 20_000, 502, UNUSABLE),
    "long number": ("garbage", '{"openid":' + "9" * 5_000 + "}", 502, UNUSABLE),
    "a list": ("garbage", "[{}]", 502, UNUSABLE),
    "null": ("garbage", "null", 502, UNUSABLE),
    "no UTF-8": ("garbage", '{"openid":"\ud800","access_token":"a"}', 502, UNUSABLE),
    "redirect": ("redirect", "", 502, UNUSABLE),
    "an empty object": ("garbage", "{}", 502, UNUSABLE),
    "success without a person": ("missing_id", "", 502, UNUSABLE),
}


@pytest.mark.parametrize("provider", CALLS)
@pytest.mark.parametrize(("kind", "value", "status", "code"), FAULTS.values(), ids=FAULTS)
def test_faulty_answers_end_one_login(
    shop: RunningShop, visitor: Visitor, provider: str, kind: str, value: object, status: int, code: str
) -> None:
    """A faulty answer is told by its kind, writes nothing, and the code is sent once, though its owner comes again."""
    shop.sandboxes[provider].faults.add(kind, value, on=CALLS[provider][0])
    callback, calls, started = come_back(visitor, provider, person="newcomer"), count_code_calls(shop), time.monotonic()
    cookie = "; ".join(f"{name}={sealed}" for name, sealed in flow_cookies(visitor).items())
    with nothing_written(shop):
        answer = visitor.http.get(callback)
        assert time.monotonic() - started < DEADLINE + 2
        refused(answer, status, code)
        assert answer.headers.get("retry-after") == ("7" if code == "provider_refused" else None)
        refused(httpx.get(callback, headers={"cookie": cookie}), 400, "state_invalid")
    assert flow_cookies(visitor) == {}
    assert count_code_calls(shop) - calls == 1
    assert visitor.http.get(come_back(visitor, provider)).status_code == 303


@pytest.mark.parametrize("door", ["app", "mini", "legacy"])
@pytest.mark.parametrize("fault", ["black hole", "endless", "503", "half", "success without a person"])
def test_at_the_doors_of_phones(shop: RunningShop, visitor: Visitor, door: str, fault: str) -> None:
    """The same for codes that a phone hands in: told, nothing written, and the code is dead."""
    kind, value, status, code = FAULTS[fault]
    body = visitor.client_parameters("alipay", "app" if door == "app" else "mini")

    def send() -> httpx.Response:
        if door == "legacy":
            return visitor.http.post(f"/login/{body['authCode']}")
        return visitor.http.post(f"/connect/alipay/{door}/token", json=body)

    shop.sandboxes["alipay"].faults.add(kind, value, on=TOKEN)
    calls = count_code_calls(shop)
    with nothing_written(shop):
        if door == "legacy":
            legacy_refused(send(), status, "403" if code == "provider_refused" else "E131")
            legacy_refused(send(), 400, "E133")
        else:
            refused(send(), status, code)
            refused(send(), 400, "code_seen")
    assert count_code_calls(shop) - calls == 1


@pytest.mark.parametrize("fault", ["unsigned", "empty_sign", "wrong_sign", "own_sign", "changed", "wrong_node"])
def test_untrusted_success_is_none(shop: RunningShop, visitor: Visitor, fault: str) -> None:
    """A success that Alipay has not signed is 502, and a person reads that they may log in another way."""
    shop.sandboxes["alipay"].faults.add(fault, on=TOKEN)
    with nothing_written(shop):
        page = visitor.http.get(come_back(visitor), headers=HTML)
    assert page.status_code == 502
    assert 'href="/connect/login"' in page.text


def test_endless_answer_costs_no_memory(shop: RunningShop, visitor: Visitor) -> None:
    """An answer of 100 MB is cut off, not read."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    shop.sandboxes["wechat"].faults.add("huge", on="token")
    refused(visitor.http.get(come_back(visitor, "wechat")), 502, UNUSABLE)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


@pytest.mark.parametrize("provider", CALLS)
def test_redirect_of_a_vendor_is_not_followed(shop: RunningShop, visitor: Visitor, provider: str) -> None:
    """A vendor's answer leads to no other host, inside or outside."""
    with listen() as trap:
        trap.setblocking(False)
        shop.sandboxes[provider].faults.add(
            "redirect", f"http://127.0.0.1:{trap.getsockname()[1]}/latest/meta-data", on=CALLS[provider][0]
        )
        refused(visitor.http.get(come_back(visitor, provider)), 502, UNUSABLE)
        with pytest.raises(BlockingIOError):
            trap.accept()


def test_nobody_waits_longer_than_the_deadline() -> None:
    """As shipped, a silent vendor, a dripping one and a plugin that never returns all end at 8 seconds."""

    async def never(_: AuthorizationResponse) -> Identity:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    with run_shop() as running_shop, acme_shop(never) as other, ThreadPoolExecutor(3) as threads:
        running_shop.sandboxes["alipay"].faults.add("delay", 9, on=TOKEN)
        running_shop.sandboxes["wechat"].faults.add("drip", 0.3, on="token")

        def log_in(shop: RunningShop, back: Callable[[Visitor], str]) -> tuple[float, httpx.Response]:
            with Visitor(shop) as visitor:
                callback, started = back(visitor), time.monotonic()
                answer = visitor.http.get(callback)
                return time.monotonic() - started, answer

        running = [
            threads.submit(log_in, running_shop, come_back),
            threads.submit(log_in, running_shop, lambda visitor: come_back(visitor, "wechat")),
            threads.submit(log_in, other, lambda visitor: acme_back(visitor, "code")),
        ]
        time.sleep(1)
        with Visitor(running_shop) as visitor:
            started = time.monotonic()
            visitor.log_in("wechat", "h5")
            assert time.monotonic() - started < 4
        for one in running:
            took, answer = one.result()
            refused(answer, 504, "provider_timeout")
            assert 7 < took < 9.5


def test_login_works_as_soon_as_the_vendor_does() -> None:
    """A vendor that is gone for a while fails its logins and nothing else; back again it needs no restart of ours."""
    sandboxes, plugins = alipay_and_wechat(), Plugins()
    port = free_port()

    def change(raw: dict[str, Any]) -> None:
        raw |= sandbox_settings(sandboxes, plugins.available, f"http://127.0.0.1:{port}")

    def log_in(visitor: Visitor) -> httpx.Response:
        body = sandboxes["alipay"].client_parameters(ClientType.MINI, "lihua")
        return visitor.http.post("/connect/alipay/mini/token", json=body)

    with (
        run_shop({}, change=change, pool=HttpPool(deadline=DEADLINE)) as running_shop,
        Visitor(running_shop) as visitor,
    ):
        for _ in range(2):
            for _ in range(10):
                refused(log_in(visitor), 502, "provider_refused")
            with serving(sandbox_app(sandboxes), port=port):
                assert log_in(visitor).status_code == 200


def test_login_of_a_browser_that_left_is_whole(shop: RunningShop, visitor: Visitor) -> None:
    """A browser that hangs up during the exchange is logged in all the same, and its next try just goes home."""
    before, calls = len(shop.rows("es_member_session")), count_code_calls(shop)
    shop.sandboxes["alipay"].faults.add("delay", DEADLINE / 2, on=TOKEN)
    callback = come_back(visitor, person="impatient")
    address = urlsplit(callback)
    cookies = "; ".join(f"{name}={sealed}" for name, sealed in flow_cookies(visitor).items())
    head = f"GET {address.path}?{address.query} HTTP/1.1\r\nHost: x\r\nCookie: {cookies}\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), 5) as browser:
        browser.sendall(head.encode())
        _until(lambda: count_code_calls(shop) > calls)
    _until(lambda: len(shop.rows("es_member_session")) > before)
    again = visitor.http.get(callback)
    assert (again.status_code, again.headers["location"]) == (303, f"{shop.url}/")
    assert (len(shop.rows("es_member_session")) - before, count_code_calls(shop) - calls) == (1, 1)


def _until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_proxies_of_the_environment_are_not_used(tmp_path: Any) -> None:
    """Vendor calls go straight out, whatever the environment of the process says."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login c4n4ry password c4n4ry\n")
    dead = "http://127.0.0.1:1"
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    os.environ |= dict.fromkeys(names, dead) | {"NETRC": str(netrc)}
    with run_shop() as running_shop, Visitor(running_shop) as visitor:
        for provider in CALLS:
            assert visitor.http.get(come_back(visitor, provider)).status_code == 303


@pytest.mark.parametrize("provider", CALLS)
@pytest.mark.parametrize(("kind", "value"), [("status", 503), ("delay", DEADLINE + 1), ("error", None)])
def test_login_stands_without_a_profile(
    shop: RunningShop, visitor: Visitor, provider: str, kind: str, value: object
) -> None:
    """When only the profile is refused, a newcomer is registered under a made-up name."""
    errors = {"alipay": "40006:isv.insufficient-isv-permissions", "wechat": "48001"}
    shop.sandboxes[provider].faults.add(kind, errors[provider] if value is None else value, on=CALLS[provider][1])
    name = f"{provider}-{kind}"
    assert visitor.http.get(come_back(visitor, provider, person=name)).status_code == 303
    told = visitor.http.get("/connect/me").json()
    assert told["nickname"] == told["uname"]
    assert told["uname"].startswith("m_")


@pytest.mark.parametrize("provider", CALLS)
def test_known_person_keeps_their_name(provider: str, clock: Clock) -> None:
    """A returning member whose profile cannot be renewed keeps the one that is stored; an untrusted one fails."""

    def change(raw: dict[str, Any]) -> None:
        raw["providers"][provider]["profile_max_age"] = 0

    with run_shop(change=change, now=clock) as running_shop, Visitor(running_shop) as visitor:
        visitor.log_in(provider, "pc")
        clock.advance(60)
        faults, call = running_shop.sandboxes[provider].faults, CALLS[provider][1]
        faults.add("status", 503, on=call)
        visitor.log_in(provider, "pc")
        assert visitor.http.get("/connect/me").json()["nickname"] == "李华"
        clock.advance(60)
        faults.add("swapped_id", on=call)
        with nothing_written(running_shop):
            refused(visitor.log_in(provider, "pc"), 502, UNUSABLE)
        assert not faults.unused


RAISED = [
    RuntimeError,
    RecursionError,
    MemoryError,
    SystemExit,
    GeneratorExit,
    asyncio.CancelledError,
    StopAsyncIteration,
]


@pytest.mark.parametrize("method", ["login_callback", "get_login_url"])
def test_plugin_that_raises_fails_its_own_login(method: str) -> None:
    """Whatever a plugin raises, in a coroutine or before there is one, its login is 502 and the service goes on."""
    # at the profile the person is proved already: the login stands
    kinds = iter(RAISED * 2)
    answers: list[httpx.Response] = []

    async def late(kind: type[BaseException]) -> Identity:
        raise kind("c4n4ry")

    def fail(self: object, _: object) -> object:
        kind = next(kinds)
        if len(answers) < len(RAISED):
            return late(kind)
        raise kind("c4n4ry")

    with acme_shop(**{method: fail}) as running_shop, Visitor(running_shop) as visitor:
        for number in range(len(RAISED) * 2):
            if method == "get_login_url":
                answers.append(visitor.http.get("/connect/acme/pc/login"))
            else:
                answers.append(visitor.http.post("/connect/acme/mini/token", json={"code": f"code{number}"}))
        for answer in answers:
            if method == "fetch_profile":
                assert answer.status_code == 200
            else:
                refused(answer, 502, UNUSABLE)
            assert "c4n4ry" not in answer.text
        assert bool(running_shop.rows("es_member")) is (method == "fetch_profile")
    assert next(kinds, None) is None


@pytest.mark.parametrize("kind", [*RAISED[:-2], StopAsyncIteration, BaseException])
def test_hook_that_raises_ends_its_own_request(kind: type[BaseException]) -> None:
    """A hook of a plugin's that raises is a generic 503 for whoever met it, and the service goes on."""

    class Raising:
        @hookimpl
        def connect_issue_tokens(self, login: object) -> None:
            raise kind("c4n4ry")

    with acme_shop(plugin=Raising()) as running_shop, Visitor(running_shop) as visitor:
        refused(visitor.http.post("/connect/acme/mini/token", json={"code": "lihua"}), 503, "unavailable")
        assert visitor.http.get(acme_back(visitor, "maria")).status_code == 303


NO_IDENTITIES = {
    "nothing": None,
    "a text": "2088",
    "a dict": {"union_type": "ACME", "ids": ["1"]},
    "another union type": Identity("ALIPAY", (PersonId.user_id("1"),), "app"),
    "texts for ids": Identity("ACME", ("1",), "app"),  # type: ignore[arg-type]
    "two ids of one kind": Identity("ACME", (PersonId.user_id("1"), PersonId.user_id("2")), "app"),
    "a dict for a profile": Identity("ACME", (PersonId.user_id("1"),), "app", profile={"nickname": "x"}),  # type: ignore[arg-type]
}


def test_what_is_no_identity_logs_nobody_in() -> None:
    """An answer that is no identity of the plugin's own is 502 and never reaches the tables."""

    async def answer(response: AuthorizationResponse) -> object:
        return NO_IDENTITIES[response.code]

    with acme_shop(answer) as running_shop, Visitor(running_shop) as visitor, nothing_written(running_shop):
        for name in NO_IDENTITIES:
            refused(visitor.http.get(acme_back(visitor, name)), 502, UNUSABLE)


def test_profile_is_cleaned_whoever_made_it() -> None:
    """Megabytes of name, a script for a face and an impossible sex become what tables and pages can bear."""
    wild = Profile(nickname="\r\n<b>" + "名" * 5_000_000, face="javascript:alert(1)", sex=7, province="\0" * 99)

    async def answer(_: AuthorizationResponse) -> Identity:
        return Identity("ACME", (PersonId.user_id("1"),), "app", profile=wild)

    with acme_shop(answer) as running_shop, Visitor(running_shop) as visitor:
        assert visitor.http.get(acme_back(visitor, "code")).status_code == 303
        [member] = running_shop.rows("es_member")
    assert (member["nickname"], member["face"], member["sex"], member["province"]) == ("<b>" + "名" * 61, "", None, "")


def test_what_is_no_login_url_begins_nothing() -> None:
    """A login URL that is none, or would break a header, is 502 and leaves no flow."""
    urls = [None, "", "https://acme.example/\r\nSet-Cookie: a=b", "https://acmé.example", b"https://x", "h" * 100_000]
    given = iter(urls)

    async def get_login_url(self: object, request: AuthorizationRequest) -> object:
        return next(given)

    with (
        acme_shop(get_login_url=get_login_url) as running_shop,
        Visitor(running_shop) as visitor,
        untouched(running_shop),
    ):
        for _ in urls:
            refused(visitor.http.get("/connect/acme/pc/login"), 502, UNUSABLE)
        assert flow_cookies(visitor) == {}
