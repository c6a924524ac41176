"""State and CSRF: a login comes back to the browser that began it, once, in time, or not at all."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor, query_of
from connect_core.login.flow import new_state

from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.web_shops import (
    SHOP,
    TOKEN,
    HttpsVisitor,
    behind_tls,
    changed,
    check_headers,
    come_back,
    count_code_calls,
    flow_cookies,
    query,
    refused,
    set_cookies,
    untouched,
)


def test_callback_without_state_is_refused(shop: RunningShop, visitor: Visitor) -> None:
    """A code alone logs nobody in, however genuine it is."""
    callback = come_back(visitor)
    with untouched(shop):
        refused(visitor.http.get(changed(callback, state=None)), 400, "state_missing")
        refused(visitor.http.get(changed(callback, state="")), 400, "state_missing")


@pytest.mark.parametrize("alter", [lambda _: new_state(), lambda s: s[:-1], lambda s: s + "0", str.swapcase])
def test_unknown_or_altered_state_is_refused(shop: RunningShop, visitor: Visitor, alter: Callable[[str], str]) -> None:
    """Only the state that this browser was given is taken, byte for byte."""
    callback = come_back(visitor)
    with untouched(shop):
        refused(visitor.http.get(changed(callback, state=alter(query(callback)["state"]))), 400, "state_invalid")


def test_state_belongs_to_the_browser_that_began(shop: RunningShop, visitor: Visitor) -> None:
    """Another browser is refused with any cookie of its own, and the owner can still finish."""
    callback = come_back(visitor, person="owner")
    [name] = flow_cookies(visitor)
    with Visitor(shop) as stranger, untouched(shop):
        refused(stranger.http.get(callback), 400, "state_invalid")
        come_back(stranger)
        [(_, foreign)] = flow_cookies(stranger).items()
        refused(stranger.http.get(callback), 400, "state_invalid")
        answer = stranger.http.get(callback, headers={"cookie": f"{name}={foreign}"})
        refused(answer, 400, "state_invalid")
    assert visitor.http.get(callback).status_code == 303
    assert visitor.http.get("/connect/me").status_code == 200


def test_attackers_login_does_not_reach_a_victim(shop: RunningShop, visitor: Visitor) -> None:
    """A victim who is logged in and is sent an attacker's code and state stays who they are."""
    login = visitor.log_in("alipay", "pc", "victim")
    before = visitor.who(login)
    with Visitor(shop) as attacker:
        callback = come_back(attacker, person="attacker")
    with untouched(shop):
        refused(visitor.http.get(callback), 400, "state_invalid")
    assert visitor.who(login) == before


def test_spent_state_exchanges_nothing(shop: RunningShop, visitor: Visitor) -> None:
    """A replay by the same browser, which is logged in, is just sent on; anybody else is refused."""
    callback = come_back(visitor)
    first = visitor.http.get(callback)
    with untouched(shop):
        again = visitor.http.get(callback)
        assert (again.status_code, again.headers["location"]) == (303, first.headers["location"])
        assert set_cookies(again) == {}
        visitor.http.cookies.clear()
        refused(visitor.http.get(callback), 400, "state_invalid")


async def test_replay_after_its_time_is_refused(clock: Clock) -> None:
    """Ten minutes on, a replay is refused, whether or not the spent state has been swept away by then."""
    with run_shop(now=clock) as running_shop, Visitor(running_shop) as visitor:
        callback = come_back(visitor)
        assert visitor.http.get(callback).status_code == 303
        clock.advance(601)
        [name] = flow_cookies(visitor)
        sealed = visitor.http.cookies[name]
        with untouched(running_shop):
            refused(visitor.http.get(callback), 400, "state_expired")
            await running_shop.manager.sweep()  # the service may have done so itself by now
            assert all(row["expiry_time"] >= clock() for row in running_shop.rows("es_connect_used_flow"))
            visitor.http.cookies.set(name, sealed, domain="127.0.0.1")
            refused(visitor.http.get(callback), 400, "state_expired")


def test_parallel_callbacks_are_one_login(shop: RunningShop, visitor: Visitor) -> None:
    """64 callbacks at once with one state, code and cookie: one exchange, one session, which each answer carries."""
    callback, calls, sessions = come_back(visitor), count_code_calls(shop), len(shop.rows("es_member_session"))
    cookies = {"cookie": "; ".join(f"{name}={value}" for name, value in flow_cookies(visitor).items())}
    together = threading.Barrier(64)

    def go(_: int) -> httpx.Response:
        together.wait(20)
        return client.get(callback, headers=cookies)

    limits = httpx.Limits(max_connections=64)
    with httpx.Client(trust_env=False, timeout=30, limits=limits) as client, ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(go, range(64)))
    assert count_code_calls(shop) - calls == 1
    assert len(shop.rows("es_member_session")) - sessions == 1
    assert {answer.status_code for answer in answers} == {303}
    [session] = {set_cookies(answer)["connect_session"].partition(";")[0] for answer in answers}
    answer = httpx.get(f"{shop.url}/connect/me", headers={"cookie": f"connect_session={session}"})
    assert answer.status_code == 200


