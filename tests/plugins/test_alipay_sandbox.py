"""Alipay's sandbox, protocol V2, over real HTTP: what its gateway lets in, and what it answers."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from connect_alipay.sandbox_refusals import SUB_CODES
from connect_core.crypto import RsaPrivateKey
from connect_core.plugin import ClientType, IdKind

from ..kit.alipay_client import PERSON, TOKEN, Caller, Told, caller
from ..kit.clock import Clock

MINI = ClientType.MINI
TOKEN_NODE, PERSON_NODE = "alipay_system_oauth_token_response", "alipay_user_info_share_response"


@pytest.fixture(scope="module")
def app() -> Iterator[Caller]:
    """The website in key mode."""
    with caller() as made:
        yield made
        assert not made.sandbox.faults.unused


def test_a_code_becomes_tokens_and_ids(app: Caller) -> None:
    """The token answer stands under its own name, is signed, has no code or message, and names the person thrice."""
    answer = app.redeem()
    assert answer.node == TOKEN_NODE
    assert answer.is_signed()
    assert not {"code", "msg"} & set(answer.data)
    assert answer.data["user_id"] == app.sandbox.user_id("lihua")
    assert answer.data["open_id"] == app.sandbox.open_id("lihua", ClientType.PC)
    assert answer.data["union_id"] == app.sandbox.union_id("lihua")
    assert answer.data["alipay_user_id"] != answer.data["user_id"]
    assert (answer.data["expires_in"], answer.data["re_expires_in"]) == (15 * 86400, 30 * 86400)
    assert len(answer.response.headers["trace_id"]) == 32


def test_ids_have_alipays_forms(app: Caller) -> None:
    """`user_id` is 2088 and twelve digits, `open_id` 47 letters and digits that differ from app to app."""
    sandbox = app.sandbox
    for person in ("lihua", "wangfang", "somebody else"):
        assert sandbox.user_id(person).startswith("2088")
        assert (len(sandbox.user_id(person)), len(sandbox.open_id(person, MINI))) == (16, 47)
        assert sandbox.open_id(person, MINI).isalnum()
        assert sandbox.open_id(person, MINI) != sandbox.open_id(person, ClientType.APP)
        assert sandbox.open_id(person, ClientType.H5) == sandbox.open_id(person, ClientType.APP)


@pytest.mark.parametrize("kind", list(IdKind))
def test_the_ids_that_an_app_is_told_can_be_chosen(kind: IdKind) -> None:
    """Old apps get `user_id` alone, new ones no `user_id`; both calls agree."""
    with caller(id_kinds={kind}) as made:
        names = {"user_id", "open_id", "union_id"}
        token = made.redeem().data
        assert names & set(token) == {kind.value}
        person = made.ask_person(token["access_token"]).data
        assert names & set(person) == {kind.value}
        assert ("alipay_user_id" in token) is ("is_certified" in person) is (kind is IdKind.USER_ID)


def test_lives_can_come_as_texts() -> None:
    """Alipay documents `expires_in` as a text and sends a number; both can be had."""
    with caller(expiry_as_text=True) as made:
        assert made.redeem().data["expires_in"] == "1296000"


def test_the_profile_has_what_people_have(app: Caller) -> None:
    """Code 10000, raw non-ASCII text, and no member at all for what somebody never set."""
    token = app.redeem(app.sandbox.code_for(ClientType.PC, "wangfang")).data["access_token"]
    answer = app.ask_person(token)
    assert answer.node == PERSON_NODE
    assert answer.is_signed()
    assert (answer.data["code"], answer.data["msg"]) == ("10000", "Success")
    assert answer.data["nick_name"] == '王芳 {"🙂"}'
    assert "王芳" in answer.text
    assert (answer.data["gender"], answer.data["province"], answer.data["city"]) == ("f", "广东省", "深圳市")
    maria = app.ask_person(app.redeem(app.sandbox.code_for(ClientType.PC, "maria")).data["access_token"]).data
    assert not {"avatar", "gender", "city"} & set(maria)


def test_gbk_answers_are_signed_in_gbk() -> None:
    """The signature is over the bytes of the charset that was asked for."""
    with caller(charset="gbk") as made:
        answer = made.ask_person()
        assert answer.charset == "gbk"
        assert answer.response.content.decode("gbk").count("李华") == 1
        assert answer.is_signed()


@pytest.mark.parametrize("form_first", [True, False])
def test_query_and_form_are_one(app: Caller, *, form_first: bool) -> None:
    """Everything in the query, by GET, is as good as everything in the form."""
    code = app.sandbox.code_for(ClientType.PC, "lihua")
    parameters = app.common(TOKEN) | {"grant_type": "authorization_code", "code": code}
    signed = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
    parameters["sign"] = base64.b64encode(app.key.sign(signed.encode())).decode()
    if form_first:
        answer = app.send({}, parameters)
        assert answer.data["user_id"] == app.sandbox.user_id("lihua")
    else:
        response = httpx.get(app.settings["gateway_url"], params=parameters, trust_env=False)
        assert TOKEN_NODE in response.json()


def test_a_charset_in_the_form_comes_too_late(app: Caller) -> None:
    """Non-ASCII text is read as GBK unless the query names another charset: the signature fails, as at Alipay."""
    parameters = app.common(TOKEN) | {"grant_type": "authorization_code", "code": "无"}
    signed = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
    parameters["sign"] = base64.b64encode(app.key.sign(signed.encode())).decode()
    assert app.send({}, parameters).refusal == ("40002", "isv.invalid-signature")
    charset = {"charset": parameters.pop("charset")}
    assert app.send(charset, parameters).refusal == ("40002", "isv.code-invalid")


NOW_IN_UTC = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("name", "value", "sub_code"),
    [
        ("method", None, "isv.missing-method"),
        ("method", "alipay.trade.pay", "isv.invalid-method"),
        ("app_id", None, "isv.missing-app-id"),
        ("app_id", "2021000000009999", "isv.invalid-app-id"),
        ("version", None, "isv.missing-version"),
        ("version", "2.0", "isv.invalid-parameter"),
        ("format", "XML", "isv.invalid-format"),
        ("charset", None, "isv.invalid-charset"),
        ("charset", "latin-1", "isv.invalid-charset"),
        ("sign_type", None, "isv.missing-signature-type"),
        ("sign_type", "RSA", "isv.invalid-signature-type"),
        ("sign", "", "isv.missing-signature"),
        ("sign", "AAAA", "isv.invalid-signature"),
        ("timestamp", None, "isv.missing-timestamp"),
        ("timestamp", "1700000000", "isv.invalid-timestamp"),
        ("timestamp", "2020-01-01 00:00:00", "isv.invalid-timestamp"),
        ("timestamp", NOW_IN_UTC, "isv.invalid-timestamp"),
        ("encrypt_type", "AES", "isv.missing-encrypt-key"),
        ("encrypt_type", "DES", "isv.invalid-encrypt-type"),
    ],
    ids=lambda value: "now" if value == NOW_IN_UTC else None,
)
def test_a_request_that_alipay_does_not_let_in(app: Caller, name: str, value: str | None, sub_code: str) -> None:
    """It gets an unsigned error_response with the documented code, and the code that it carried is not spent."""
    code = app.sandbox.code_for(ClientType.PC, "lihua")
    answer = app.redeem(code, changed={name: value})
    assert answer.node == "error_response"
    assert answer.refusal == (SUB_CODES[sub_code][0], sub_code)
    assert answer.data["msg"]
    assert answer.data["sub_msg"]
    assert "sign" not in answer.body
    assert "access_token" in app.redeem(code).data


def test_a_repeated_parameter_is_an_attack(app: Caller) -> None:
    """Which of two values counts is nobody's guess."""
    parameters = app.common(TOKEN) | {"sign": "AAAA", "grant_type": "authorization_code", "code": "x"}
    assert app.send(parameters, {"code": "y"}).refusal == ("40002", "isv.suspected-attack")


