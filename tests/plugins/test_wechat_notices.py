"""WeChat's message push about a person, over HTTP: its two formats, its encryption, and its check of the address."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from connect_core.errors import SettingsError
from connect_core.harness import RunningShop, Visitor, run_shop
from connect_core.identity import ClientType
from connect_core.plugin import NoticeKind, NoticeRequest
from connect_wechat.notices import PushKeys, read_push
from connect_wechat.sandbox import WechatSandbox
from connect_wechat.sandbox_notices import make_check, make_push, write_message
from connect_wechat.sandbox_tokens import APPS

Stage = tuple[RunningShop, WechatSandbox, Visitor]
PC = ClientType.PC
APP_ID = APPS[PC].app_id
REVOKED, CLOSED = "user_authorization_revoke", "user_authorization_cancellation"


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A shop with somebody who has logged in."""
    sandbox = WechatSandbox()
    with run_shop({"wechat": sandbox}) as shop, Visitor(shop) as visitor:
        assert visitor.log_in("wechat", "pc").status_code == 303
        yield shop, sandbox, visitor


def tell(shop: RunningShop, push: NoticeRequest | None) -> httpx.Response:
    """Send a push as WeChat's server does."""
    assert push is not None
    url, query = f"{shop.url}/connect/wechat/notify", dict(push.parameters)
    headers = dict(push.headers)
    return httpx.request(push.method, url, params=query, headers=headers, content=push.content, trust_env=False)


def is_in(visitor: Visitor) -> bool:
    """Whether the visitor is logged in."""
    return visitor.http.get("/connect/me").status_code == 200


@pytest.mark.parametrize("as_xml", [False, True], ids=["JSON", "XML"])
@pytest.mark.parametrize(("event", "info"), [(REVOKED, {"RevokeInfo": "301"}), (REVOKED, {}), (CLOSED, {})])
def test_withdrawn_consent_and_closed_account(stage: Stage, event: str, info: dict[str, str], *, as_xml: bool) -> None:
    """The login ends, and the profile goes; the connection stays, because nothing else leads to the member."""
    shop, sandbox, visitor = stage
    answer = tell(shop, sandbox.push(PC, "lihua", event, as_xml=as_xml, **info))
    assert (answer.status_code, answer.text) == (200, "success")
    assert not is_in(visitor)
    [row] = shop.rows("es_connect")
    assert (row["profile"], row["unbound_time"]) == ("{}", None)


@pytest.mark.parametrize("client", ["h5", "app", "mini"])
def test_every_registration(stage: Stage, client: str) -> None:
    """Each has its own app id, for which its pushes are."""
    shop, sandbox, _ = stage
    with Visitor(shop) as visitor:
        login = visitor.log_in("wechat", client, "wangfang")
        assert visitor.who(login)
        push = sandbox.make_notice(ClientType(client), "wangfang", NoticeKind.CONSENT_WITHDRAWN)
        assert tell(shop, push).text == "success"
        assert visitor.who(login) is None


def test_once(stage: Stage) -> None:
    """WeChat sends a push up to four times, encrypted anew: it is taken once."""
    shop, sandbox, visitor = stage
    now = int(sandbox.now())
    sandbox.now = lambda: now
    assert tell(shop, sandbox.push(PC, "lihua", CLOSED)).text == "success"
    assert visitor.log_in("wechat", "pc").status_code == 303
    assert tell(shop, sandbox.push(PC, "lihua", CLOSED)).text == "success"
    assert is_in(visitor)
    assert tell(shop, sandbox.push(PC, "lihua", CLOSED, CreateTime=str(now + 1))).text == "success"
    assert not is_in(visitor)


@pytest.mark.parametrize(
    ("event", "info"),
    [(REVOKED, {"RevokeInfo": "2"}), (REVOKED, {"RevokeInfo": "13"}), ("user_info_modified", {}), ("subscribe", {})],
)
def test_pushes_that_concern_no_login(stage: Stage, event: str, info: dict[str, str]) -> None:
    """An address or a place that is withdrawn, and whatever else WeChat pushes, is answered and nothing more."""
    shop, sandbox, visitor = stage
    assert tell(shop, sandbox.push(PC, "lihua", event, as_xml=False, **info)).text == "success"
    assert tell(shop, sandbox.push(PC, "nobody", CLOSED)).text == "success"
    assert is_in(visitor)


