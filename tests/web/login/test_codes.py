"""Codes and tokens: a code is taken once, from the flow it was given to, and a client's word proves nothing."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor, query_of
from connect_core.plugin import AuthorizationResponse, ClientType, CodeInvalid, Identity

from ...kit.acme import execute, locked
from ...kit.databases import run_shop
from ...kit.web_shops import (
    PROFILE,
    TOKEN,
    TOKEN_ANSWER,
    acme_back,
    acme_shop,
    changed,
    come_back,
    count_code_calls,
    flow_cookies,
    legacy_refused,
    nothing_written,
    person,
    query,
    refused,
    set_cookies,
    untouched,
)

MINI_TOKEN = "/connect/alipay/mini/token"


@contextmanager
def acme_with_pkce() -> Iterator[tuple[RunningShop, dict[str, str], list[str]]]:
    """A shop with a vendor that compares PKCE verifiers: its challenges by code, and the verifiers it was sent."""
    challenges: dict[str, str] = {}
    verifiers: list[str] = []

    async def answer(response: AuthorizationResponse) -> Identity:
        verifiers.append(response.code_verifier)
        digest = hashlib.sha256(response.code_verifier.encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenges.get(response.code):
            raise CodeInvalid("invalid_grant")
        return person(response.code)

    with acme_shop(answer) as running_shop:
        yield running_shop, challenges, verifiers


def test_code_of_another_flow_fails_at_pkce() -> None:
    """A victim's code in an attacker's flow is refused by the vendor, for the verifier is the flow's own."""
    with (
        acme_with_pkce() as (running_shop, challenges, _),
        Visitor(running_shop) as victim,
        Visitor(running_shop) as attacker,
    ):
        challenges["victims-code"] = query(victim.begin("acme", "pc"))["code_challenge"]
        with nothing_written(running_shop):
            refused(attacker.http.get(acme_back(attacker, "victims-code")), 400, "code_invalid")


def test_verifier_is_sent_though_the_challenge_was_lost() -> None:
    """Where the challenge was stripped on its way, the verifier is still sent, once, and the login fails."""
    with (
        acme_with_pkce() as (running_shop, _, verifiers),
        Visitor(running_shop) as visitor,
        nothing_written(running_shop),
    ):
        refused(visitor.http.get(acme_back(visitor, "stripped")), 400, "code_invalid")
    assert len(verifiers) == 1
    assert verifiers[0]


def test_pkce_is_s256_and_new_for_each_flow() -> None:
    """Verifiers are 43 to 128 unreserved characters, new for each flow, and never where a browser can read them."""
    with acme_with_pkce() as (running_shop, challenges, verifiers), Visitor(running_shop) as visitor:
        told = []
        for code in ("one", "two"):
            begun = visitor.http.get("/connect/acme/pc/login")
            asked_for = query(begun.headers["location"])
            challenges[code] = asked_for["code_challenge"]
            told += [str(begun.headers), repr(flow_cookies(visitor))]
            assert asked_for["code_challenge_method"] == "S256"
            answer = visitor.http.get("/connect/acme/pc/callback", params={"code": code, "state": asked_for["state"]})
            assert answer.status_code == 303
        assert len(set(verifiers)) == 2
        for verifier in verifiers:
            assert 43 <= len(verifier) <= 128
            assert verifier.replace("-", "").replace("_", "").isalnum()
            assert verifier not in "".join(told)


@pytest.mark.parametrize("provider", ["alipay", "wechat"])
@pytest.mark.parametrize(
    "spoil",
    ["another browser", "no state", "unknown state", "another provider", "another client", "an error beside", "twice"],
)
def test_code_of_a_refused_response_is_dead(shop: RunningShop, visitor: Visitor, provider: str, spoil: str) -> None:
    """A code once seen in a refused response is never sent to the vendor by another flow."""
    name = {"alipay": "auth_code", "wechat": "code"}[provider]
    callback = come_back(visitor, provider)
    with untouched(shop):
        match spoil:
            case "another browser":
                refused(httpx.get(callback), 400, "state_invalid")
            case "no state":
                refused(visitor.http.get(changed(callback, state=None)), 400, "state_missing")
            case "unknown state":
                refused(visitor.http.get(changed(callback, state="0" * 32)), 400, "state_invalid")
            case "another provider":
                other = {"alipay": "wechat", "wechat": "alipay"}[provider]
                refused(visitor.http.get(_at(callback, other, "pc")), 400, "state_invalid")
            case "an error beside":
                refused(visitor.http.get(changed(callback, error="access_denied")), 400, "bad_request")
            case "twice":
                refused(visitor.http.get(f"{callback}&{name}=other"), 400, "bad_request")
            case "another client":
                refused(visitor.http.get(_at(callback, provider, "h5")), 400, "state_invalid")
        seen_by = provider if spoil != "another provider" else other
        fresh = come_back(visitor, seen_by)
        own_name = {"alipay": "auth_code", "wechat": "code"}[seen_by]
        refused(visitor.http.get(changed(fresh, **{own_name: query(callback)[name]})), 400, "code_seen")


