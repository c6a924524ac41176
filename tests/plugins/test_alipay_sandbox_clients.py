"""Alipay's sandbox in front of people: the page where they agree, the native app's login string, the mini program."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from connect_core.crypto import decrypt_aes_cbc
from connect_core.plugin import ClientType

from ..kit.alipay_client import Caller, caller

APP, MINI, PC = ClientType.APP, ClientType.MINI, ClientType.PC
CALLBACK = "http://127.0.0.1:8080/connect/alipay/pc/callback?keep=1"
STATE = "Zm9vYmFy" * 4


@pytest.fixture(scope="module")
def app() -> Iterator[Caller]:
    """The sandbox, with an AES key."""
    with caller(aes=True) as made:
        yield made
        assert not made.sandbox.faults.unused


def link(made: Caller, **changed: str | None) -> str:
    """The authorize address; `changed` replaces parameters, or takes them out as None."""
    parameters = {
        "app_id": made.settings["app_id"],
        "scope": "auth_user",
        "redirect_uri": CALLBACK,
        "state": STATE,
        **changed,
    }
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"{made.settings['authorize_url']}?{query}"


def decide(made: Caller, url: str = "", **form: str) -> tuple[str, dict[str, list[str]]]:
    """Answer the page; returns where the browser is sent, without its query, and the query."""
    response = httpx.post(url or link(made), data={"person": "lihua", "decision": "agree"} | form, trust_env=False)
    assert response.status_code == 303, response.text
    parts = urlsplit(response.headers["location"])
    return parts._replace(query="").geturl(), parse_qs(parts.query, keep_blank_values=True)


def test_the_page_asks_and_the_browser_comes_back_with_a_code(app: Caller) -> None:
    """auth_code, app_id, scope, state and source follow the query that was there already; the code can be redeemed."""
    page = httpx.get(link(app), trust_env=False)
    assert page.status_code == 200
    assert "李华" in page.text
    target, query = decide(app)
    assert target == CALLBACK.partition("?")[0]
    assert set(query) == {"keep", "app_id", "source", "scope", "state", "auth_code"}
    assert (query["state"], query["source"]) == ([STATE], ["alipay_wallet"])
    assert app.redeem(query["auth_code"][0]).data["user_id"] == app.sandbox.user_id("lihua")


def test_somebody_else_can_agree(app: Caller) -> None:
    """A name typed in is a person too, and the same one each time."""
    code = decide(app, somebody="zhaoliu")[1]["auth_code"][0]
    assert app.redeem(code).data["user_id"] == app.sandbox.user_id("zhaoliu")


def test_a_refusal_brings_the_bare_state(app: Caller) -> None:
    """Alipay documents no error for it; with `deny_error` there is one, and a flow without state gets none."""
    assert decide(app, decision="refuse")[1] == {"keep": ["1"], "state": [STATE]}
    assert decide(app, link(app, state=None), decision="refuse")[1] == {"keep": ["1"]}
    app.sandbox.faults.add("deny_error", on="authorize")
    assert decide(app)[1] == {"keep": ["1"], "error": ["access_denied"], "state": [STATE]}


def test_the_callback_can_be_another_flows(app: Caller) -> None:
    """The code of another app, or of the flow by which shops authorise software houses."""
    app.sandbox.faults.add("other_app", on="authorize")
    assert decide(app)[1]["app_id"] != [app.settings["app_id"]]
    app.sandbox.faults.add("app_auth_code", on="authorize")
    query = decide(app)[1]
    assert "app_auth_code" in query
    assert "auth_code" not in query


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("app_id", None, "INVALID_APP_ID"),
        ("app_id", "2021000000009999", "INVALID_APP_ID"),
        ("redirect_uri", None, "INVALID_REDIRECT_URI"),
        ("redirect_uri", "/callback", "INVALID_REDIRECT_URI"),
        ("redirect_uri", "javascript://x/", "INVALID_REDIRECT_URI"),
        ("scope", None, "INVALID_SCOPE"),
        ("scope", "openid profile", "INVALID_SCOPE"),
        ("state", "x" * 101, "INVALID_STATE"),
        ("state", "中文", "INVALID_STATE"),
        ("state", "a-b_c", "INVALID_STATE"),
    ],
)
def test_a_wrong_link_gets_a_page_and_nobody_is_sent_anywhere(
    app: Caller, name: str, value: str | None, code: str
) -> None:
    """An unknown app, no absolute callback, a scope or state outside of what is documented."""
    for response in (
        httpx.get(link(app, **{name: value}), trust_env=False),
        httpx.post(link(app, **{name: value}), data={"person": "lihua", "decision": "agree"}, trust_env=False),
    ):
        assert response.status_code == 400
        assert code in response.text


def test_the_callback_host_can_be_registered() -> None:
    """The host is compared, port and path are not."""
    with caller(domain="shop.example") as made:
        assert httpx.get(link(made), trust_env=False).status_code == 400
        assert httpx.get(link(made, redirect_uri="https://shop.example:8443/x"), trust_env=False).status_code == 200


def login_string(made: Caller, **changed: str | None) -> str:
    """The string that starts the native SDK, signed; `changed` replaces parameters, or takes them out as None."""
    parameters: dict[str, str | None] = {
        "apiname": "com.alipay.account.auth",
        "app_id": made.settings["app_id"],
        "app_name": "mc",
        "auth_type": "AUTHACCOUNT",
        "biz_type": "openservice",
        "method": "alipay.open.auth.sdk.code.get",
        "pid": made.settings["pid"],
        "product_id": "APP_FAST_LOGIN",
        "scope": "kuaijie",
        "sign_type": "RSA2",
        "target_id": "0123456789abcdef",
    }
    given = {name: value for name, value in {**parameters, **changed}.items() if value is not None}
    signed = "&".join(f"{name}={given[name]}" for name in sorted(given) if name != "sign")
    return urlencode({"sign": base64.b64encode(made.key.sign(signed.encode())).decode(), **given})


def test_the_native_sdk_gives_a_lasting_code(app: Caller) -> None:
    """It can be redeemed again and gives the same token, which opens the profile."""
    code = app.sandbox.client_parameters(APP, "lihua", login_string(app))["auth_code"]
    first, second = app.redeem(code).data, app.redeem(code).data
    assert first == second
    assert first["auth_token_type"] == "permanent"
    assert app.ask_person(first["access_token"]).data["nick_name"] == "李华"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("app_id", "2021000000009999"),
        ("pid", None),
        ("apiname", None),
        ("scope", "auth_base"),
        ("sign_type", "RSA"),
        ("target_id", None),
        ("target_id", "x" * 33),
        ("target_id", "a b"),
        ("sign", "AAAA"),
    ],
)
def test_a_wrong_login_string_is_named(app: Caller, name: str, value: str | None) -> None:
    """The error says which part is wrong, and no value."""
    with pytest.raises(ValueError, match=rf"wrong in {name}$"):
        app.sandbox.client_parameters(APP, "lihua", login_string(app, **{name: value}))


def test_the_mini_program_gets_a_code_of_its_own_app(app: Caller) -> None:
    """Another app id, so another open id; the same person all the same. Web pages get nothing handed over."""
    code = app.sandbox.client_parameters(MINI, "lihua")["authCode"]
    mini = Caller(app.sandbox, app.url, MINI)
    answer = mini.redeem(code).data
    assert mini.settings["app_id"] != app.settings["app_id"]
    assert answer["open_id"] == app.sandbox.open_id("lihua", MINI) != app.sandbox.open_id("lihua", PC)
    assert answer["user_id"] == app.sandbox.user_id("lihua")
    with pytest.raises(LookupError):
        app.sandbox.client_parameters(PC, "lihua")


def is_proven(made: Caller, phone: str) -> bool:
    """Whether the signature covers the response: as it is when it is an object, else with its quotes."""
    content = json.loads(phone)
    signed = content["response"] if content["response"].startswith("{") else f'"{content["response"]}"'
    return made.alipays_key.verify(base64.b64decode(content.get("sign", "")), signed.encode())


def test_a_phone_number_is_encrypted_and_signed(app: Caller) -> None:
    """The signature is over the cipher text with its quotes."""
    phone = app.sandbox.phone_for("lihua")
    content = json.loads(phone)
    plain = decrypt_aes_cbc(base64.b64decode(app.settings["aes_key"]), base64.b64decode(content["response"]), bytes(16))
    assert json.loads(plain) == {"code": "10000", "msg": "Success", "mobile": "13800000001"}
    assert (content["sign_type"], content["encrypt_type"]) == ("RSA2", "AES")
    assert is_proven(app, phone)


def test_faults_of_the_phone_number(app: Caller) -> None:
    """Unsigned, signed by somebody else, not encrypted, or a failure in its place."""
    phones = {}
    for kind in ("unsigned", "wrong_sign", "own_sign", "sha1_sign", "plain", "error"):
        app.sandbox.faults.add(kind, "isv.invalid-encrypt" if kind == "error" else "", on="my.getPhoneNumber")
        phones[kind] = app.sandbox.phone_for("lihua")
    assert "sign" not in json.loads(phones["unsigned"])
    assert not any(is_proven(app, phones[kind]) for kind in ("wrong_sign", "own_sign", "sha1_sign"))
    assert is_proven(app, phones["plain"])
    assert json.loads(json.loads(phones["plain"])["response"])["mobile"] == "13800000001"
    failure = json.loads(json.loads(phones["error"])["response"])
    assert (failure["code"], failure["subCode"]) == ("40002", "isv.invalid-encrypt")


def test_without_an_aes_key_there_is_no_phone_number() -> None:
    """Alipay's own failure stands inside."""
    with caller() as made:
        assert (
            json.loads(json.loads(made.sandbox.phone_for("lihua"))["response"])["subCode"] == "isv.missing-encrypt-key"
        )
