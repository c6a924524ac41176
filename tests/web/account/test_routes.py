"""What members do with their own account: bind, unbind, look, end sessions; and what nobody does with another's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.providers.registry import Plugins

from ...kit.account_page import ACCOUNT, bind, bound, start_bind
from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.merges import Planner
from ...kit.qr_logins import approve, collect, start
from ...kit.web_shops import HTML, bearer, count_code_calls, mini_login, nothing_written, refused, untouched

SESSION = ("id", "client_type", "device_id", "login_time", "seen_time", "is_this")


@pytest.fixture
def shop(clock: Clock) -> Iterator[RunningShop]:
    """A shop with Alipay and WeChat."""
    with run_shop(now=clock) as running_shop:
        yield running_shop


def test_a_second_identity_leads_to_the_same_member(shop: RunningShop) -> None:
    """A member binds WeChat; later either login is the same member, and the vendor was asked once for the bind."""
    with Visitor(shop) as visitor, Visitor(shop) as later:
        visitor.log_in("alipay", "pc")
        before = count_code_calls(shop)
        answer = bind(visitor)
        assert (answer.status_code, answer.headers["location"]) == (303, shop.url + ACCOUNT)
        assert count_code_calls(shop) == before + 1
        assert [one["union_type"] for one in visitor.http.get("/connect/connections").json()] == ["ALIPAY", "WECHAT"]
        login = later.log_in("wechat", "pc")
        assert later.who(login) == visitor.who(login)
    assert bound(shop) == [(1, "ALIPAY"), (1, "WECHAT")]
    assert [row["kind"] for row in shop.rows("es_connect_event")] == [
        "registered", "bound", "logged_in", "bound", "logged_in",
    ]  # fmt: skip


def test_binding_again_changes_nothing(shop: RunningShop) -> None:
    """The member's own identity bound once more is no error and no second row."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        assert bind(visitor, "alipay").status_code == 303
    assert bound(shop) == [(1, "ALIPAY")]


def test_an_app_binds_with_a_code(shop: RunningShop) -> None:
    """A mini program's code is handed in with the bearer token, and no session comes of it."""
    with Visitor(shop) as visitor:
        tokens = visitor.http.post(
            "/connect/alipay/mini/token", json=visitor.client_parameters("alipay", "mini")
        ).json()
        headers = {"authorization": f"Bearer {tokens['access_token']}"}
        sessions = shop.rows("es_member_session")
        body = visitor.client_parameters("alipay", "mini")
        answer = visitor.http.post("/connect/alipay/mini/bind", json=body, headers=headers)
        assert answer.json() == {"union_type": "ALIPAY"}
        assert shop.rows("es_member_session") == sessions


@pytest.mark.parametrize("verb", ["bind", "merge", "token"])
@pytest.mark.parametrize(
    ("provider", "client"), [("alipay", "mini"), ("wechat", "mini"), ("alipay", "app"), ("google", "app")]
)
def test_every_name_of_a_code_means_a_code(verb: str, provider: str, client: str) -> None:
    """`code` and the vendor's own name are the same at each route: handed in, even empty, and never a start."""
    with run_shop(plugins=Plugins([("planner", Planner())])) as shop, Visitor(shop) as visitor:
        headers = bearer(mini_login(visitor))
        url = f"/connect/{provider}/{client}/{verb}"
        for name in {"code", *shop.manager.registry.find(provider, client).provider.code_names, "id_token"}:
            ticket = {}
            begun = visitor.http.post(url.replace("/token", "/login-url"), json={}, headers=headers)
            if begun.status_code == 200:
                ticket = {"ticket": begun.json()["ticket"]}
            is_read = (name == "id_token") == (provider == "google")
            empty = visitor.http.post(url, json={name: "", **ticket}, headers=headers)
            refused(empty, 400, "code_missing")
            answer = visitor.http.post(url, json={name: "nobodys", **ticket}, headers=headers)
            assert answer.json()["code"] != "unsupported"
            assert (answer.json()["code"] == "code_missing") == (not is_read), answer.text


