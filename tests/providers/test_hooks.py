"""Every hook, with its exact signature: when it is called, with what, and what becomes of its answer."""

import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from functools import partial
from typing import Any

import httpx
import pytest

from connect_core.events.dispatch import Dispatcher
from connect_core.harness import RunningShop, Visitor, query_of
from connect_core.identity import ClientType
from connect_core.plugin import LoginEvent, Profile, Register, TokenRequest, hookimpl
from connect_core.providers.hookspecs import Hooks
from connect_core.providers.registry import Plugins
from connect_core.settings import Settings
from connect_core.store import Database

from ..kit.acme import DAY, NOW, Acme, AcmeProvider, execute, provider_of
from ..kit.clock import Clock
from ..kit.first_logins import SmsCheck
from ..kit.hook_shops import Directory, Listener, log_in, shop
from ..kit.merges import Planner

# at start-up


class Offering:
    """A plugin that offers a provider."""

    def __init__(self, provider: type[AcmeProvider]) -> None:
        self.called = 0
        self._provider = provider

    @hookimpl
    def connect_register_providers(self, register: Register) -> None:
        """Offer Acme."""
        self.called += 1
        register("acme", self._provider, sandbox="tests.kit.acme:AcmeSandbox")


def test_connect_register_providers_is_called_once_of_each_plugin_at_start_up() -> None:
    """What it registers is on offer; another plugin's arrival does not call it again."""
    first, second = Offering(provider_of(Acme())), Listener()
    found = Plugins([("first", first), ("second", second)], discover=False)
    assert first.called == 1
    assert found.available["acme"].sandbox == "tests.kit.acme:AcmeSandbox"
    assert found.quarantined == {}


def test_connect_member_directory_is_where_members_live() -> None:
    """Registered there once, found there ever after, shown from there; our own table stays empty."""
    crm, acme = Directory(), Acme()
    with shop(crm, acme=acme) as running_shop:
        first, again, other = (log_in(running_shop, person, "mini").json() for person in ("lihua", "lihua", "wangfang"))
        with Visitor(running_shop) as visitor:
            state = query_of(visitor.begin("acme", "pc"))["state"]
            visitor.http.get("/connect/acme/pc/callback", params={"code": "lihua.9", "state": state})
            me = visitor.http.get("/connect/me").json()
        connections = running_shop.rows("es_connect")
        assert running_shop.rows("es_member") == []
    assert (first["uid"], first["is_new_member"]) == (2**62, True)
    assert (again["uid"], again["is_new_member"]) == (2**62, False)
    assert other["uid"] == 2**62 + 1
    assert (me["uid"], me["uname"], me["nickname"], me["connections"]) == (2**62, "crm-1", "lihua", ["ACME"])
    assert [row["member_id"] for row in connections] == [2**62, 2**62 + 1]
    assert acme.requests.count("profile lihua") == 1
    assert isinstance(crm.was_given, Settings)


def test_connect_member_directory_is_asked_with_a_key_that_stays() -> None:
    """A login that failed after the registration finds the same member next time; the key tells no vendor id."""
    crm = Directory()
    with shop(crm) as running_shop:
        first = log_in(running_shop, client="mini").json()["uid"]
        for table in ("es_connect", "es_connect_alias"):
            execute(running_shop.database_url, f"DELETE FROM {table}")
        assert log_in(running_shop, client="mini").json()["uid"] == first
    assert len(crm.members) == 1
    [key] = crm.by_key
    assert "lihua" not in key
    assert len(key) == 64
    with shop(crm) as running_shop:  # with another secret_keys
        assert log_in(running_shop, client="mini").json()["uid"] == first
    assert len(crm.members) == 1


