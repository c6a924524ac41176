"""A member takes along what is held, and leaves: nothing of the person stands anywhere, and nothing half."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.identity import Identity
from connect_core.store.models import Declared

from ...kit.account_page import bind
from ...kit.acme import execute
from ...kit.clock import Clock
from ...kit.databases import ENGINES, is_answering, run_shop, server_of
from ...kit.web_shops import HTML, acme_back, acme_shop, bearer, check_headers, mini_login, nothing_written, refused

ACCOUNT = "/connect/account"
MOBILE = "13912345678"


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop with Alipay and WeChat."""
    with run_shop(now=clock) as running_shop:
        yield running_shop


@pytest.fixture(params=ENGINES)
def shop_of_each_engine(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, require: Any
) -> Iterator[RunningShop]:
    """The same on each engine in turn."""
    server = server_of(request.param)
    require(is_answering(server), f"{request.param} does not answer on this machine")
    monkeypatch.setenv("CONNECT_TEST_DATABASE", server)
    with run_shop() as running_shop:
        yield running_shop


def everything(running_shop: RunningShop) -> str:
    """All that stands in the database, as one text."""
    return "\n".join(str(row) for table in Declared.metadata.tables for row in running_shop.rows(table))


def live_through(running_shop: RunningShop, visitor: Visitor) -> set[str]:
    """Log in, bind, leave a phone number; returns every text in the tables that is about this person."""
    visitor.log_in("alipay", "pc")
    bind(visitor)
    mini_login(visitor, device_id="lihuas-phone")
    execute(running_shop.database_url, "UPDATE es_member SET mobile = ? WHERE id = 1", MOBILE)
    [member] = running_shop.rows("es_member")
    told = {member["uname"], member["nickname"], member["face"], MOBILE, "lihuas-phone"}
    told |= {row["value"] for row in running_shop.rows("es_connect_alias")} | {"李华"}
    told |= {row["subject_hash"] for row in running_shop.rows("es_connect_event")}
    told |= {row["token_hash"] for row in running_shop.rows("es_member_session")}
    assert all(one in everything(running_shop) for one in told)
    return told


def erase(visitor: Visitor) -> httpx.Response:
    """Leave."""
    return visitor.http.delete(ACCOUNT)


def test_nothing_of_an_erased_person_stands_in_any_table(shop_of_each_engine: RunningShop) -> None:
    """Ids, names, phone, hashes: gone from all tables; the sessions are dead, the next login is a new member's."""
    shop = shop_of_each_engine
    with Visitor(shop) as visitor, Visitor(shop) as phone:
        told = live_through(shop, visitor)
        tokens = mini_login(phone)
        answer = erase(visitor)
        assert answer.status_code == 204
        check_headers(answer)
        left = everything(shop)
        assert [one for one in told if one in left] == []
        assert shop.rows("es_connect") == shop.rows("es_connect_alias") == shop.rows("es_member_session") == []
        [member] = shop.rows("es_member")
        assert (member["disabled"], member["password_hash"], member["last_login"]) == (1, "", 0)
        assert [row["kind"] for row in shop.rows("es_connect_event")][-1] == "erased"
        refused(phone.http.get("/connect/me", headers=bearer(tokens)), 401, "not_logged_in")
        again = phone.http.post("/connect/token/refresh", json={"refresh_token": tokens.json()["refresh_token"]})
        refused(again, 401, "token_invalid")
        login = visitor.log_in("alipay", "pc")
        who = visitor.who(login)
        assert who is not None
        assert (who["uid"], who["connections"]) == (2, ["ALIPAY"])


def test_others_keep_what_is_theirs(shop: RunningShop) -> None:
    """Another member's rows, sessions and events are as they were."""
    with Visitor(shop) as visitor, Visitor(shop) as stranger:
        login = stranger.log_in("wechat", "pc", "maria")
        who, before = stranger.who(login), shop.rows("es_connect_event")
        visitor.log_in("alipay", "pc")
        assert erase(visitor).status_code == 204
        assert stranger.who(login) == who
        assert shop.rows("es_connect_event")[: len(before)] == before


def test_ended_connections_go_too(shop: RunningShop) -> None:
    """What was unbound long ago held ids as history; none is left."""
    with Visitor(shop) as visitor:
        told = live_through(shop, visitor)
        visitor.http.delete("/connect/connections/WECHAT")
        erase(visitor)
    left = everything(shop)
    assert [one for one in told if one in left] == []