def test_nobody_binds_without_a_session(shop: RunningShop) -> None:
    """Every route of the account wants a login."""
    with Visitor(shop) as visitor, untouched(shop):
        refused(start_bind(visitor), 401, "not_logged_in")
        refused(visitor.http.get("/connect/connections"), 401, "not_logged_in")
        refused(visitor.http.delete("/connect/connections/ALIPAY"), 401, "not_logged_in")
        refused(visitor.http.get("/connect/sessions"), 401, "not_logged_in")
        refused(visitor.http.delete("/connect/sessions"), 401, "not_logged_in")
        page = visitor.http.get(ACCOUNT, headers=HTML)
        assert (page.status_code, page.headers["location"]) == (303, f"/connect/login?return_to={quote(ACCOUNT, '')}")


def test_an_old_login_neither_binds_nor_unbinds(shop: RunningShop, clock: Clock) -> None:
    """What a stolen session must not do wants a login of the last ten minutes."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        clock.advance(601)
        before = bound(shop)
        for answer in (start_bind(visitor), visitor.http.delete("/connect/connections/ALIPAY")):
            refused(answer, 403, "forbidden")
            assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_user_authentication"'
        assert bound(shop) == before
        assert visitor.http.get("/connect/connections").status_code == 200


def test_anothers_identity_is_never_taken_over(shop: RunningShop) -> None:
    """409, both members as they were, and nothing told about the other."""
    with Visitor(shop) as owner, Visitor(shop) as visitor:
        owner.log_in("wechat", "pc", "lihua")
        visitor.log_in("alipay", "pc", "wangfang")
        before = bound(shop)
        refused(bind(visitor, "wechat", "lihua"), 409, "already_bound")
    assert bound(shop) == before == [(1, "WECHAT"), (2, "ALIPAY")]


def test_a_member_has_one_identity_of_a_vendor(shop: RunningShop) -> None:
    """A second Alipay account is refused until the first is unbound."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc", "lihua")
        refused(bind(visitor, "alipay", "wangfang"), 409, "already_bound")
    assert bound(shop) == [(1, "ALIPAY")]


def test_a_bind_is_finished_by_who_began_it(shop: RunningShop) -> None:
    """A begins, B logs in with the same browser: B's member gets nothing of A's bind, and the vendor is not asked."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc", "lihua")
        callback = visitor.consent(start_bind(visitor).json()["login_url"], "maria")
        visitor.log_in("alipay", "pc", "wangfang")
        before = count_code_calls(shop)
        refused(visitor.http.get(callback), 400, "state_invalid")
        assert count_code_calls(shop) == before
        callback = visitor.consent(start_bind(visitor).json()["login_url"], "maria")
        visitor.http.post("/connect/logout", headers={"origin": shop.url})
        refused(visitor.http.get(callback), 400, "state_invalid")
    assert bound(shop) == [(1, "ALIPAY"), (2, "ALIPAY")]


def test_of_two_members_at_once_one_gets_the_identity(shop: RunningShop) -> None:
    """Two members bind one identity at the same moment: one succeeds, one is told, there is one row."""
    with Visitor(shop) as one, Visitor(shop) as other:
        callbacks = []
        for visitor, person in ((one, "wangfang"), (other, "maria")):
            visitor.log_in("alipay", "pc", person)
            callbacks.append((visitor, visitor.consent(start_bind(visitor).json()["login_url"], "lihua")))
        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(lambda pair: pair[0].http.get(pair[1]).status_code, callbacks))
    assert sorted(answers) == [303, 409]
    assert len([union_type for _, union_type in bound(shop) if union_type == "WECHAT"]) == 1


def test_the_last_way_in_stays(shop: RunningShop) -> None:
    """The only connection cannot be ended; one of two can."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        with nothing_written(shop):
            refused(visitor.http.delete("/connect/connections/ALIPAY"), 409, "last_connection")
        bind(visitor)
        assert visitor.http.delete("/connect/connections/ALIPAY").status_code == 204
    assert bound(shop) == [(1, "WECHAT")]
    assert shop.rows("es_connect_event")[-1]["kind"] == "unbound"


def test_another_members_connection_is_out_of_reach(shop: RunningShop) -> None:
    """There is no id of a connection to guess: what one names is one's own, or nothing."""
    with Visitor(shop) as owner, Visitor(shop) as stranger:
        owner.log_in("wechat", "pc", "lihua")
        stranger.log_in("alipay", "pc", "wangfang")
        bind(owner, "alipay", "maria")
        row = next(row["id"] for row in shop.rows("es_connect") if row["union_type"] == "WECHAT")
        with nothing_written(shop):
            for named in ("WECHAT", str(row), f"WECHAT?member_id=1&id={row}"):
                refused(stranger.http.delete(f"/connect/connections/{named}"), 404, "unsupported")