def test_check_of_the_address(stage: Stage) -> None:
    """A signed GET is answered with its text, any other with 403."""
    shop, sandbox, _ = stage
    check = make_check(sandbox.now(), "4375120948345356249")
    answer = tell(shop, check)
    assert (answer.status_code, answer.text) == (200, "4375120948345356249")
    assert answer.headers["content-type"].startswith("text/plain")
    assert tell(shop, replace(check, parameters={**check.parameters, "nonce": "1"})).status_code == 403
    assert tell(shop, replace(check, parameters={})).status_code == 403
    assert tell(shop, make_check(1, "1")).status_code == 400


def test_forged_and_wrong_pushes(stage: Stage) -> None:
    """Plain pushes and altered ones are 403, stale, foreign and malformed ones 400."""
    shop, sandbox, visitor = stage
    right = sandbox.push(PC, "lihua", CLOSED)
    event = {"Event": CLOSED, "OpenID": sandbox.open_id("lihua", APP_ID)}
    plain = write_message(event, as_xml=False).encode()
    forged = {
        "plain": replace(right, content=plain),
        "plain XML": replace(right, content=write_message(event, as_xml=True).encode()),
        "altered": replace(right, content=right.content.replace(b"Encrypt", b"encrypt")),
        "another time": replace(right, parameters={**right.parameters, "timestamp": "1"}),
        "signature of a plain push": replace(
            right, parameters={**right.parameters, "msg_signature": right.parameters["signature"]}
        ),
        "unsigned": replace(right, parameters={}),
    }
    for name, push in forged.items():
        assert (name, tell(shop, push).status_code) == (name, 403)
    now = sandbox.now()
    wrong = {
        "stale": make_push(APP_ID, event, now - 100_000),
        "to come": make_push(APP_ID, event, now + 700),
        "another app": make_push("wx0000000000000000", event, now),
        "another app's person": make_push(APP_ID, {**event, "AppID": "wx0000000000000000"}, now),
        "another key": make_push(APP_ID, event, now, aes_key="A" * 43),
        "nobody": make_push(APP_ID, {"Event": CLOSED}, now),
        "list": replace(right, content=b"[]"),
        "entity": replace(right, content=b'<!DOCTYPE x [<!ENTITY e "x">]><xml><Encrypt>&e;</Encrypt></xml>'),
        "nested XML": replace(right, content=b"<xml><Encrypt><a>1</a></Encrypt></xml>"),
        "repeated element": replace(right, content=b"<xml><Encrypt>1</Encrypt><Encrypt>1</Encrypt></xml>"),
    }
    for name, push in wrong.items():
        assert (name, tell(shop, push).status_code) == (name, 400)
    assert is_in(visitor)


def test_shop_without_the_keys() -> None:
    """Nothing can be checked, so nothing is believed."""
    sandbox = WechatSandbox()

    def without_keys(raw: dict[str, Any]) -> None:
        for settings in (raw["providers"]["wechat"], *raw["providers"]["wechat"].values()):
            if isinstance(settings, dict):
                settings.pop("notice_token", None)
                settings.pop("notice_aes_key", None)

    with run_shop({"wechat": sandbox}, change=without_keys) as shop:
        assert tell(shop, sandbox.push(PC, "lihua", CLOSED)).status_code == 403
        assert tell(shop, make_check(sandbox.now(), "1")).status_code == 403


@pytest.mark.parametrize("key", ["", "A" * 42, "A" * 42 + "-", "A" * 44])
def test_key_that_is_none(key: str) -> None:
    """Start-up stops at a text that is no EncodingAESKey."""
    with pytest.raises(ValueError, match="43"):
        PushKeys.load(APP_ID, "token", key)


@pytest.mark.parametrize("wrong", [{"notice_aes_key": "short"}, {"notice_token": None}])
def test_wrong_settings_stop_the_start(wrong: dict[str, Any]) -> None:
    """A wrong key names its setting, and one key without the other is refused."""

    def change(raw: dict[str, Any]) -> None:
        raw["providers"]["wechat"]["pc"] = {**raw["providers"]["wechat"].get("pc", {}), **wrong}

    with pytest.raises(SettingsError, match="notice_"), run_shop({"wechat": WechatSandbox()}, change=change):
        pass


def test_example_of_wechat() -> None:
    """The signature of the documented example, whose token is AAAAA.

    https://developers.weixin.qq.com/miniprogram/dev/framework/server-ability/message-push.html
    """
    query = {
        "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696",
        "echostr": "4375120948345356249",
        "timestamp": "1714036504",
        "nonce": "1514711492",
    }
    keys = PushKeys.load(APP_ID, "AAAAA", "A" * 43)
    assert read_push(NoticeRequest("GET", query, {}, b""), keys, 1714036510).content == "4375120948345356249"
