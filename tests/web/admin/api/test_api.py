"""The management API: who may call it, what it answers, and that it does what the admin page does."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from connect_core.administrators.api_tokens import Scope
from connect_core.harness import Visitor

from ....kit.admin_pages import AdminShop, run_admin_shop
from ....kit.api_clients import API, Client, create, revoke
from ....kit.databases import run_shop
from ....kit.web_shops import alipay_and_wechat, bearer, mini_login

NUMBERS = count()


@pytest.fixture(scope="module")
def api_shop() -> Iterator[AdminShop]:
    """A running shop with the management API, Alipay, and settings in the database."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"]["settings"] = "database"
        raw["limits"] = {"failures_per_address": "1000/minute"}
        raw["webhooks"] = {"stock": {"url": "http://127.0.0.1:9/hook", "secrets": ["whsec_" + "c2VjcmV0" * 4]}}

    with run_admin_shop(alipay_and_wechat(), change=change) as shop:
        yield shop


@pytest.fixture
def client(api_shop: AdminShop) -> Client:
    """A program that may do everything."""
    return Client(api_shop, create(api_shop, f"program-{next(NUMBERS)}", *Scope))


def routes_of(shop: AdminShop) -> list[tuple[str, str]]:
    """Method and path of every route of the API but the document's, with an example for each parameter."""
    routes = [route for route in shop.shop.app.routes if isinstance(route, Route) and route.path.startswith(API)]
    return [
        (method, re.sub(r"\{\w+(:int)?\}", "7", route.path).removeprefix(API))
        for route in routes
        for method in sorted(route.methods or ())
        if not route.path.endswith("openapi.json")
    ]


def test_nobody_comes_in_without_a_token(api_shop: AdminShop) -> None:
    """401 with `WWW-Authenticate` (RFC 6750 §3) at every route, also for an administrator's or a member's session."""
    api_shop.create("somebody", "operator")
    cookie = f"connect_admin={api_shop.open_session('somebody')}"
    with Visitor(api_shop.shop) as visitor:
        member = bearer(mini_login(visitor))
        assert len(routes_of(api_shop)) > 25
        for method, path in routes_of(api_shop):
            answer = httpx.request(method, api_shop.shop.url + API + path, headers={"cookie": cookie})
            assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid"), path
            assert answer.headers["www-authenticate"] == 'Bearer realm="connect-login admin"'
            assert "detail" not in answer.json()
        answer = httpx.get(api_shop.shop.url + API + "/members", headers=member)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].endswith('error="invalid_token"')


def test_every_route_wants_its_scope(api_shop: AdminShop, client: Client) -> None:
    """A token without scopes that fit is 403 with `insufficient_scope`; the document says which scope each wants."""
    weak = Client(api_shop, create(api_shop, "weak", Scope.READ_AUDIT))
    document = httpx.get(api_shop.shop.url + API + "/openapi.json").json()
    wanted = {
        (method.upper(), path): route["security"][0]["token"][0]
        for path, item in document["paths"].items()
        for method, route in item.items()
    }
    for (method, path), scope in wanted.items():
        answer = weak.http.request(method, re.sub(r"\{\w+\}", "7", path), json={} if method == "POST" else None)
        if scope == Scope.READ_AUDIT:
            assert answer.status_code == 200
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
            assert f'error="insufficient_scope", scope="{scope}"' in answer.headers["www-authenticate"]
    assert {(method, path) for method, path in routes_of(api_shop)} == {
        (method, re.sub(r"\{\w+\}", "7", path)) for method, path in wanted
    }


def test_a_token_ends(api_shop: AdminShop) -> None:
    """When it is revoked, at once, and when its time is over; a name can then be given again."""
    first = Client(api_shop, create(api_shop, "ending", Scope.READ_AUDIT, seconds=60))
    first.get("/audit")
    api_shop.clock.advance(61)
    first.get("/audit", status=401)
    second = Client(api_shop, create(api_shop, "ending", Scope.READ_AUDIT))
    second.get("/audit")
    revoke(api_shop, "ending")
    second.get("/audit", status=401)
    stored = str(api_shop.shop.rows("es_admin_token"))
    assert "cla_" not in stored


