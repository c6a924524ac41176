"""Merging over HTTP, by page and by JSON: a second account is proved in this browser, shown, merged, and undone."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

from connect_core.harness import RunningShop, Visitor, query_of
from connect_core.plugin import MergePlan
from connect_core.providers.registry import Plugins

from ...kit.account_page import bind, bound
from ...kit.acme import execute
from ...kit.clock import Clock
from ...kit.databases import run_shop
from ...kit.first_logins import PASSWORD, SmsCheck, choosing, register
from ...kit.merges import WEEK, Planner
from ...kit.web_merges import (
    ACCOUNT,
    COOKIE,
    MERGE,
    begin,
    confirm,
    merges,
    planner,
    planning,
    prove,
    shop,
    undo,
    visitor,
)
from ...kit.web_shops import (
    HTML,
    alipay_and_wechat,
    bearer,
    check_headers,
    count_code_calls,
    nothing_written,
    refused,
    set_cookies,
    untouched,
)

__all__ = ["planner", "shop", "visitor"]


# by JSON


def test_the_preview_tells_both_members_and_what_becomes_of_each_login(visitor: Visitor) -> None:
    """Names, faces, logins with the vendors' nicknames, the shop's lines; and no id of a vendor."""
    proved = prove(visitor)
    assert (proved.status_code, urlsplit(proved.headers["location"]).path) == (303, MERGE)
    answer = visitor.http.post(f"{MERGE}/preview")
    check_headers(answer)
    told = answer.json()
    assert told.keys() == {"kept", "merged", "moves", "refusal", "undo_until"}
    kept, merged = told["kept"], told["merged"]
    assert kept.keys() == merged.keys() == {"uid", "uname", "nickname", "face", "connections"}
    assert (kept["uid"], kept["nickname"], merged["uid"], merged["nickname"]) == (2, "李华", 1, "Maria O'Neill")
    assert kept["connections"] == [{"union_type": "ALIPAY", "nickname": "李华"}]
    assert merged["connections"] == [
        {"union_type": "WECHAT", "nickname": "Maria O'Neill", "moves": True},
        {"union_type": "ALIPAY", "nickname": "", "moves": False},
    ]
    assert (told["moves"], told["refusal"]) == (["3 orders"], None)
    ids = [row["value"] for row in visitor.shop.rows("es_connect_alias")]
    assert [one for one in ids if one in answer.text] == []


def test_a_second_account_is_merged_and_undone(shop: RunningShop, visitor: Visitor, planner: Planner) -> None:
    """The whole way with a browser's cookie; the merged member's logins end, the moved login is the kept member's."""
    with Visitor(shop) as other:
        theirs = other.log_in("wechat", "pc", "maria")
        before = bound(shop)
        prove(visitor)
        assert bound(shop) == before
        assert other.who(theirs) is not None
        assert confirm(visitor).json().keys() == {"id", "undo_until"}
        assert COOKIE not in visitor.http.cookies
        assert other.who(theirs) is None
        who = other.who(other.log_in("wechat", "pc", "maria"))
        assert who is not None
        assert (who["uid"], who["connections"]) == (2, ["WECHAT", "ALIPAY"])
    assert [(one["uid"], one["name"]) for one in merges(visitor)] == [(1, "Maria O'Neill")]
    assert undo(visitor).json() == {"connections": ["WECHAT", "ALIPAY"]}
    assert bound(shop) == before
    assert merges(visitor) == []
    planner.wait_for("merged", "merge_undone")


def test_an_app_merges_with_a_ticket(shop: RunningShop, visitor: Visitor) -> None:
    """A mini program hands in the other account's code and its own token; it gets a ticket, and no cookie."""
    with Visitor(shop) as app:
        tokens = app.log_in("alipay", "mini")
        headers = bearer(tokens)
        proved = begin(app, "wechat", "mini", json=app.client_parameters("wechat", "mini", "maria"), headers=headers)
        assert proved.json().keys() == {"merge_ticket", "expires_in"}
        assert (proved.json()["expires_in"], set_cookies(proved)) == (600, {})
        body = {"ticket": proved.json()["merge_ticket"]}
        assert app.http.post(f"{MERGE}/preview", json=body, headers=headers).json()["merged"]["uid"] == 1
        refused(confirm(visitor, json=body), 400, "state_invalid")
        assert confirm(app, json=body, headers=headers).status_code == 200
    assert {member for member, _ in bound(shop)} == {2}