def test_what_is_not_bound_cannot_be_unbound(shop: RunningShop) -> None:
    """Unknown, or ended already: 404."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        bind(visitor)
        assert visitor.http.delete("/connect/connections/wechat").status_code == 204
        for union_type in ("WECHAT", "QQ", "%00", "x" * 300):
            refused(visitor.http.delete(f"/connect/connections/{union_type}"), 404, "unsupported")


def test_unbinding_ends_the_sessions_that_came_through_it(shop: RunningShop) -> None:
    """The browser that logged in with WeChat is out, the one with Alipay stays; with `logout` it goes too."""
    with Visitor(shop) as visitor, Visitor(shop) as through, Visitor(shop) as third:
        visitor.log_in("alipay", "pc")
        bind(visitor)
        login = through.log_in("wechat", "pc")
        third.log_in("alipay", "pc")
        assert visitor.http.delete("/connect/connections/WECHAT").status_code == 204
        assert (through.who(login), visitor.who(login) is None) == (None, False)
        bind(visitor, "wechat", "wangfang")
        answer = visitor.http.delete("/connect/connections/WECHAT", params={"logout": "1"})
        assert answer.status_code == 204
        assert visitor.who(login) is None
        assert third.who(login) is not None


def test_an_unbound_identity_is_free_and_brings_nothing_along(shop: RunningShop) -> None:
    """After unbinding it registers a new member, with proof from the vendor; the old rows stay as history."""
    with Visitor(shop) as visitor, Visitor(shop) as again:
        visitor.log_in("alipay", "pc")
        bind(visitor)
        visitor.http.delete("/connect/connections/WECHAT")
        login = again.log_in("wechat", "pc")
        who = again.who(login)
        assert who is not None
        assert who["uid"] == 2
    assert bound(shop) == [(1, "ALIPAY"), (2, "WECHAT")]
    assert [row["unbound_time"] is None for row in shop.rows("es_connect")] == [True, False, True]


def test_unbinding_is_never_a_get_or_a_strangers_form(shop: RunningShop) -> None:
    """A link cannot unbind, and a form of another site neither binds nor unbinds."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        bind(visitor)
        foreign = {"origin": "https://evil.example"}
        with nothing_written(shop):
            assert visitor.http.get("/connect/connections/WECHAT/unbind").status_code == 405
            refused(visitor.http.post("/connect/connections/WECHAT/unbind", headers=foreign), 403, "forbidden")
            refused(visitor.http.post("/connect/wechat/pc/bind", headers=foreign), 403, "forbidden")
            refused(visitor.http.post("/connect/sessions/end", headers=foreign), 403, "forbidden")


def test_a_young_connection_waits_for_its_cool_down(clock: Clock) -> None:
    """With `unbind_after` a connection is ended once it is old enough, and the answer says when that is."""

    def change(raw: dict[str, dict[str, object]]) -> None:
        raw["service"]["unbind_after"] = 3600

    with run_shop(now=clock, change=change) as shop, Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        bind(visitor)
        answer = visitor.http.delete("/connect/connections/WECHAT")
        refused(answer, 403, "forbidden")
        assert 3500 < int(answer.headers["retry-after"]) <= 3600
        clock.advance(3601)
        visitor.log_in("alipay", "pc")
        assert visitor.http.delete("/connect/connections/WECHAT").status_code == 204


def test_members_end_their_own_sessions_alone(shop: RunningShop) -> None:
    """Another's session is 404; one's own is ended at once, or all but this one."""
    with Visitor(shop) as visitor, Visitor(shop) as phone, Visitor(shop) as stranger:
        login = stranger.log_in("alipay", "pc", "wangfang")
        theirs = stranger.http.get("/connect/sessions").json()[0]["id"]
        visitor.log_in("alipay", "pc")
        phone.log_in("alipay", "pc")
        refused(visitor.http.delete(f"/connect/sessions/{theirs}"), 404, "unsupported")
        listed = visitor.http.get("/connect/sessions").json()
        assert [one["is_this"] for one in listed] == [True, False]
        assert visitor.http.delete(f"/connect/sessions/{listed[1]['id']}").status_code == 204
        assert phone.who(login) is None
        phone.log_in("alipay", "pc")
        assert visitor.http.delete("/connect/sessions").status_code == 204
        assert phone.who(login) is None
        assert visitor.who(login) is not None
        assert stranger.who(login) is not None