def test_guesses_are_counted() -> None:
    """`failures_per_address` slows down whoever guesses tokens, and refuses a right one from there as well."""

    def change(raw: dict[str, Any]) -> None:
        raw["limits"] = {"per_address": "100/hour", "failures_per_address": "2/hour"}

    with run_admin_shop(change=change) as shop:
        right = Client(shop, create(shop, "right", Scope.READ_AUDIT))
        for _ in range(4):
            right.get("/audit")
            right.get("/members", status=403)
        for _ in range(2):
            Client(shop, "cla_guess").get("/audit", status=401)
        right.get("/audit", status=429)


def test_members_are_served_like_on_the_page(api_shop: AdminShop, client: Client) -> None:
    """Search, show, disable, enable, end logins, unbind; each act is an event and a record with the token's name."""
    with Visitor(api_shop.shop) as visitor:
        tokens = mini_login(visitor)
        uid = tokens.json()["uid"]
        [match] = client.get("/members", q=str(uid))["members"]
        shown = client.get(f"/members/{uid}")
        assert (match["id"], shown["member"]["state"]) == (uid, "active")
        assert [each["union_type"] for each in shown["connections"]] == ["ALIPAY"]
        assert "password" not in shown["member"]
        reader = Client(api_shop, create(api_shop, "reader", Scope.READ_MEMBERS))
        assert reader.get(f"/members/{uid}")["connections"][0]["ids"] != shown["connections"][0]["ids"]
        reason = {"reason": "chargeback"}
        assert client.post(f"/members/{uid}/disable", reason) == {"changed": True}
        assert client.post(f"/members/{uid}/disable", reason) == {"changed": False}
        assert visitor.http.get("/connect/me", headers=bearer(tokens)).status_code == 401
        assert client.post(f"/members/{uid}/enable", reason) == {"changed": True}
        mini_login(visitor)
        assert client.post(f"/members/{uid}/end-sessions", reason) == {"ended": 1}
        refused = client.post(f"/members/{uid}/unbind", {**reason, "union_type": "alipay"}, status=409)
        assert refused["code"] == "last_connection"
        client.post(f"/members/{uid}/unbind", {**reason, "union_type": "alipay", "force": True}, status=204)
        mini_login(visitor)
    records = client.get("/audit", target=f"member {uid}")["records"]
    assert [record["via"] for record in records] == ["api"] * 4
    assert {record["detail"] for record in records} >= {"chargeback"}
    assert client.get("/members/987654", status=404)["code"] == "unsupported"
    assert client.get("/conflicts")["conflicts"] == []
    assert client.get("/conflicts/1", status=404)["code"] == "unsupported"


BAD: dict[str, tuple[object, str]] = {
    "no reason": ({}, "reason: Field required"),
    "an empty reason": ({"reason": "  "}, "reason: "),
    "an unknown member": ({"reason": "x", "force": True}, "force: "),
    "a number": ({"reason": 7}, "reason: "),
    "a list": ([], "body: "),
}


@pytest.mark.parametrize(("body", "mistake"), BAD.values(), ids=BAD)
def test_bad_input_changes_nothing_and_says_what_is_wrong(
    api_shop: AdminShop, client: Client, body: object, mistake: str
) -> None:
    """400 with a line for each mistake, which never repeats a value."""
    before = api_shop.shop.rows("es_admin_audit")
    refused = client.post("/members/1/disable", body, status=400)
    assert refused["code"] == "bad_request"
    assert refused["mistakes"][0].startswith(mistake)
    assert client.http.post("/members/1/disable", content=b"{").status_code == 400
    assert client.post("/webhooks/deliveries/replay", {"ids": [10**30]}, 400)["mistakes"][0].startswith("ids.0: ")
    for path in ("/members/{0}", "/conflicts/{0}", "/settings/revisions/{0}"):
        assert client.get(path.format(10**30), status=404)["code"] == "unsupported"
    assert client.get("/events", status=400, before="x")["detail"] == "before is no whole number"
    assert api_shop.shop.rows("es_admin_audit") == before


