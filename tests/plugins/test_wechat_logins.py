"""Whole WeChat logins in a running shop: who is one member, and what a stolen or repeated thing is worth."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connect_core.identity import ClientType
from connect_core.testing import RunningShop, Visitor, run_shop
from connect_wechat.sandbox import APPS, WechatSandbox

TOKEN = "/connect/wechat/{}/token"
CLIENTS = list(ClientType)


@pytest.fixture
def shop() -> Iterator[RunningShop]:
    """A shop with WeChat alone, and no fault that met nobody."""
    with run_shop({"wechat": WechatSandbox()}) as shop:
        yield shop
        assert shop.sandboxes["wechat"].faults.unused == 0


def sandbox_of(shop: RunningShop) -> WechatSandbox:
    """The sandbox of the shop."""
    sandbox = shop.sandboxes["wechat"]
    assert isinstance(sandbox, WechatSandbox)
    return sandbox


def member_of(shop: RunningShop, client: str, person: str = "lihua") -> int:
    """Log in, and return who that is."""
    with Visitor(shop) as visitor:
        login = visitor.log_in("wechat", client, person)
        who = visitor.who(login)
    assert who is not None, login.text
    return int(who["uid"])


def hand_in(shop: RunningShop, client: str, body: dict[str, str]) -> httpx.Response:
    """Post what a client hands in."""
    with Visitor(shop) as visitor:
        return visitor.http.post(TOKEN.format(client), json=body)


def mobile_of(shop: RunningShop) -> list[Any]:
    """The numbers of all members, in order."""
    return [row["mobile"] for row in shop.rows("es_member")]


def test_four_client_types_are_one_member(shop: RunningShop) -> None:
    """Four app ids, four openids, one unionid."""
    assert len({member_of(shop, client) for client in CLIENTS}) == 1
    assert len(shop.rows("es_connect")) == 1
    kinds = sorted((row["kind"], row["scope"]) for row in shop.rows("es_connect_alias"))
    assert len(kinds) == 5
    assert [kind for kind, _ in kinds] == ["open_id"] * 4 + ["union_id"]


def test_without_a_unionid_each_app_has_its_own_member() -> None:
    """Nothing else tells that it is one person, and nothing is guessed."""
    with run_shop({"wechat": WechatSandbox(bound=False)}) as shop:
        assert len({member_of(shop, client) for client in CLIENTS}) == 4


def test_unionid_that_appears_later_promotes_the_person(shop: RunningShop) -> None:
    """The app is bound to an open-platform account one day: the same member, now known everywhere."""
    sandbox_of(shop).faults.add("no_union_id", on="jscode2session")
    first = member_of(shop, "mini")
    assert shop.rows("es_connect")[0]["union_scope"] != ""
    assert member_of(shop, "mini") == first
    [row] = shop.rows("es_connect")
    assert (row["union_id"], row["union_scope"]) == (sandbox_of(shop).union_id("lihua"), "")
    assert member_of(shop, "pc") == first


def test_client_cannot_say_who_it_is(shop: RunningShop) -> None:
    """Ids handed in beside the code are nobody's; the name is shown and no more."""
    victim = member_of(shop, "mini", "lihua")
    union_id = sandbox_of(shop).union_id("lihua")
    claims = {"unionid": union_id, "openid": union_id, "uid": str(victim), "nickname": "李华"}
    body = sandbox_of(shop).client_parameters(ClientType.MINI, "maria") | claims
    assert hand_in(shop, "mini", body).json()["uid"] != victim


def test_session_key_is_told_to_nobody(shop: RunningShop, caplog: pytest.LogCaptureFixture) -> None:
    """No answer, cookie, log line at DEBUG or table holds it."""
    caplog.set_level(logging.DEBUG)
    body = sandbox_of(shop).client_parameters(ClientType.MINI, "lihua")
    key = sandbox_of(shop).mini._session_keys["lihua"]
    answer = hand_in(shop, "mini", body)
    assert key not in f"{answer.text}{answer.headers}"
    assert not [record for record in caplog.records if key in repr(vars(record)) + record.getMessage()]
    database = Path(shop.database_url.removeprefix("sqlite:///"))
    assert key.encode() not in database.read_bytes()
    wal = database.with_name(database.name + "-wal")
    assert not wal.exists() or key.encode() not in wal.read_bytes()


@pytest.mark.parametrize("way", [("phone_code",), ("encryptedData", "iv")])
def test_phone_number_is_taken_once(shop: RunningShop, way: tuple[str, ...]) -> None:
    """It goes to the member who brought it; whoever brings the same again gets nothing of it."""
    sandbox = sandbox_of(shop)
    body = sandbox.client_parameters(ClientType.MINI, "lihua")
    pressed = sandbox.mini.press_phone_button(sandbox.people["lihua"])
    number = {name: pressed[name] for name in way}
    assert hand_in(shop, "mini", body | number).status_code == 200
    assert mobile_of(shop) == ["13800000001"]
    again = hand_in(shop, "mini", sandbox.client_parameters(ClientType.MINI, "maria") | number)
    assert again.status_code == 200
    assert mobile_of(shop) == ["13800000001", ""]