def test_erasing_twice_is_erasing_once(shop: RunningShop) -> None:
    """The second time, by whoever, finds nobody and writes no second event."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        erase(visitor)
        refused(erase(visitor), 401, "not_logged_in")
    events = shop.rows("es_connect_event")
    assert [row["kind"] for row in events] == ["registered", "bound", "logged_in", "erased"]
    assert {row["subject_hash"] for row in events} == {""}


def test_logins_during_an_erasure_leave_nothing_half(shop_of_each_engine: RunningShop) -> None:
    """Logins, refreshes and erasures of one person at once: no session, id or connection of an erased member."""
    shop = shop_of_each_engine
    with Visitor(shop) as visitor:
        for _ in range(4):
            visitor.log_in("alipay", "pc")
            bodies = [visitor.client_parameters("alipay", "mini") for _ in range(6)]
            first = mini_login(visitor).json()["refresh_token"]

            def send(body: dict[str, str]) -> int:
                return httpx.post(f"{shop.url}/connect/alipay/mini/token", json=body).status_code

            def refresh(token: str) -> int:
                return httpx.post(f"{shop.url}/connect/token/refresh", json={"refresh_token": token}).status_code

            with ThreadPoolExecutor(9) as threads:
                refreshed = [threads.submit(refresh, first) for _ in range(2)]
                logins = [threads.submit(send, body) for body in bodies]
                left = threads.submit(erase, visitor)
            assert left.result().status_code == 204
            assert {one.result() for one in logins} == {200}
            assert {one.result() for one in refreshed} <= {200, 401, 403}
    erased = {row["id"] for row in shop.rows("es_member") if row["disabled"]}
    assert len(erased) == 4
    for table in ("es_connect", "es_member_session"):
        assert not erased & {row["member_id"] for row in shop.rows(table)}
    held = {row["id"] for row in shop.rows("es_connect")}
    assert {row["connect_id"] for row in shop.rows("es_connect_alias")} <= held


def test_leaving_and_taking_along_want_a_fresh_login(shop: RunningShop, clock: Clock) -> None:
    """A session of an hour ago, which may be stolen, neither erases nor exports; without one it is 401."""
    with Visitor(shop) as visitor:
        for code, status in (("not_logged_in", 401), ("forbidden", 403)):
            before = shop.rows("es_member"), shop.rows("es_connect_alias"), shop.rows("es_connect_event")
            refused(erase(visitor), status, code)
            refused(visitor.http.post(f"{ACCOUNT}/erase"), status, code)
            refused(visitor.http.get(f"{ACCOUNT}/erase"), status, code)
            refused(visitor.http.get(f"{ACCOUNT}/export"), status, code)
            assert (shop.rows("es_member"), shop.rows("es_connect_alias"), shop.rows("es_connect_event")) == before
            visitor.log_in("alipay", "pc")
            clock.advance(601)


def test_nobody_is_erased_by_a_link_or_a_strangers_form(shop: RunningShop) -> None:
    """GET asks and changes nothing; a form of another site is refused."""
    foreign = {"origin": "https://evil.example"}
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        with nothing_written(shop):
            assert visitor.http.get(f"{ACCOUNT}/erase").status_code == 200
            refused(visitor.http.post(f"{ACCOUNT}/erase", headers=foreign), 403, "forbidden")
            refused(visitor.http.delete(ACCOUNT, headers=foreign), 403, "forbidden")


@pytest.mark.parametrize(("language", "words"), [("zh", "注销账号"), ("en", "Delete my account")])
def test_the_page_asks_and_its_form_erases(shop: RunningShop, language: str, words: str) -> None:
    """The account page leads to a page that says what goes; its form ends at home, logged out."""
    headers = {**HTML, "accept-language": language, "origin": shop.url}
    with Visitor(shop) as visitor:
        login = visitor.log_in("alipay", "pc")
        page = visitor.http.get(ACCOUNT, headers=headers).text
        assert f'href="{ACCOUNT}/export"' in page
        assert f'href="{ACCOUNT}/erase"' in page
        asking = visitor.http.get(f"{ACCOUNT}/erase", headers=headers)
        assert words in asking.text
        assert f'action="{ACCOUNT}/erase"' in asking.text
        answer = visitor.http.post(f"{ACCOUNT}/erase", headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{shop.url}/")
        assert "connect_session" not in visitor.http.cookies
        assert visitor.who(login) is None


def test_the_export_tells_all_and_no_secret(shop: RunningShop) -> None:
    """Member, ids, profiles, sessions, events, as a file; no hash, no token, nothing of another member."""
    with Visitor(shop) as visitor, Visitor(shop) as stranger:
        stranger.log_in("wechat", "pc", "maria")
        visitor.log_in("alipay", "pc")
        mini_login(visitor, device_id="lihuas-phone")
        answer = visitor.http.get(f"{ACCOUNT}/export")
        check_headers(answer)
        assert answer.headers["content-disposition"] == 'attachment; filename="account.json"'
        held = answer.json()
        assert held.keys() == {"member", "connections", "consents", "sessions", "events", "merges", "merged"}
        assert (held["member"]["id"], held["member"]["nickname"]) == (2, "李华")
        [one] = held["connections"]
        ids = [row["value"] for row in shop.rows("es_connect_alias") if row["connect_id"] == one["id"]]
        assert [alias["value"] for alias in one["ids"]] == ids
        assert one["profile"]["nickname"] == "李华"
        assert [session["device_id"] for session in held["sessions"]] == ["", "lihuas-phone"]
        assert [event["kind"] for event in held["events"]] == ["registered", "bound", "logged_in", "logged_in"]
        for row in shop.rows("es_member_session"):
            assert row["token_hash"] not in answer.text
            assert row["family"] not in answer.text
        assert "hash" not in answer.text
        assert "maria" not in answer.text


def test_a_vendor_that_can_is_asked_to_revoke(caplog: pytest.LogCaptureFixture) -> None:
    """The provider gets the stored ids; one that fails is logged, and the member is erased all the same."""
    asked: list[Identity] = []

    async def revoke(_: object, identity: Identity) -> None:
        asked.append(identity)
        if len(asked) > 1:
            raise RuntimeError("secret")

    with acme_shop(revoke=revoke) as shop, Visitor(shop) as visitor:
        visitor.http.get(acme_back(visitor, "lihua"))
        assert erase(visitor).status_code == 204
        assert shop.rows("es_connect") == []
    assert [one.strongest.value for one in asked] == ["lihua"] * 2  # as the website's app, and as the mini program's
    assert [record.message for record in caplog.records].count("revoke_failed") == 1
    assert "secret" not in caplog.text