async def test_state_lives_ten_minutes(clock: Clock) -> None:
    """A flow ends after ten minutes, the visitor is told so, and nothing of it stays behind."""
    with run_shop(now=clock) as running_shop, Visitor(running_shop) as visitor:
        in_time, late = come_back(visitor), come_back(visitor)
        clock.advance(595)
        assert visitor.http.get(in_time).status_code == 303
        clock.advance(6)
        with untouched(running_shop):
            refused(visitor.http.get(late), 400, "state_expired")
        clock.advance(24 * 3600 + 1)
        await running_shop.manager.sweep()
        assert running_shop.rows("es_connect_used_flow") == []


def test_expired_login_offers_to_start_again(clock: Clock) -> None:
    """A person whose login expired gets a page with a way to begin anew."""
    with run_shop(now=clock) as running_shop, Visitor(running_shop) as visitor:
        callback = come_back(visitor)
        clock.advance(601)
        page = visitor.http.get(callback, headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert 'href="/connect/alipay/pc/login"' in page.text
    assert flow_cookies(visitor) == {}


def test_login_replaces_who_was_logged_in(shop: RunningShop, visitor: Visitor) -> None:
    """The session of the member before ends, a new one begins, and their connections stay apart."""
    first = visitor.who(visitor.log_in("alipay", "pc", "before"))
    old = visitor.http.cookies["connect_session"]
    second = visitor.who(visitor.log_in("alipay", "pc", "after"))
    assert first["uid"] != second["uid"]
    assert visitor.http.cookies["connect_session"] != old
    refused(httpx.get(f"{shop.url}/connect/me", headers={"cookie": f"connect_session={old}"}), 401, "not_logged_in")


def test_login_replaces_the_tokens_of_the_member_before(shop: RunningShop, visitor: Visitor) -> None:
    """The same where the session is the token cookies of the `/buyer` routes."""

    def log_in(person: str) -> str:
        url = visitor.http.get("/buyer/connect/alipay/pc/login").headers["location"]
        visitor.http.get(visitor.consent(url, person))
        return visitor.http.cookies["refresh_token"]

    old, new = log_in("before"), log_in("after")
    refused(visitor.http.post("/connect/token/refresh", json={"refresh_token": old}), 401, "token_invalid")
    assert visitor.http.post("/connect/token/refresh", json={"refresh_token": new}).status_code == 200


def test_states_are_unpredictable() -> None:
    """100 000 states are all different, over the whole alphabet, and fit every vendor."""
    states = {new_state() for _ in range(100_000)}
    assert len(states) == 100_000
    # in every place every character, as often as chance has it: no version digit of a UUID, no time, no constant
    for place in range(32):
        counted = Counter(state[place] for state in states)
        assert len(counted) == 62
        assert max(counted.values()) < 3 * 100_000 / 64
    assert all(len(state) == 32 and state.isalnum() and state.isascii() for state in states)


def test_nothing_can_be_read_in_state_or_cookie(visitor: Visitor) -> None:
    """What the browser carries says nothing: not where it returns, nor the verifier, nor the state itself."""
    state = query_of(visitor.begin("alipay", "pc", return_to="/orders"))["state"]
    [(name, sealed)] = flow_cookies(visitor).items()
    assert state not in name
    assert not [word for word in (state, "orders", "alipay", "callback") if word in sealed]


MALFORMED = {
    "state twice": "&state=abc",
    "code twice": "&auth_code=abc",
    "two names of the code": "&code=abc",
    "code and error": "&error=access_denied",
    "control byte": "&error=%00",
    "no UTF-8": "&error=%ff",
}


@pytest.mark.parametrize("more", MALFORMED.values(), ids=MALFORMED)
def test_malformed_responses_are_refused(shop: RunningShop, visitor: Visitor, more: str) -> None:
    """A parameter that is read and contradicts itself, is too long or not printable refuses the whole response."""
    callback = come_back(visitor)
    with untouched(shop):
        refused(visitor.http.get(callback + more), 400, "bad_request")
        codes = [query(callback)["auth_code"], *(["abc"] if "code" in more else [])]
        for code in codes:  # neither code is good in another flow
            answer = visitor.http.get(changed(come_back(visitor), auth_code=code))
            refused(answer, 400, "code_seen")


def test_long_state_is_refused(shop: RunningShop, visitor: Visitor) -> None:
    """A state of 8 KiB is nobody's."""
    callback = come_back(visitor)
    with untouched(shop):
        refused(visitor.http.get(changed(callback, state="a" * 8192)), 400, "state_invalid")


def test_flood_of_starts_is_limited_and_stores_nothing() -> None:
    """Starts write nothing; past the budget they are 429, and a flow begun before can still be finished."""

    def change(raw: dict[str, object]) -> None:
        raw["limits"] = {"per_address": "5/minute"}
        raw["service"] = {"trusted_proxies": ["127.0.0.1"]}

    with run_shop(change=change) as running_shop, Visitor(running_shop) as visitor:
        callback = come_back(visitor)
        statuses = [httpx.get(f"{running_shop.url}/connect/alipay/pc/login").status_code for _ in range(4)]
        assert statuses == [303] * 4
        limited = visitor.http.get(callback)
        refused(limited, 429, "rate_limited")
        assert 0 < int(limited.headers["retry-after"]) <= 60
        assert running_shop.rows("es_connect_used_flow") == []
        assert flow_cookies(visitor)
        elsewhere = {"x-forwarded-for": "198.51.100.7"}
        assert visitor.http.get(callback, headers=elsewhere).status_code == 303


SPOILT = {
    "lost": lambda _: "",
    "cut": lambda sealed: sealed[:-8],
    "changed": lambda sealed: sealed[:-8] + sealed[-8:].swapcase(),
    "of another key": lambda sealed: f"v1.00000000{sealed[11:]}",
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_lost_or_spoilt_flow_is_refused(shop: RunningShop, visitor: Visitor, spoil: Callable[[str], str]) -> None:
    """Where the sealed flow does not open, the login is refused: there is no way on without it."""
    callback = come_back(visitor)
    [(name, sealed)] = flow_cookies(visitor).items()
    with untouched(shop):
        answer = httpx.get(callback, headers={"cookie": f"{name}={spoil(sealed)}"})
        refused(answer, 400, "state_invalid")


def test_flow_of_another_shop_is_refused(shop: RunningShop, visitor: Visitor) -> None:
    """A flow that was sealed with another shop's key does not open here."""
    with run_shop() as other, Visitor(other) as elsewhere:
        callback = come_back(elsewhere)
        cookie = "; ".join(f"{name}={value}" for name, value in flow_cookies(elsewhere).items())
    with untouched(shop):
        answer = visitor.http.get(callback.replace(other.url, shop.url), headers={"cookie": cookie})
        refused(answer, 400, "state_invalid")


def test_planted_twins_are_not_believed(shop: RunningShop, visitor: Visitor) -> None:
    """A cookie that comes twice counts as absent, so a sub-domain cannot slip its own flow or session in."""
    callback = come_back(visitor)
    [(name, sealed)] = flow_cookies(visitor).items()
    with Visitor(shop) as attacker, untouched(shop):
        come_back(attacker)
        [planted] = flow_cookies(attacker).values()
        for cookie in (f"{name}={planted}; {name}={sealed}", f"{name}={sealed}; {name}={planted}"):
            refused(httpx.get(callback, headers={"cookie": cookie}), 400, "state_invalid")


def test_only_host_cookies_are_read_over_tls() -> None:
    """Over TLS a cookie without the `__Host-` prefix, which a sub-domain could set, is nothing to us."""
    with behind_tls() as running_shop, HttpsVisitor(running_shop) as visitor:
        callback = come_back(visitor)
        [(name, sealed)] = visitor.jar.items()
        assert name.startswith("__Host-")
        bare = name.removeprefix("__Host-")
        refused(visitor.http.get(callback, headers={"cookie": f"{bare}={sealed}"}), 400, "state_invalid")
        answer = visitor.http.get(callback, headers={"cookie": f"{bare}=planted; {name}={sealed}"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"{SHOP}/")
        token = visitor.jar["__Host-connect_session"]
        answer = visitor.http.get("/connect/me", headers={"cookie": f"connect_session={token}"})
        refused(answer, 401, "not_logged_in")


def test_callback_cannot_be_framed(visitor: Visitor) -> None:
    """Whether the callback succeeds or not, its answer forbids frames."""
    callback = come_back(visitor)
    for answer in (visitor.http.get(callback), visitor.http.get("/connect/alipay/pc/callback")):
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("provider", ["alipay", "wechat"])
def test_refusal_of_the_person_spends_the_state(shop: RunningShop, visitor: Visitor, provider: str) -> None:
    """A person who refuses is told so, and their flow is over."""
    with untouched(shop):
        callback = visitor.consent(visitor.begin(provider, "pc"), decision="refuse")
        [name] = flow_cookies(visitor)
        cookie = f"{name}={visitor.http.cookies[name]}"
        refused(visitor.http.get(callback), 400, "provider_denied")
        assert flow_cookies(visitor) == {}
        refused(httpx.get(changed(callback, auth_code="abc"), headers={"cookie": cookie}), 400, "state_invalid")


def test_error_parameter_is_told_by_its_kind(shop: RunningShop, visitor: Visitor) -> None:
    """`access_denied` is the person's, busy and broken are the vendor's, and none of the vendor's words is repeated."""
    kinds = {
        "access_denied": (400, "provider_denied"),
        "temporarily_unavailable": (502, "provider_refused"),
        "invalid_scope": (502, "provider_config"),
    }
    for error, (status, code) in kinds.items():
        callback = changed(come_back(visitor), auth_code=None, error=error, error_description="c4n4ry<b>")
        with untouched(shop):
            answer = visitor.http.get(callback)
        refused(answer, status, code)
        page = visitor.http.get(changed(callback, state=new_state()), headers={"accept": "text/html"})
        assert page.status_code == 400
        assert "c4n4ry" not in page.text + answer.text


def test_denial_with_an_unknown_state_is_generic(shop: RunningShop, visitor: Visitor) -> None:
    """Without a flow of this browser an error says nothing."""
    with untouched(shop):
        answer = visitor.http.get(
            "/connect/alipay/pc/callback", params={"error": "access_denied", "state": new_state()}
        )
        refused(answer, 400, "state_invalid")


def test_posted_response_is_sent_round_by_get(shop: RunningShop, visitor: Visitor) -> None:
    """A form_post response, which comes without our cookies, is parked, and finished by the GET that follows."""
    callback = come_back(visitor, person="poster")
    with Visitor(shop) as cross_site, untouched(shop):
        parked = cross_site.http.post(callback.partition("?")[0], data=query(callback))
    assert parked.status_code == 303
    assert set_cookies(parked) == {}
    check_headers(parked)
    assert query(parked.headers["location"]) == query(callback)
    assert visitor.http.get(parked.headers["location"]).status_code == 303
    assert visitor.http.get("/connect/me").status_code == 200


def test_tokens_of_a_posted_response_stay_out_of_the_address(visitor: Visitor) -> None:
    """A vendor may post tokens beside the code; nobody reads them, and addresses end up in logs and histories."""
    address, _, own = come_back(visitor).partition("?")
    tokens = {"id_token": "a.SECRET.c", "access_token": "SECRET" * 3000, "refresh_token": "SECRET"}
    parked = visitor.http.post(address, data=dict(parse_qsl(own)) | tokens)
    assert "SECRET" not in parked.headers["location"]
    assert visitor.http.get(parked.headers["location"]).status_code == 303
    assert visitor.http.get("/connect/me").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("alipay/pc", {"json": {"state": "a"}}, 400, "bad_request"),
        ("alipay/pc", {"data": {"code": "a" * 70_000}}, 400, "bad_request"),
        ("alipay/pc", {"data": {"auth_code": ["a", "b"]}}, 400, "bad_request"),
        ("alipay/pc", {"data": {"state": ["a", "b"]}}, 400, "bad_request"),
        ("acme/pc", {"data": {"state": "a"}}, 404, "unsupported"),
    ],
    ids=["no form", "large", "two codes", "two states", "unknown provider"],
)
def test_only_small_forms_are_parked(
    shop: RunningShop, visitor: Visitor, path: str, body: dict[str, object], status: int, code: str
) -> None:
    """What is posted to a callback is a small form without contradictions, for a provider that there is."""
    with untouched(shop):
        refused(visitor.http.post(f"/connect/{path}/callback", **body), status, code)


def test_state_is_spent_though_the_vendor_fails(shop: RunningShop, visitor: Visitor) -> None:
    """A failed exchange ends the flow: the same callback is refused and the vendor not asked again."""
    shop.sandboxes["alipay"].faults.add("status", 503, on=TOKEN)
    callback = come_back(visitor)
    cookie = "; ".join(f"{name}={value}" for name, value in flow_cookies(visitor).items())
    refused(visitor.http.get(callback), 502, "provider_refused")
    with untouched(shop):
        started = time.monotonic()
        refused(httpx.get(callback, headers={"cookie": cookie}), 400, "state_invalid")
        assert time.monotonic() - started < 1