def test_same_cipher_text_is_taken_once(shop: RunningShop, caplog: pytest.LogCaptureFixture) -> None:
    """While the session key lives it would open again: the login stands, and the log says that it was seen."""
    caplog.set_level(logging.INFO, "connect_login")
    sandbox = sandbox_of(shop)
    first = sandbox.client_parameters(ClientType.MINI, "lihua")
    pressed = sandbox.mini.press_phone_button(sandbox.people["lihua"])
    key = sandbox.mini._session_keys["lihua"]
    second = {
        "code": sandbox._tokens.issue_code("js_code", APPS[ClientType.MINI], sandbox.people["lihua"], session_key=key)
    }
    number = {name: pressed[name] for name in ("encryptedData", "iv")}
    assert hand_in(shop, "mini", first | number).status_code == 200
    assert hand_in(shop, "mini", second | number).status_code == 200
    refused = [vars(record)["code"] for record in caplog.records if record.message == "phone_refused"]
    assert refused == ["code_seen"]


def test_stale_session_key_costs_the_number_alone(shop: RunningShop) -> None:
    """A second `wx.login` between the button and the login changes the key: nothing opens, and the login stands."""
    sandbox = sandbox_of(shop)
    person = sandbox.people["lihua"]
    body = sandbox.client_parameters(ClientType.MINI, "lihua")
    sandbox.mini.wx_login(person)
    pressed = sandbox.mini.press_phone_button(person)
    answer = hand_in(shop, "mini", body | {name: pressed[name] for name in ("encryptedData", "iv")})
    assert answer.status_code == 200
    assert mobile_of(shop) == [""]


def test_revoked_app_token_does_not_cost_the_login(shop: RunningShop) -> None:
    """WeChat calls the kept token dead: one new token, and the number is told."""
    sandbox = sandbox_of(shop)
    for person in ("lihua", "wangfang"):
        body = sandbox.client_parameters(ClientType.MINI, person)
        code = sandbox.mini.press_phone_button(sandbox.people[person])["phone_code"]
        assert hand_in(shop, "mini", body | {"phone_code": code}).status_code == 200
        sandbox.mini.revoke_app_tokens()
    assert (sandbox.called("stable_token"), sandbox.called("getuserphonenumber")) == (2, 3)


def test_app_login_needs_the_state_its_sdk_gave_back(shop: RunningShop) -> None:
    """A code slipped into the app comes with no state, or with that of another login: it logs nobody in."""
    with Visitor(shop) as victim, Visitor(shop) as attacker:
        parameters, slipped = (visitor.client_parameters("wechat", "app") for visitor in (victim, attacker))
        for body, code in (
            (parameters | {"code": slipped["code"], "state": slipped["state"]}, "state_invalid"),
            (parameters | {"state": "x" * 32}, "state_invalid"),
            ({key: parameters[key] for key in ("code", "state")}, "state_missing"),
        ):
            answer = victim.http.post(TOKEN.format("app"), json=body)
            assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert sandbox_of(shop).called("token") == 0
    with Visitor(shop) as careless:
        body = careless.client_parameters("wechat", "app")
        answer = careless.http.post(TOKEN.format("app"), json={key: body[key] for key in ("code", "ticket")})
    assert answer.json()["code"] == "bad_request"
    assert sandbox_of(shop).called("token") == 0


@pytest.mark.parametrize("client", ["pc", "h5", "app"])
def test_snapshot_person_is_refused(shop: RunningShop, client: str) -> None:
    """Made up by WeChat for a preview; nothing is written."""
    sandbox_of(shop).faults.add("snapshot", on="token")
    with Visitor(shop) as visitor:
        assert visitor.log_in("wechat", client).json()["code"] == "provider_denied"
    assert shop.rows("es_member") == []


@pytest.mark.parametrize(("language", "words"), [("zh", "请点屏幕下方的“使用完整服务”"), ("en", "only a snapshot")])
def test_snapshot_page_says_how_to_leave_it(shop: RunningShop, language: str, words: str) -> None:
    """Nobody cancelled anything: the page names the button that WeChat shows below it."""
    sandbox_of(shop).faults.add("snapshot", on="token")
    with Visitor(shop) as visitor:
        callback = visitor.consent(visitor.begin("wechat", "h5"))
        page = visitor.http.get(callback, headers={"accept": "text/html", "accept-language": language})
    assert page.status_code == 400
    assert words in page.text
    assert "取消" not in page.text