def test_connect_member_directory_may_refuse_a_member() -> None:
    """Disabled or gone there: no login, no refresh, no `me`, and nothing is written here."""
    crm = Directory()
    with shop(crm) as running_shop:
        tokens = log_in(running_shop, client="mini").json()
        kept = crm.members.copy()
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        before = running_shop.rows("es_connect_event")
        for refuse, undo in (
            (partial(crm.disabled.add, 2**62), crm.disabled.clear),
            (crm.members.clear, partial(crm.members.update, kept)),
        ):
            refuse()
            answer = log_in(running_shop, client="mini")
            assert (answer.status_code, answer.json()["code"]) == (403, "member_disabled")
            assert httpx.get(f"{running_shop.url}/connect/me", headers=bearer).status_code == 401
            undo()
            assert httpx.get(f"{running_shop.url}/connect/me", headers=bearer).status_code == 200
        crm.disabled.add(2**62)
        refresh = httpx.post(
            f"{running_shop.url}/connect/token/refresh", json={"refresh_token": tokens["refresh_token"]}
        )
        assert (refresh.status_code, refresh.json()["code"]) == (403, "member_disabled")
        assert running_shop.rows("es_connect_event") == before


def test_connect_member_directory_is_told_newer_profiles() -> None:
    """When the stored profile is old the vendor is asked and the directory told; it decides what it takes over."""
    crm, acme, clock = Directory(), Acme(), Clock(NOW)
    with shop(crm, acme=acme, now=clock) as running_shop:
        log_in(running_shop, client="mini")
        log_in(running_shop, client="mini")
        assert crm.updates == []
        clock.advance(31 * DAY)
        acme.profiles["lihua"] = Profile.of(nickname="李华")
        log_in(running_shop, client="mini")
        log_in(running_shop, client="mini")
    assert crm.updates == [(2**62, Profile(nickname="李华"))]


# during a login


class Mint:
    """A shop with tokens of its own."""

    def __init__(self, answer: Mapping[str, Any] | None) -> None:
        self.requests: list[TokenRequest] = []
        self._answer = answer

    @hookimpl
    def connect_issue_tokens(self, login: TokenRequest) -> Mapping[str, Any] | None:
        """Answer as told."""
        self.requests.append(login)
        return self._answer


THEIRS = {"access_token": "theirs-a", "refresh_token": "theirs-r", "token_type": "Bearer", "expires_in": 60}


def test_connect_issue_tokens_answers_in_our_place() -> None:
    """Asked once for every login that ends in tokens, for whom and where; the rest of the answer stays ours."""
    mint = Mint(THEIRS)
    with shop(mint) as running_shop:
        body = {"code": "lihua.1", "device_id": "phone-1"}
        answer = httpx.post(f"{running_shop.url}/connect/acme/mini/token", json=body).json()
        with Visitor(running_shop) as visitor:
            begun = visitor.http.get("/buyer/connect/acme/pc/login").headers["location"]
            state = query_of(begun)["state"]
            visitor.http.get("/connect/acme/pc/callback", params={"code": "lihua.2", "state": state})
            cookies = dict(visitor.http.cookies)
        log_in(running_shop)
    assert answer == {**THEIRS, "uid": 1, "is_new_member": True}
    assert (cookies["access_token"], cookies["refresh_token"], cookies["uid"]) == ("theirs-a", "theirs-r", "1")
    assert mint.requests == [TokenRequest(1, ClientType.MINI, "phone-1"), TokenRequest(1, ClientType.PC, "")]


def test_connect_issue_tokens_first_answer_counts() -> None:
    """A plugin that answers None leaves it to the next, and the last of them to us."""
    silent = Mint(None)
    with shop(Mint(THEIRS), silent) as running_shop:
        assert log_in(running_shop, client="mini").json()["access_token"] == "theirs-a"
    assert len(silent.requests) == 1
    with shop(silent) as running_shop:
        ours = log_in(running_shop, client="mini").json()
        assert running_shop.manager.sessions.access_tokens.find_claims(ours["access_token"], int(time.time()))


# notices


def test_connect_registered_is_told_after_the_commit() -> None:
    """Once, at the first login, when the rows can be read by anybody; from a thread, not from the event loop."""
    shops: list[RunningShop] = []
    listener = Listener(lambda: len(shops[0].rows("es_member")) + len(shops[0].rows("es_connect")))
    with shop(listener, now=lambda: NOW) as running_shop:
        shops.append(running_shop)
        log_in(running_shop)
        registered, _, _ = listener.wait_for("registered", "bound", "logged_in")
        assert isinstance(registered, LoginEvent)
        assert len(registered.request_id) == 16
        assert asdict(registered) | {"request_id": ""} == {
            "kind": "registered",
            "member_id": 1,
            "provider": "acme",
            "client_type": "pc",
            "union_type": "ACME",
            "is_new_member": True,
            "request_id": "",
            "time": NOW,
            "id": 1,
            "detail": "",
        }
    assert listener.seen == [2, 2, 2]
    assert not [name for name in listener.threads if name.startswith(("Main", "connect-"))]