def test_anothers_key_is_refused(app: Caller) -> None:
    """The signature must be the app's own."""
    assert app.redeem(key=RsaPrivateKey.generate()).refusal == ("40002", "isv.invalid-signature")


@pytest.mark.parametrize(
    "form", [{}, {"grant_type": "password"}, {"biz_content": '{"grant_type":"authorization_code"}'}]
)
def test_the_grant_type_stands_at_the_top(app: Caller, form: dict[str, str]) -> None:
    """In biz_content nobody reads it. The refusal is signed, under error_response."""
    answer = app.call(TOKEN, form)
    assert answer.refusal == ("40002", "isv.grant-type-invalid")
    assert answer.node == "error_response"
    assert answer.is_signed()


def test_a_code_works_once_for_its_app_within_three_minutes(clock: Clock) -> None:
    """Used, expired, another app's or never given out: the same answer, and trying spends it."""
    with caller(now=clock) as web:
        mini = Caller(web.sandbox, web.url, MINI)
        invalid = ("40002", "isv.code-invalid")
        used, foreign, late = (web.sandbox.code_for(ClientType.PC, "lihua") for _ in range(3))
        assert web.redeem(used).refusal == ("", "")
        assert web.redeem(used).refusal == invalid
        assert mini.redeem(foreign).refusal == invalid
        assert web.redeem(foreign).refusal == invalid
        assert web.redeem("0" * 32).refusal == invalid
        clock.advance(181)
        assert web.redeem(late).refusal == invalid
        assert len(used) == 32