def _at(callback: str, provider: str, client: str) -> str:
    """The response as it would come to another callback of ours, its code under that vendor's name."""
    found = query(callback)
    code = found.pop("auth_code", "") or found.pop("code")
    url = callback.partition("/connect/")[0] + f"/connect/{provider}/{client}/callback"
    return changed(url, **{"auth_code" if provider == "alipay" else "code": code, "state": found["state"]})


def test_owner_may_still_use_a_code_that_a_stranger_showed(shop: RunningShop, visitor: Visitor) -> None:
    """A stranger who shows the code with its own state takes nothing from the browser it belongs to."""
    callback = come_back(visitor)
    refused(httpx.get(callback), 400, "state_invalid")
    assert visitor.http.get(callback).status_code == 303


def test_code_is_redeemed_once_however_long_it_lives(shop: RunningShop, visitor: Visitor) -> None:
    """A used code in a second valid flow is refused by us, and the vendor is asked once."""
    calls = count_code_calls(shop)
    first, second = come_back(visitor), come_back(visitor)
    assert visitor.http.get(first).status_code == 303
    refused(visitor.http.get(changed(second, auth_code=query(first)["auth_code"])), 400, "code_seen")
    assert count_code_calls(shop) - calls == 1


def test_mini_code_is_redeemed_once(shop: RunningShop, visitor: Visitor) -> None:
    """The same for a mini program's code, at either of its doors."""
    body = visitor.client_parameters("alipay", "mini")
    assert visitor.http.post(MINI_TOKEN, json=body).status_code == 200
    with untouched(shop):
        refused(visitor.http.post(MINI_TOKEN, json=body), 400, "code_seen")
        legacy_refused(visitor.http.post(f"/login/{body['authCode']}"), 400, "E133")


def test_lasting_app_code_is_redeemed_once(shop: RunningShop, visitor: Visitor) -> None:
    """The native SDK's code, which the vendor would take for a month, works once, with its ticket."""
    old, new = (visitor.client_parameters("alipay", "app") for _ in range(2))
    path = "/connect/alipay/app/token"
    assert visitor.http.post(path, json=old).status_code == 200
    with untouched(shop):
        refused(visitor.http.post(path, json=new | {"auth_code": old["auth_code"]}), 400, "code_seen")
        refused(visitor.http.post(path, json=new | {"ticket": old["ticket"]}), 400, "state_invalid")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("alipay/mini", "code_missing"),
        ("alipay/app", "code_missing"),
        ("alipay/pc", "state_missing"),
        ("wechat/h5", "state_missing"),
    ],
)
@pytest.mark.parametrize("token", ["access_token", "id_token", "openid", "user_id"])
def test_clients_hand_in_no_tokens(shop: RunningShop, visitor: Visitor, path: str, code: str, token: str) -> None:
    """No door takes an access token or an id in place of a code."""
    with untouched(shop):
        refused(visitor.http.post(f"/connect/{path}/token", json={token: "2088000000000000"}), 400, code)


def test_what_a_client_says_of_itself_is_ignored(shop: RunningShop, visitor: Visitor) -> None:
    """Ids and names beside the code change nothing: the vendor says who it is."""
    said = {
        "user_id": "2088",
        "openid": "o1",
        "unionid": "u1",
        "nickname": "root",
        "uid": "1",
        "app_id": "2021000117650002",
    }
    told = visitor.http.post(MINI_TOKEN, json=visitor.client_parameters("alipay", "mini", "honest") | said).json()
    [row] = [row for row in shop.rows("es_connect") if row["member_id"] == told["uid"]]
    assert row["union_id"] == shop.sandboxes["alipay"].user_id("honest")
    [member] = [member for member in shop.rows("es_member") if member["id"] == told["uid"]]
    assert member["nickname"] == "honest"


@pytest.mark.parametrize(("provider", "client"), [("wechat", "pc"), ("alipay", "h5"), ("wechat", "h5")])
def test_flow_ends_where_it_was_meant_to(shop: RunningShop, visitor: Visitor, provider: str, client: str) -> None:
    """A response for one provider and client type is refused at the callback of any other."""
    callback = come_back(visitor)
    with untouched(shop):
        refused(visitor.http.get(_at(callback, provider, client)), 400, "state_invalid")