def test_settings_change_by_revisions(client: Client) -> None:
    """Describe, preview, draft, activate, roll back; who drafts from an older revision is told."""
    answer = client.http.get("/settings")
    base = answer.json()["active_revision"]
    assert answer.headers["etag"] == f'"{base}"'
    change = {"section": "limits", "name": "per_address", "value": "700/minute"}
    assert [each["name"] for each in client.post("/settings/preview", {"changes": [change]})["changes"]] == [
        "per_address"
    ]
    revision = client.post("/settings/drafts", {"changes": [change]}, 201, **{"if-match": f'"{base}"'})["revision"]
    client.post(f"/settings/revisions/{revision}/activate", status=204)
    assert client.get("/settings")["active_revision"] == revision
    stale = client.post("/settings/drafts", {"changes": [{**change, "value": "800/minute"}], "base": base}, 409)
    assert stale["code"] == "changed_meanwhile"
    assert client.post("/settings/drafts", {"changes": [change]}, 400)["detail"].startswith("base, or the header")
    wrong = client.post("/settings/preview", {"changes": [{**change, "value": "often"}]}, 400)
    assert any("per_address" in mistake for mistake in wrong["mistakes"])
    assert client.get(f"/settings/revisions/{revision}")["state"] == "active"
    rolled = client.post(f"/settings/revisions/{base}/roll-back", {"comment": "too many"})["revision"]
    assert client.get("/settings")["active_revision"] == rolled
    assert client.get("/settings/revisions/987654", status=404)["code"] == "unsupported"


def test_settings_in_the_file_are_not_changed_here() -> None:
    """With `settings = "file"` the routes of settings are 404, and say why."""
    with run_admin_shop() as shop:
        refused = Client(shop, create(shop, "file", *Scope)).get("/settings", status=404)
        assert 'settings = "database"' in refused["detail"]


def test_events_and_webhooks(client: Client, api_shop: AdminShop) -> None:
    """Events page by page; endpoints with their state; a test that nobody takes; what does not exist is 404."""
    assert client.get("/events", kind="member_logged_in").keys() == {"events", "next_before"}
    [endpoint] = client.get("/webhooks/endpoints")["endpoints"]
    assert (endpoint["name"], endpoint["state"] in ("active", "failing")) == ("stock", True)
    assert client.get("/webhooks/deliveries", endpoint="nothing")["deliveries"] == []
    assert client.get("/webhooks/deliveries", 400, state="lost")["detail"].startswith("state: give one of")
    sent = client.post("/webhooks/endpoints/stock/test")
    assert (sent["is_delivered"], bool(sent["error"])) == (False, True)
    # changed where an event has met the endpoint, which does not answer; then, and only then, it is an act on record
    is_changed = client.post("/webhooks/endpoints/stock/enable")["changed"]
    assert is_changed is ("webhook.enabled" in [row["action"] for row in api_shop.shop.rows("es_admin_audit")])
    assert client.post("/webhooks/endpoints/nothing/enable", status=404)["code"] == "unsupported"
    assert client.post("/webhooks/deliveries/replay", {"ids": [987654]}, status=404)["code"] == "unsupported"
    assert client.post("/webhooks/endpoints/stock/replay-dead") == {"replayed": 0}


def test_administrators(client: Client) -> None:
    """Create with a set-up code that is in no record, change, disable; the last operator stays."""
    code = client.post("/administrators", {"name": "wang", "role": "viewer"}, 201)["set_up_code"]
    assert client.post("/administrators", {"name": "wang", "role": "viewer"}, 400)["code"] == "bad_request"
    client.post("/administrators/wang/role", {"role": "support"}, 204)
    client.post("/administrators/wang/disable", status=204)
    [account] = [each for each in client.get("/administrators")["administrators"] if each["name"] == "wang"]
    assert (account["role"], account["state"]) == ("support", "disabled")
    client.post("/administrators/wang/enable", status=204)
    assert client.post("/administrators/wang/reset")["set_up_code"] != code
    assert client.post("/administrators/nobody/disable", status=404)["code"] == "unsupported"
    assert client.post("/administrators", {"name": "li", "role": "king"}, 400)["mistakes"][0].startswith("role: ")
    records = client.get("/audit", target="administrator wang")["records"]
    assert records
    assert code not in str(records)
    assert client.get("/doctor") == {"run": None}
    assert "configuration file" in client.post("/doctor", status=404)["detail"]


def test_the_api_is_404_where_it_is_switched_off() -> None:
    """Without `[admin] enabled` no address of it exists."""
    with run_shop(alipay_and_wechat()) as shop:
        for path in ("", "/members", "/openapi.json"):
            answer = httpx.get(shop.url + API + path)
            assert (answer.status_code, answer.json()["code"]) == (404, "unsupported")