def test_a_code_is_spent_by_a_failure_too(app: Caller) -> None:
    """An error behind the door does not give it back."""
    code = app.sandbox.code_for(ClientType.PC, "lihua")
    app.sandbox.faults.add("error", "isp.unknow-error", on=TOKEN)
    assert app.redeem(code).refusal == ("20000", "isp.unknow-error")
    assert app.redeem(code).refusal == ("40002", "isv.code-invalid")


def test_a_refresh_token_works_once(clock: Clock) -> None:
    """New tokens for the same person; unknown, used and expired ones each have their own answer."""
    with caller(now=clock) as web:
        first, other = web.redeem().data, web.redeem().data

        def refresh(token: str) -> Told:
            return web.call(TOKEN, {"grant_type": "refresh_token", "refresh_token": token})

        second = refresh(first["refresh_token"]).data
        assert second["user_id"] == first["user_id"]
        assert second["access_token"] != first["access_token"]
        assert refresh(first["refresh_token"]).refusal == ("40002", "isv.refreshed-token-invalid")
        assert refresh("made up").refusal == ("40002", "isv.refresh-token-invalid")
        clock.advance(31 * 86400)
        assert refresh(other["refresh_token"]).refusal == ("40002", "isv.refresh-token-time-out")


def test_a_token_opens_its_persons_profile_to_its_app(clock: Clock) -> None:
    """Made up, another app's, silent or expired ones do not. The refusal stands under the method's name, signed."""
    with caller(now=clock) as web:
        token = web.redeem().data["access_token"]
        silent = web.redeem(web.sandbox.code_for(ClientType.PC, "lihua", "auth_base")).data
        assert silent["user_id"] == web.sandbox.user_id("lihua")
        invalid = ("20001", "aop.invalid-auth-token")
        answer = web.ask_person(silent["access_token"])
        assert answer.refusal == invalid
        assert answer.node == PERSON_NODE
        assert answer.is_signed()
        assert web.call(PERSON, {}).refusal == invalid
        assert Caller(web.sandbox, web.url, MINI).ask_person(token).refusal == invalid
        clock.advance(16 * 86400)
        assert web.ask_person(token).refusal == ("20001", "aop.auth-token-time-out")
