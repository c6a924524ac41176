"""Phone numbers that a client posts: no login fails for one, and one that counts reaches the member at every route."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from connect_alipay.sandbox import AlipayOptions, AlipaySandbox
from connect_core.harness import RunningShop, Visitor
from connect_core.identity import ClientType
from connect_core.providers.registry import Plugins
from connect_core.sandbox import Person, Sandbox
from connect_douyin.sandbox import DouyinSandbox
from connect_huawei.sandbox import HuaweiSandbox
from connect_wechat.sandbox import WechatSandbox

from ...kit.databases import run_shop
from ...kit.first_logins import PASSWORD, choosing
from ...kit.hook_shops import Directory
from ...kit.merges import Planner
from ...kit.web_shops import bearer

NUMBER, OTHER = "13800000001", "13900000002"
MINI = ClientType.MINI
PEOPLE = (Person("lihua", "李华", mobile=NUMBER), Person("maria", "Maria", mobile=OTHER))


def sandboxes() -> dict[str, Sandbox]:
    """The vendors with a phone button, each with a way of its own to hand its number in."""
    return {
        "alipay": AlipaySandbox(AlipayOptions(aes=True), people=PEOPLE),
        "wechat": WechatSandbox(people=PEOPLE),
        "huawei": HuaweiSandbox(people=PEOPLE),
        "douyin": DouyinSandbox(people=PEOPLE),
    }


VENDORS = list(sandboxes())
each_vendor = pytest.mark.parametrize("name", VENDORS)


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop with those vendors."""
    with run_shop(sandboxes()) as running_shop:
        yield running_shop


def with_number(visitor: Visitor, name: str, person: str = "lihua") -> dict[str, str]:
    """What a mini program posts after the phone button."""
    body = visitor.client_parameters(name, MINI, person)
    return body | visitor.shop.sandboxes[name].phone_parameters(MINI, person)


def post(visitor: Visitor, path: str, body: dict[str, Any], token: dict[str, str] | None = None) -> Any:
    """Post what a mini program hands in; half a surrogate pair and the like go as JSON spells them."""
    answer = visitor.http.post(f"/connect/{path}", content=json.dumps(body), headers=token or {})
    assert answer.status_code == 200, answer.text
    return answer


def mobiles(shop: RunningShop) -> list[str]:
    """The numbers of all members."""
    return [row["mobile"] or "" for row in shop.rows("es_member")]


UNUSABLE = {
    "junk": "junk",
    "a truth value": True,
    "a fraction": 1.5,
    "an object": {"a": [1]},
    "controls": "a\u0000b",
    "half of a pair": "\ud800",
    "no ASCII": "码",
    "long": "x" * 20_000,
    "nothing Alipay would sign": json.dumps({"response": "abc", "sign": "c2ln"}),
    "a failure nobody signed": json.dumps({"response": '{"code":"40003"}'}),
}


