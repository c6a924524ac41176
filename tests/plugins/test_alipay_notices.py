"""Alipay's message that a person withdrew the consent, over HTTP."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connect_alipay.sandbox import APP_ID, AlipayOptions, AlipaySandbox
from connect_alipay.sandbox_keys import get_key
from connect_alipay.sandbox_notices import make_message
from connect_alipay.signature import get_signed_text, sign
from connect_core.harness import RunningShop, Visitor, run_shop
from connect_core.identity import ClientType, IdKind
from connect_core.plugin import NoticeKind, NoticeRequest, encode_form

Stage = tuple[RunningShop, AlipaySandbox, Visitor]


def run_stage(options: AlipayOptions) -> Iterator[Stage]:
    """Run a shop with somebody who has logged in."""
    sandbox = AlipaySandbox(options)
    with run_shop({"alipay": sandbox}) as shop, Visitor(shop) as visitor:
        assert visitor.log_in("alipay", "pc").status_code == 303
        yield shop, sandbox, visitor


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Public-key mode, every kind of id."""
    yield from run_stage(AlipayOptions())


def tell(shop: RunningShop, notice: NoticeRequest | None, content: bytes = b"") -> httpx.Response:
    """Send a message as Alipay's server does."""
    assert notice is not None
    url, headers = f"{shop.url}/connect/alipay/notify", dict(notice.headers)
    return httpx.post(url, headers=headers, content=content or notice.content, trust_env=False)


def is_in(visitor: Visitor) -> bool:
    """Whether the visitor is logged in."""
    return visitor.http.get("/connect/me").status_code == 200


def make(sandbox: AlipaySandbox, role: str = "alipay", **parameters: str) -> NoticeRequest:
    """Return the message about Li Hua; `parameters` replace those of a right one."""
    return make_message(APP_ID, {"user_id": sandbox.user_id("lihua")}, sandbox.now(), role, **parameters)


@pytest.mark.parametrize(
    "options",
    [
        AlipayOptions(),
        AlipayOptions(mode="certificate"),
        AlipayOptions(protocol="v3"),
        AlipayOptions(id_kinds=(IdKind.OPEN_ID,)),
    ],
    ids=["key", "certificate", "v3", "open_id"],
)
def test_withdrawn_consent(options: AlipayOptions) -> None:
    """In every mode, with either id, and of the mini program's own app id as well."""
    for shop, sandbox, visitor in run_stage(options):
        answer = tell(shop, sandbox.make_notice(ClientType.PC, "lihua", NoticeKind.CONSENT_WITHDRAWN))
        assert (answer.status_code, answer.text) == (200, "success")
        assert not is_in(visitor)
        assert shop.rows("es_connect")[0]["profile"] == "{}"
        login = visitor.log_in("alipay", "mini")
        assert visitor.who(login)
        mini = sandbox.make_notice(ClientType.MINI, "lihua", NoticeKind.CONSENT_WITHDRAWN)
        assert (tell(shop, mini).text, visitor.who(login)) == ("success", None)


def test_once(stage: Stage) -> None:
    """Alipay sends a message again until it reads `success`: a repetition is answered, and ends no later login."""
    shop, sandbox, visitor = stage
    notice = make(sandbox)
    assert tell(shop, notice).text == "success"
    assert visitor.log_in("alipay", "pc").status_code == 303
    assert tell(shop, notice).text == "success"
    assert is_in(visitor)


def test_stranger_and_other_messages(stage: Stage) -> None:
    """Answered, and nobody's login ends."""
    shop, sandbox, visitor = stage
    nobody = sandbox.make_notice(ClientType.PC, "nobody", NoticeKind.CONSENT_WITHDRAWN)
    other = make(sandbox, msg_method="alipay.open.auth.appauth.cancelled")
    assert [tell(shop, notice).text for notice in (nobody, other)] == ["success", "success"]
    assert is_in(visitor)


def test_forged_and_wrong_messages(stage: Stage) -> None:
    """Without Alipay's signature 403; another app's, a stale or a malformed one 400."""
    shop, sandbox, visitor = stage
    right = make(sandbox)
    forged: list[Any] = [make(sandbox, "stranger"), make(sandbox, "app")]
    contents = [
        right.content.replace(b"sign=", b"sing="),
        right.content.replace(b"RSA2", b"RSA"),
        right.content.replace(b"cancel_time", b"cancel_date"),
        b"a=b",
    ]
    answers = [tell(shop, notice) for notice in forged] + [tell(shop, right, content) for content in contents]
    assert [answer.status_code for answer in answers] == [403] * 6
    now = int(sandbox.now() * 1000)
    wrong = {
        "another app": make(sandbox, app_id="2021000117659999"),
        "another app's person": make(sandbox, biz_content='{"user_id":"2088","app_id":"2021000117659999"}'),
        "stale": make(sandbox, utc_timestamp=str(now - 100_000_000)),
        "to come": make(sandbox, utc_timestamp=str(now + 700_000)),
        "undated": make(sandbox, utc_timestamp=""),
        "unnamed": make(sandbox, notify_id=""),
        "nobody": make(sandbox, biz_content="{}"),
        "no JSON": make(sandbox, biz_content="<xml/>"),
        "charset": make(sandbox, charset="utf-7"),
    }
    for name, notice in wrong.items():
        assert (name, tell(shop, notice).status_code) == (name, 400)
    assert tell(shop, right, right.content + b"&app_id=2021000117650001").status_code == 400
    assert is_in(visitor)


@pytest.mark.parametrize("charset", ["UTF-8", "GBK"])
def test_type_among_what_is_signed(stage: Stage, charset: str) -> None:
    """Some messages of Alipay have their `sign_type` signed, and older apps get them in GBK."""
    shop, sandbox, visitor = stage
    form = {
        "app_id": APP_ID,
        "biz_content": f'{{"user_id":"{sandbox.user_id("lihua")}","memo":"取消"}}',
        "charset": charset,
        "msg_method": "alipay.open.auth.userauth.cancelled",
        "notify_id": "1",
        "sign_type": "RSA2",
        "utc_timestamp": str(int(sandbox.now() * 1000)),
    }
    form["sign"] = sign(get_key("alipay"), get_signed_text(form).encode(charset))
    assert tell(shop, make(sandbox), encode_form(form, charset.lower())).text == "success"
    assert not is_in(visitor)