def test_connect_logged_in_is_told_of_every_login() -> None:
    """Of a returning member it is the only notice; a repeated callback is no login."""
    listener = Listener()
    with shop(listener) as running_shop:
        log_in(running_shop)
        listener.wait_for("registered", "bound", "logged_in")
        listener.heard.clear()
        answer = log_in(running_shop, client="mini")
        [event] = listener.wait_for("logged_in")
        assert isinstance(event, LoginEvent)
        assert (event.client_type, event.is_new_member) == (ClientType.MINI, False)
        assert event.request_id == answer.headers["x-request-id"]


def test_connect_bound_is_told_with_the_first_login() -> None:
    """A connection was made; it is of the same request as the registration."""
    listener = Listener()
    with shop(listener) as running_shop:
        log_in(running_shop)
        registered, bound = listener.wait_for("registered", "bound", "logged_in")[:2]
    assert asdict(bound) == asdict(registered) | {"kind": "bound", "id": 2}


def test_connect_login_refused_is_told_with_the_vendors_word_and_no_secret() -> None:
    """Refused by us before the vendor was asked, or by the vendor: the code of the error list, no code, no state."""
    listener = Listener()
    with shop(listener, now=lambda: NOW) as running_shop, Visitor(running_shop) as visitor:
        visitor.http.get("/connect/acme/pc/callback", params={"code": "lihua.1", "state": "s" * 32})
        listener.wait_for("login_refused")
        answer = log_in(running_shop, "nobody", "mini")
        listener.wait_for("login_refused", "login_refused")
        events = [asdict(event) for _, event in listener.heard]
        assert running_shop.rows("es_connect_event") == []
    by_vendor = {"code": "code_invalid", "provider": "acme", "client_type": "mini", "time": NOW}
    assert events[1] == {**by_vendor, "vendor": {"errcode": "40029"}, "request_id": answer.headers["x-request-id"]}
    assert (events[0]["code"], events[0]["vendor"]) == ("state_invalid", {})
    assert "lihua" not in str(events)
    assert "s" * 32 not in str(events)


async def test_connect_unbound_is_told_of_every_plugin_that_has_it() -> None:
    """A connection was ended; plugins without the hook are passed over."""
    first, second = Listener(), Listener()
    event = LoginEvent("unbound", 1, "acme", ClientType.PC, "ACME", is_new_member=False, request_id="r", time=NOW)
    found = Plugins([("first", first), ("mint", Mint(None)), ("second", second)], discover=False)
    with closing(Database("sqlite://")) as unused:
        dispatcher = Dispatcher(found.hooks, unused, time.time)
        dispatcher.dispatch(event)
        await dispatcher.drain()
    for listener in (first, second):
        assert listener.wait_for("unbound") == [event]


# signatures


def get_own_hooks() -> Iterator[tuple[str, Callable[..., object]]]:
    """The hook implementations of this page."""
    for plugin in (Offering, Directory, Mint, Listener, SmsCheck, Planner):
        for name, function in vars(plugin).items():
            if name.startswith("connect_"):
                yield name, function


@pytest.mark.parametrize(("name", "function"), list(get_own_hooks()))
def test_the_plugins_of_this_page_have_the_exact_signatures(name: str, function: Callable[..., object]) -> None:
    """What a reader copies from here is what the core calls."""
    assert inspect.signature(function) == inspect.signature(getattr(Hooks, name))


def test_every_hook_is_on_this_page() -> None:
    """None is specified that nobody has tried."""
    specified = {name for name in vars(Hooks) if name.startswith("connect_")}
    assert specified == {name for name, _ in get_own_hooks()}