@each_vendor
@pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE)
def test_what_is_no_number_costs_no_login(
    shop: RunningShop, visitor: Visitor, name: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Under every name at every vendor: the person is logged in, without a number, and no operator is called."""
    caplog.set_level(logging.INFO, "connect_login")
    names = ("phone_code", "phone", "phoneNumber", "encryptedData", "iv", "rawData")
    answer = post(visitor, f"{name}/mini/token", dict.fromkeys(names, value) | visitor.client_parameters(name, MINI))
    assert visitor.http.get("/connect/me", headers=bearer(answer)).json()["connections"] == [name.upper()]
    assert not any(mobiles(shop))
    warnings = {record.message for record in caplog.records if record.levelno > logging.INFO}
    assert not warnings & {"login_refused", "phone_refused", "profile_refused"}


@each_vendor
def test_a_spent_proof_costs_no_login(visitor: Visitor, name: str) -> None:
    """The answer was lost: the client posts the same number with a new code."""
    body = with_number(visitor, name, "maria")
    for _ in range(2):
        post(visitor, f"{name}/mini/token", body)
        body |= visitor.client_parameters(name, MINI, "maria")


@pytest.fixture
def own_shop() -> Iterator[RunningShop]:
    """A shop for one test."""
    with run_shop(sandboxes()) as running_shop:
        yield running_shop


@each_vendor
@pytest.mark.parametrize("route", ["token", "bind", "confirm"])
def test_every_route_gives_the_member_the_number(own_shop: RunningShop, name: str, route: str) -> None:
    """Where the person logs in, links the vendor, or confirms who they are; a number that is there stays."""
    first = name if route == "confirm" else "wechat" if name != "wechat" else "alipay"
    with Visitor(own_shop) as visitor:
        token = None if route == "token" else bearer(visitor.log_in(first, "mini"))
        answer = post(visitor, f"{name}/mini/{route}", with_number(visitor, name), token)
        assert mobiles(own_shop) == [NUMBER]
        own_shop.sandboxes[name].people["lihua"] = Person("lihua", "李华", mobile=OTHER)
        token = token if route == "bind" else bearer(answer)
        post(visitor, f"{name}/mini/confirm", with_number(visitor, name), token)
    assert mobiles(own_shop) == [NUMBER]


def test_the_number_of_a_second_account_is_not_asked_for() -> None:
    """Whoever proves an account before a merge pays for no number: it would be the other member's."""
    plugins = Plugins([("planner", Planner())])
    with run_shop(sandboxes(), plugins=plugins) as own_shop, Visitor(own_shop) as visitor:
        post(visitor, "wechat/mini/token", visitor.client_parameters("wechat", MINI, "maria"))
        token = bearer(visitor.log_in("alipay", "mini"))
        assert (
            "merge_ticket" in post(visitor, "wechat/mini/merge", with_number(visitor, "wechat", "maria"), token).json()
        )
        assert own_shop.sandboxes["wechat"].called("getuserphonenumber") == 0
        assert mobiles(own_shop) == ["", ""]


@pytest.mark.parametrize(("name", "proof"), [*((name, "code") for name in VENDORS), ("alipay", "password")])
def test_a_newcomer_who_joins_an_account_brings_the_number(name: str, proof: str) -> None:
    """It came with the login that waited for the choice, however the older account is proved."""
    older = "wechat" if name != "wechat" else "alipay"
    with run_shop(sandboxes(), change=choosing) as shop, Visitor(shop) as visitor:
        ticket = post(visitor, f"{older}/mini/token", visitor.client_parameters(older, MINI, "maria")).json()
        decision = {"ticket": ticket["choice_ticket"], "decision": "register"}
        token = bearer(post(visitor, "first-login", decision))
        waiting = post(visitor, f"{name}/mini/token", with_number(visitor, name)).json()["choice_ticket"]
        if proof == "password":
            visitor.http.post("/connect/account/password", json={"password": PASSWORD}, headers=token)
            uname = visitor.http.get("/connect/me", headers=token).json()["uname"]
            joining = {"ticket": waiting, "decision": "join", "username": uname, "password": PASSWORD}
            post(visitor, "first-login", joining)
        else:
            body = visitor.client_parameters(older, MINI, "maria") | {"choice_ticket": waiting}
            post(visitor, f"{older}/mini/join", body)
        assert mobiles(shop) == [NUMBER]


def test_a_directory_is_told_the_number_of_a_member_who_links() -> None:
    """Members who live elsewhere, too; a directory that fails then undoes no link."""
    directory = Directory()
    options: dict[str, Any] = {"plugins": Plugins([("directory", directory)]), "are_members_elsewhere": True}
    with run_shop(sandboxes(), **options) as shop, Visitor(shop) as visitor:
        token = bearer(visitor.log_in("alipay", "mini"))
        post(visitor, "wechat/mini/bind", with_number(visitor, "wechat"), token)
        assert [profile.mobile for _, profile in directory.updates] == [NUMBER]
        directory.updates = None  # type: ignore[assignment]
        post(visitor, "douyin/mini/bind", with_number(visitor, "douyin"), token)
        assert sorted(visitor.http.get("/connect/me", headers=token).json()["connections"]) == [
            "ALIPAY",
            "DOUYIN",
            "WECHAT",
        ]