def test_a_front_end_of_its_own_gets_a_ticket(shop: RunningShop, visitor: Visitor) -> None:
    """With `redirect_uri` the vendor returns to its page, which posts code and state to `token`."""
    begun = begin(visitor, json={"redirect_uri": f"{shop.url}/merge"})
    back = query_of(visitor.consent(begun.json()["login_url"], "maria"))
    told = visitor.http.post("/connect/wechat/pc/token", json=back)
    assert told.json().keys() == {"merge_ticket", "expires_in"}
    assert confirm(visitor, json={"ticket": told.json()["merge_ticket"]}).status_code == 200


def test_an_older_front_ends_page_gets_a_ticket_too(shop: RunningShop, visitor: Visitor) -> None:
    """A proof that comes back by the route of older front ends opens no session there either."""
    begun = begin(visitor, "alipay", "h5", json={"redirect_uri": f"{shop.url}/merge"})
    back = query_of(visitor.consent(begun.json()["login_url"], "maria"))
    sent = {"code": back["auth_code"], "state": back["state"]}
    told = visitor.http.get("/buyer/connect/alipay/h5/login", params=sent)
    assert told.json().keys() == {"merge_ticket", "expires_in"}


def test_a_repeated_yes_is_answered_the_same(visitor: Visitor, planner: Planner) -> None:
    """Eight at once and one more: the same merge, told once."""
    prove(visitor)
    body = {"ticket": visitor.http.cookies[COOKIE]}
    with ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(confirm, visitor, json=body) for _ in range(8)]
    answers = [one.result() for one in sent] + [confirm(visitor, json=body)]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert {answer.status_code for answer in answers} == {200}
    planner.wait_for("merged")


def test_a_password_proves_an_account_too(planner: Planner) -> None:
    """Where passwords are ours; wrong ones are 401 and counted, and no account of one's own is merged."""
    with planning(planner, change=choosing) as shop, Visitor(shop) as first, Visitor(shop) as second:
        name, own = register(first), register(second, "maria", "wechat")
        path = f"{MERGE}/credentials"
        with nothing_written(shop):
            refused(second.http.post(path, json={"username": name, "password": "x"}), 401, "not_logged_in")
            refused(second.http.post(path, json={"username": own, "password": PASSWORD}), 404, "unsupported")
        body, foreign = {"username": name, "password": PASSWORD}, {"origin": "https://evil.example"}
        refused(second.http.post(path, json=body, headers=foreign), 403, "forbidden")
        proved = second.http.post(path, json=body)
        assert proved.json().keys() == {"merge_ticket", "expires_in"}
        assert confirm(second, json={"ticket": proved.json()["merge_ticket"]}).status_code == 200
        refused(second.http.post(path, json={"username": name, "password": PASSWORD}), 403, "member_disabled")
        for _ in range(8):
            second.http.post(path, json={"username": name, "password": "x"})
        refused(second.http.post(path, json={"username": name, "password": PASSWORD}), 429, "rate_limited")


def test_the_shops_own_check_proves_an_account_too(planner: Planner) -> None:
    """As at a first login, whatever `first_login` is."""
    plugins = Plugins([("planner", planner), ("sms", SmsCheck())])
    with run_shop(alipay_and_wechat(), plugins=plugins) as shop, Visitor(shop) as first, Visitor(shop) as second:
        first.log_in("alipay", "pc", "lihua")
        second.log_in("wechat", "pc", "maria")
        refused(second.http.post(f"{MERGE}/credentials", json={"sms_code": "0"}), 401, "not_logged_in")
        proved = second.http.post(f"{MERGE}/credentials", json={"sms_code": "424242"})
        assert confirm(second, json={"ticket": proved.json()["merge_ticket"]}).status_code == 200
        assert bound(shop) == [(2, "ALIPAY"), (2, "WECHAT")]


# who may, and who may not


def test_a_bind_of_anothers_identity_is_refused_as_ever(shop: RunningShop, visitor: Visitor) -> None:
    """409, nothing told of the owner; a person is offered a merge, for which the account has to be proved anew."""
    before = bound(shop)
    refused(bind(visitor, "wechat", "maria"), 409, "already_bound")
    callback = visitor.consent(visitor.http.post("/connect/wechat/pc/bind", json={}).json()["login_url"], "maria")
    page = visitor.http.get(callback, headers=HTML)
    assert page.status_code == 409
    assert f'href="{MERGE}"' in page.text
    assert "Maria" not in page.text
    assert COOKIE not in visitor.http.cookies
    refused(confirm(visitor), 400, "state_missing")
    assert bound(shop) == before