def test_ending_the_other_sessions_ends_what_they_prepared(shop: RunningShop) -> None:
    """A thief's session, the bind that it began and the hand-over that it agreed to go with "end all others"."""
    with Visitor(shop) as owner, Visitor(shop) as thief, Visitor(shop) as pc:
        login = owner.log_in("alipay", "pc")
        thief.log_in("alipay", "pc")  # as with a session that was stolen
        callback = thief.consent(start_bind(thief).json()["login_url"], "wangfang")
        path = start(pc)
        approve(thief, path)
        assert owner.http.delete("/connect/sessions").status_code == 204
        before = bound(shop)
        refused(thief.http.get(callback), 400, "state_invalid")
        refused(collect(pc), 400, "state_invalid")
        assert bound(shop) == before == [(1, "ALIPAY")]
        assert owner.who(login) is not None
        assert thief.who(login) is None
        assert len([row for row in shop.rows("es_member_session") if row["revoked_time"] is None]) == 1


def test_a_thiefs_own_identity_is_seen_and_taken_off(shop: RunningShop) -> None:
    """Bound to the victim's account it is on the victim's list; once it is off, it leads somewhere else."""
    with Visitor(shop) as owner, Visitor(shop) as thief:
        owner.log_in("alipay", "pc")
        thief.log_in("alipay", "pc")
        bind(thief, "wechat", "wangfang")
        login = thief.log_in("wechat", "pc", "wangfang")
        assert thief.who(login) == owner.who(login)
        listed = owner.http.get("/connect/connections").json()
        assert [(one["union_type"], one["nickname"]) for one in listed] == [
            ("ALIPAY", "李华"),
            ("WECHAT", '王芳 {"🙂"}'),
        ]
        assert owner.http.delete("/connect/connections/WECHAT").status_code == 204
        assert thief.who(login) is None
        thief.log_in("wechat", "pc", "wangfang")
        assert thief.http.get("/connect/me").json()["uid"] == 2
    assert bound(shop) == [(1, "ALIPAY"), (2, "WECHAT")]


def test_lists_tell_no_ids_of_vendors_and_no_tokens(shop: RunningShop) -> None:
    """Connections and sessions are shown by what their member knows them by."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        bind(visitor)
        lists = [visitor.http.get(f"/connect/{name}") for name in ("connections", "sessions")]
        page = visitor.http.get(ACCOUNT, headers=HTML).text
        token = visitor.http.cookies["connect_session"]
    shown = ({"union_type", "nickname", "since"}, {*SESSION, "browser", "system", "city", "country"})
    for answer, names in zip(lists, shown, strict=True):
        assert {frozenset(one) for one in answer.json()} == {frozenset(names)}
    hidden = [row["value"] for row in shop.rows("es_connect_alias")]
    hidden += [token, *(row["token_hash"] for row in shop.rows("es_member_session"))]
    assert len(hidden) > 4
    assert not [value for value in hidden for text in (page, *(one.text for one in lists)) if value in text]


def test_the_page_shows_and_does_the_same(shop: RunningShop) -> None:
    """The account page binds and unbinds with plain forms; a bind leaves through a page of ours."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        page = visitor.http.get(ACCOUNT, headers=HTML).text
        assert 'action="/connect/wechat/pc/bind"' in page
        assert 'action="/connect/connections/ALIPAY/unbind"' in page
        form = {"headers": {**HTML, "origin": shop.url}, "data": {"return_to": ACCOUNT}}
        leaving = visitor.http.post("/connect/wechat/pc/bind", **form)
        assert leaving.status_code == 200
        target = leaving.headers["refresh"].partition("url=")[2]
        assert visitor.http.get(visitor.consent(target)).headers["location"] == shop.url + ACCOUNT
        ended = visitor.http.post("/connect/connections/WECHAT/unbind", headers={**HTML, "origin": shop.url})
        assert (ended.status_code, ended.headers["location"]) == (303, ACCOUNT)