def test_flow_for_a_front_end_does_not_end_at_our_callback(shop: RunningShop, visitor: Visitor) -> None:
    """A flow whose tokens a page asks for is no way to a cookie, and the other way round."""
    for_page, for_us = come_back(visitor, redirect_uri=f"{shop.url}/done"), come_back(visitor)
    with untouched(shop):
        refused(visitor.http.get(for_page.replace("/done", "/connect/alipay/pc/callback")), 400, "state_invalid")
        refused(visitor.http.post("/connect/alipay/pc/token", json=query(for_us)), 400, "state_invalid")


@pytest.mark.parametrize(("provider", "call"), [("alipay", PROFILE), ("wechat", "userinfo")])
def test_profile_of_somebody_else_is_refused(shop: RunningShop, visitor: Visitor, provider: str, call: str) -> None:
    """A profile that names another person than the token ends the login."""
    shop.sandboxes[provider].faults.add("swapped_id", on=call)
    with nothing_written(shop):
        refused(visitor.http.get(come_back(visitor, provider, person="c10")), 502, "provider_bad_response")


@pytest.mark.parametrize(
    "value",
    ['expires_in="soon"', "expires_in=-1", "expires_in=99999999999999999999", "expires_in=null", 'token_type="bEaReR"'],
)
def test_numbers_nobody_needs_do_not_matter(shop: RunningShop, visitor: Visitor, value: str) -> None:
    """Odd life times and token types beside a good token do no harm."""
    shop.sandboxes["alipay"].faults.add("field", value, on=TOKEN)
    assert visitor.http.get(come_back(visitor)).status_code == 303


@pytest.mark.parametrize(
    "value", ["access_token=null", 'access_token=""', "access_token=1", "user_id=true", 'user_id=" "']
)
def test_success_without_its_contents_is_refused(shop: RunningShop, visitor: Visitor, value: str) -> None:
    """A signed success without a usable token or id is none."""
    shop.sandboxes["alipay"].faults.add("field", value, on=TOKEN)
    with nothing_written(shop):
        refused(visitor.http.get(come_back(visitor)), 502, "provider_bad_response")


@pytest.mark.parametrize(
    ("errcode", "status", "code"), [("40029", 400, "code_invalid"), ("40125", 502, "provider_config")]
)
def test_error_inside_200_is_an_error(
    shop: RunningShop, visitor: Visitor, errcode: str, status: int, code: str
) -> None:
    """WeChat's errors come with HTTP 200 and are errors all the same."""
    shop.sandboxes["wechat"].faults.add("error", errcode, on="token")
    with nothing_written(shop):
        refused(visitor.http.get(come_back(visitor, "wechat")), status, code)


def test_answers_hold_what_they_should_and_no_more(shop: RunningShop, visitor: Visitor) -> None:
    """Neither a vendor's token or id nor the member's row goes to a client."""
    answers = [
        visitor.http.post(MINI_TOKEN, json=visitor.client_parameters("alipay", "mini")),
        visitor.http.post("/connect/alipay/app/token", json=visitor.client_parameters("alipay", "app")),
        visitor.http.post(
            "/connect/wechat/h5/token", json=query(come_back(visitor, "wechat", "h5", redirect_uri=f"{shop.url}/done"))
        ),
    ]
    assert [set(answer.json()) for answer in answers] == [TOKEN_ANSWER] * 3
    ids = {row["value"] for row in shop.rows("es_connect_alias")}
    assert not [value for value in ids for answer in answers if value in answer.text]


def test_vendor_is_asked_for_no_more_than_needed(visitor: Visitor) -> None:
    """The login URL asks for the one scope, and holds no secret and no signature."""
    scopes = {
        ("alipay", "pc"): "auth_user",
        ("alipay", "h5"): "auth_user",
        ("wechat", "pc"): "snsapi_login",
        ("wechat", "h5"): "snsapi_userinfo",
    }
    for (provider, client), scope in scopes.items():
        told = query_of(visitor.begin(provider, client))
        assert told["scope"] == scope
        assert not {"secret", "app_secret", "sign", "private_key"} & told.keys()


@pytest.mark.parametrize(("issued_for", "door"), [(ClientType.MINI, "pc"), (ClientType.PC, "mini")])
def test_code_of_another_app_is_refused(shop: RunningShop, visitor: Visitor, issued_for: ClientType, door: str) -> None:
    """A mini program's code at the web login, or the reverse: the door decides the app, the vendor refuses the code."""
    code = shop.sandboxes["alipay"].code_for(issued_for, "lihua")
    with nothing_written(shop):
        if door == "pc":
            answer = visitor.http.get(changed(come_back(visitor), auth_code=code))
        else:
            answer = visitor.http.post(MINI_TOKEN, json={"code": code, "app_id": "2021000117650002"})
        refused(answer, 400, "code_invalid")