def test_both_sides_are_proved_by_young_logins(shop: RunningShop, visitor: Visitor, clock: Clock) -> None:
    """Without a session 401, with an old one 403, at every step; and nothing is written."""
    prove(visitor)
    ticket = visitor.http.cookies[COOKIE]
    steps = [
        ("POST", "/connect/wechat/pc/merge"),
        ("POST", MERGE),
        ("POST", f"{MERGE}/preview"),
        ("POST", f"{MERGE}s/1/undo"),
    ]
    clock.advance(601)
    before, calls = bound(shop), count_code_calls(shop)
    with Visitor(shop) as stranger:
        for method, path in steps:
            refused(stranger.http.request(method, path, json={"ticket": ticket}), 401, "not_logged_in")
            refused(visitor.http.request(method, path, json={"ticket": ticket}), 403, "forbidden")
        refused(stranger.http.get(f"{MERGE}s"), 401, "not_logged_in")
        page = stranger.http.get(MERGE, headers=HTML)
        assert (page.status_code, page.headers["location"]) == (303, f"/connect/login?return_to={quote(MERGE, '')}")
        assert visitor.http.get(MERGE, headers=HTML).status_code == 303
    assert (bound(shop), count_code_calls(shop)) == (before, calls)


def test_nothing_is_merged_by_a_link_or_a_strangers_form(shop: RunningShop, visitor: Visitor) -> None:
    """No step that changes anything is a GET, and a POST of another site is refused."""
    prove(visitor)
    foreign = {"origin": "https://evil.example"}
    paths = ["/connect/wechat/pc/merge", MERGE, f"{MERGE}/preview", f"{MERGE}s/1/undo"]
    with untouched(shop):
        for path in [*paths, f"{MERGE}/cancel"]:
            refused(visitor.http.post(path, headers=foreign), 403, "forbidden")
            refused(visitor.http.post(path, headers={"sec-fetch-site": "cross-site"}), 403, "forbidden")
            if path != MERGE:
                assert visitor.http.get(path).status_code == 405
        assert visitor.http.get(MERGE, params={"decision": "merge"}, headers=HTML).status_code == 200
    assert COOKIE in visitor.http.cookies


def test_a_proof_is_finished_by_who_began_it(shop: RunningShop, visitor: Visitor) -> None:
    """Begun by one member, come back as another: refused before the vendor is asked; so is the ticket of one."""
    callback = visitor.consent(begin(visitor).json()["login_url"], "maria")
    prove(visitor)
    ticket = visitor.http.cookies[COOKIE]
    visitor.log_in("alipay", "pc", "wangfang")
    calls = count_code_calls(shop)
    refused(visitor.http.get(callback), 400, "state_invalid")
    assert count_code_calls(shop) == calls
    refused(confirm(visitor, json={"ticket": ticket}), 400, "state_invalid")
    with Visitor(shop) as stranger:
        stranger.log_in("alipay", "pc", "lihua")
        refused(stranger.http.get(callback), 400, "state_invalid")
        refused(confirm(stranger, json={"ticket": ticket}), 400, "state_invalid")


def test_a_flow_keeps_its_purpose(shop: RunningShop, visitor: Visitor) -> None:
    """A proof logs nobody in and binds nothing, and neither a login nor a bind proves a second account."""
    before = bound(shop), len(shop.rows("es_member_session"))
    login = prove(visitor)
    assert set(set_cookies(login)) == {COOKIE}
    assert (bound(shop), len(shop.rows("es_member_session"))) == before
    who = visitor.who(login)
    assert who is not None
    assert who["uid"] == 2
    for other in (bind(visitor, "alipay", "lihua"), visitor.log_in("alipay", "pc", "lihua")):
        assert COOKIE not in set_cookies(other)


def test_what_proves_no_second_account_is_refused(shop: RunningShop, visitor: Visitor) -> None:
    """One's own login, and one that is nobody's, which is not registered by it either."""
    with nothing_written(shop):
        for person, provider in (("lihua", "alipay"), ("wangfang", "wechat")):
            refused(prove(visitor, person, provider), 404, "unsupported")
        callback = visitor.consent(begin(visitor, "alipay").json()["login_url"], "lihua")
        page = visitor.http.get(callback, headers=HTML)
        assert (page.status_code, f'href="{MERGE}"' in page.text) == (404, True)


def test_the_ticket_is_in_a_cookie_like_the_others(visitor: Visitor) -> None:
    """HttpOnly, Lax, ten minutes; it goes with the merge, and when the member thinks better of it."""
    rest = set_cookies(prove(visitor))[COOKIE]
    assert all(part in rest for part in ("HttpOnly", "SameSite=lax", "Max-Age=600", "Path=/"))
    gone = visitor.http.post(f"{MERGE}/cancel")
    assert (gone.status_code, gone.headers["location"]) == (303, ACCOUNT)
    assert COOKIE not in visitor.http.cookies


def test_a_ticket_of_ten_minutes_ago_is_over(shop: RunningShop, visitor: Visitor, clock: Clock) -> None:
    """Even in a session whose login may be older."""
    prove(visitor)
    clock.advance(600)
    execute(shop.database_url, "UPDATE es_member_session SET create_time = create_time + 600")
    refused(confirm(visitor), 400, "state_expired")
    page = visitor.http.get(MERGE, headers=HTML)
    assert (page.status_code, 'role="alert"' in page.text) == (400, True)
    assert COOKIE not in visitor.http.cookies
    assert visitor.http.get(MERGE, headers=HTML).status_code == 200


def test_the_shop_refuses_with_its_reason(shop: RunningShop, visitor: Visitor, planner: Planner) -> None:
    """The preview tells it and has no button; a yes all the same is 403."""
    planner.plan = MergePlan(refusal="An order <1> is under way")
    prove(visitor)
    before = bound(shop)
    assert visitor.http.post(f"{MERGE}/preview").json()["refusal"] == "An order <1> is under way"
    page = visitor.http.get(MERGE, headers=HTML).text
    assert "An order &lt;1&gt; is under way" in page
    assert f'action="{MERGE}"' not in page
    refused(confirm(visitor), 403, "forbidden")
    assert bound(shop) == before


def test_a_shop_without_a_plan_offers_no_merge() -> None:
    """Without the hook every route is 404 and no page leads there."""
    with run_shop(alipay_and_wechat()) as shop, Visitor(shop) as owner, Visitor(shop) as visitor:
        owner.log_in("wechat", "pc", "maria")
        visitor.log_in("alipay", "pc", "lihua")
        for path in ("/connect/wechat/pc/merge", MERGE, f"{MERGE}/credentials", f"{MERGE}/preview"):
            refused(visitor.http.post(path, json={}), 404, "unsupported")
        refused(visitor.http.get(MERGE), 404, "unsupported")
        assert merges(visitor) == []
        assert MERGE not in visitor.http.get(ACCOUNT, headers=HTML).text
        callback = visitor.consent(visitor.http.post("/connect/wechat/pc/bind", json={}).json()["login_url"], "maria")
        assert MERGE not in visitor.http.get(callback, headers=HTML).text


def test_undoing_is_for_a_week(visitor: Visitor, clock: Clock) -> None:
    """Until then it stands on the account page; then it is 404."""
    prove(visitor)
    merge_id = confirm(visitor).json()["id"]
    clock.advance(WEEK - 60)
    visitor.log_in("alipay", "pc", "lihua")
    assert f'action="{MERGE}s/{merge_id}/undo"' in visitor.http.get(ACCOUNT, headers=HTML).text
    clock.advance(61)
    refused(visitor.http.post(f"{MERGE}s/{merge_id}/undo"), 404, "unsupported")
    assert "/undo" not in visitor.http.get(ACCOUNT, headers=HTML).text


def test_the_number_of_a_merge_is_worth_nothing_to_others(shop: RunningShop, visitor: Visitor) -> None:
    """Neither a stranger, another member nor the form of another member's page undoes it, and no other number does."""
    prove(visitor)
    path = f"{MERGE}s/{{}}/undo"
    merge_id = confirm(visitor).json()["id"]
    with Visitor(shop) as nobody, Visitor(shop) as other, Visitor(shop) as merged:
        other.log_in("wechat", "pc", "wangfang")
        merged.log_in("wechat", "pc", "maria")  # the login that the merge has moved: it is the kept member's now
        with untouched(shop):
            refused(nobody.http.post(path.format(merge_id)), 401, "not_logged_in")
            refused(other.http.post(path.format(merge_id)), 404, "unsupported")
            for number in (merge_id + 1, 0, f"-{merge_id}", f"{merge_id}.0", "9" * 40, "\N{SUPERSCRIPT ONE}", "%20"):
                refused(visitor.http.post(path.format(number)), 404, "unsupported")
            forged = visitor.http.post(path.format(merge_id), data={"page_subject": "m_somebody_else"})
            refused(forged, 409, "changed_meanwhile")
        assert merged.http.post(path.format(merge_id)).status_code == 200