def test_client_does_not_choose_the_app(shop: RunningShop, visitor: Visitor) -> None:
    """A response that names another app id is refused before the vendor is asked."""
    with untouched(shop):
        refused(visitor.http.get(changed(come_back(visitor), app_id="2021000117650002")), 400, "bad_request")


@contextmanager
def without(running_shop: RunningShop, table: str) -> Iterator[None]:
    """Let a table be missing, so that reading fails too."""
    execute(running_shop.database_url, f"ALTER TABLE {table} RENAME TO hidden")
    yield
    execute(running_shop.database_url, f"ALTER TABLE hidden RENAME TO {table}")


def unavailable(answer: httpx.Response) -> None:
    """Fail unless the client is told to come back within two seconds."""
    refused(answer, 503, "unavailable")
    assert 1 <= int(answer.headers["retry-after"]) <= 2


@pytest.mark.parametrize(
    "outage",
    [
        lambda running_shop: locked(running_shop.database_url),
        lambda running_shop: without(running_shop, "es_connect_used_flow"),
    ],
    ids=["locked", "broken"],
)
def test_code_survives_a_database_that_is_down(
    outage: Callable[[RunningShop], AbstractContextManager[None]],
) -> None:
    """Without its database the callback is 503, the vendor is not asked, and the same address works afterwards."""
    with run_shop() as running_shop, Visitor(running_shop) as visitor:
        callback = come_back(visitor)
        with outage(running_shop):
            assert visitor.http.get("/connect/alipay/pc/login").status_code == 303
            unavailable(visitor.http.get(callback))
        assert count_code_calls(running_shop) == 0
        answer = visitor.http.get(callback)
        assert (answer.status_code, [*set_cookies(answer)]) == (303, ["connect_session", "connect_last_used"])
        assert count_code_calls(running_shop) == 1


def test_every_door_is_503_without_its_table() -> None:
    """Each route that needs the database says so, and asks no vendor."""
    with run_shop() as running_shop, Visitor(running_shop) as visitor:
        tokens = visitor.http.post(MINI_TOKEN, json=visitor.client_parameters("alipay", "mini")).json()
        for_page = query(come_back(visitor, redirect_uri=f"{running_shop.url}/done"))
        mini = visitor.client_parameters("alipay", "mini")
        app = visitor.client_parameters("alipay", "app")
        with without(running_shop, "es_connect_used_flow"):
            page = visitor.http.get(come_back(visitor), headers={"accept": "text/html"})
            assert (page.status_code, page.headers["retry-after"]) == (503, "2")
            unavailable(visitor.http.post("/connect/alipay/pc/token", json=for_page))
            unavailable(visitor.http.post(MINI_TOKEN, json=mini))
            unavailable(visitor.http.post("/connect/alipay/app/token", json=app))
            legacy_refused(visitor.http.post(f"/login/{mini['authCode']}"), 503, "E131")
        assert count_code_calls(running_shop) == 1
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        with without(running_shop, "es_member_session"):
            unavailable(visitor.http.get("/connect/me", headers=bearer))
            unavailable(visitor.http.post("/connect/token/refresh", json={"refresh_token": tokens["refresh_token"]}))
            unavailable(visitor.http.post("/connect/logout", headers=bearer))
        with without(running_shop, "es_member"):
            assert visitor.http.get("/readyz").json()["check"] == "schema"
        assert visitor.http.get("/connect/me", headers=bearer).status_code == 200
        for path, body in (("pc", for_page), ("mini", mini), ("app", app)):
            assert visitor.http.post(f"/connect/alipay/{path}/token", json=body).status_code == 200


def test_database_lost_after_the_exchange_leaves_nothing() -> None:
    """When the login cannot be written, it is 503 with nothing half done, and the next login works."""
    with run_shop() as running_shop, Visitor(running_shop) as visitor:
        with without(running_shop, "es_member_session"):
            before = [running_shop.rows(table) for table in ("es_member", "es_connect", "es_connect_event")]
            unavailable(visitor.http.get(come_back(visitor)))
            assert [running_shop.rows(table) for table in ("es_member", "es_connect", "es_connect_event")] == before
        assert count_code_calls(running_shop) == 1
        assert visitor.http.get(come_back(visitor)).status_code == 303
