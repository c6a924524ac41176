"""Alipay's sandbox, protocol V3, over real HTTP: the header's signature, the answer's, and its faults."""

import base64
import json
import time
from collections.abc import Iterator, Mapping

import httpx
import pytest

from connect_core.crypto import RsaPrivateKey, decrypt_aes_cbc, encrypt_aes_cbc
from connect_core.plugin import ClientType

from ..kit.alipay_client import PERSON, TOKEN, Caller, caller

TOKEN_PATH, PERSON_PATH = "/v3/alipay/system/oauth/token", "/v3/alipay/user/info/share"


@pytest.fixture(scope="module")
def app() -> Iterator[Caller]:
    """The website in key mode."""
    with caller(protocol="v3") as made:
        yield made
        assert not made.sandbox.faults.unused


def redeem(made: Caller, claims: Mapping[str, str | None] | None = None) -> httpx.Response:
    """Redeem a fresh code of lihua's."""
    code = made.sandbox.code_for(ClientType.PC, "lihua")
    return made.rest(TOKEN_PATH, {"grant_type": "authorization_code", "code": code}, claims=claims)


def test_a_code_becomes_tokens_and_a_profile(app: Caller) -> None:
    """Signed bodies without a node, code or message; the profile wants the token in the query."""
    token = redeem(app)
    assert token.status_code == 200
    assert token.json()["user_id"] == app.sandbox.user_id("lihua")
    assert app.is_rest_signed(token)
    assert len(token.headers["alipay-trace-id"]) == 32
    person = app.rest(f"{PERSON_PATH}?auth_token={token.json()['access_token']}")
    assert app.is_rest_signed(person)
    assert (person.json()["nick_name"], person.json()["gender"]) == ("李华", "M")
    assert not {"code", "msg"} & set(person.json())
    assert app.sandbox.called(TOKEN)
    assert app.sandbox.called(PERSON)


def test_the_path_may_be_signed_with_the_mount(app: Caller) -> None:
    """Some SDKs sign the whole path of the address, some the API's own; the sandbox stands below a prefix."""
    outer = Caller(app.sandbox, app.url.removesuffix("/alipay"))
    assert outer.rest(f"/alipay{PERSON_PATH}?auth_token=x").json()["code"] == "aop.invalid-auth-token"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"app_id": None}, "isv.missing-app-id"),
        ({"app_id": "2021000000009999"}, "isv.invalid-app-id"),
        ({"timestamp": None}, "isv.missing-timestamp"),
        ({"timestamp": "yesterday"}, "isv.invalid-timestamp"),
        ({"timestamp": str(int(time.time()))}, "isv.invalid-timestamp"),
        ({"nonce": None}, "isv.invalid-parameter"),
    ],
)
def test_a_request_that_alipay_does_not_let_in(app: Caller, claims: dict[str, str | None], code: str) -> None:
    """HTTP 400, code, message and links, unsigned."""
    refused = redeem(app, claims)
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert refused.json()["message"]
    assert refused.json()["links"][0]["link"].startswith("https://")
    assert "alipay-signature" not in refused.headers


@pytest.mark.parametrize(
    "authorization", ["", "ALIPAY-SHA256withRSA", "Bearer x,sign=y", "ALIPAY-SHA256withRSA a,sign=b"]
)
def test_a_header_that_is_none(app: Caller, authorization: str) -> None:
    """Whatever stands there, it is a refusal."""
    refused = httpx.post(app.url + TOKEN_PATH, headers={"authorization": authorization}, trust_env=False)
    assert refused.status_code == 400
    assert refused.json()["code"].startswith("isv.")


def test_anothers_key_is_refused(app: Caller) -> None:
    """The signature must be the app's own."""
    stranger = app.rest(TOKEN_PATH, {"grant_type": "authorization_code", "code": "x"}, key=RsaPrivateKey.generate())
    assert stranger.json()["code"] == "isv.invalid-signature"


@pytest.mark.parametrize("code", ["", "0" * 32])
def test_a_bad_code_is_refused_with_a_signature(app: Caller, code: str) -> None:
    """HTTP 400, the V2 sub code as code, and Alipay's signature."""
    refused = app.rest(TOKEN_PATH, {"grant_type": "authorization_code", "code": code})
    assert (refused.status_code, refused.json()["code"]) == (400, "isv.code-invalid")
    assert app.is_rest_signed(refused)


@pytest.mark.parametrize(
    ("value", "status"),
    [("40006:isv.insufficient-isv-permissions", 403), ("20000:isp.unknow-error", 500), ("40005:call-limit", 429)],
)
def test_errors_have_their_status(app: Caller, value: str, status: int) -> None:
    """Permission, outage and limit can be told apart by the status."""
    app.sandbox.faults.add("error", value, on=TOKEN)
    assert redeem(app).status_code == status


def test_certificate_mode_names_its_certificate() -> None:
    """Both numbers are wanted; the answer names the certificate that signed."""
    with caller(protocol="v3", mode="certificate") as made:
        answer = redeem(made)
        assert made.is_rest_signed(answer)
        assert redeem(made, {"app_cert_sn": None}).json()["code"] == "isv.missing-app-cert-sn"
        made.sandbox.rotate_certificate()
        after = redeem(made)
        assert after.headers["alipay-sn"] != answer.headers["alipay-sn"]
        assert not made.is_rest_signed(after)
        made.sandbox.faults.add("no_cert_sn", on=TOKEN)
        assert "alipay-sn" not in redeem(made).headers


def test_bodies_can_be_encrypted_both_ways() -> None:
    """Encrypt, then sign; the signature is over the cipher text."""
    with caller(protocol="v3", aes=True) as made:
        key = base64.b64decode(made.settings["aes_key"])
        code = made.sandbox.code_for(ClientType.PC, "lihua")
        plain = json.dumps({"grant_type": "authorization_code", "code": code}).encode()
        answer = made.rest(TOKEN_PATH, base64.b64encode(encrypt_aes_cbc(key, plain, bytes(16))).decode())
        assert made.is_rest_signed(answer)
        assert b"2088" in decrypt_aes_cbc(key, base64.b64decode(answer.content), bytes(16))
        assert b"isv.invalid-parameter" in decrypt_aes_cbc(
            key, base64.b64decode(made.rest(TOKEN_PATH, "AAAA").content), bytes(16)
        )


@pytest.mark.parametrize("kind", ["wrong_sign", "own_sign", "sha1_sign", "changed", "empty_sign", "unsigned"])
def test_faults_of_the_signature(app: Caller, kind: str) -> None:
    """The answer is what it would have been; its signature is not."""
    app.sandbox.faults.add(kind, on=TOKEN)
    answer = redeem(app)
    assert answer.json()["user_id"] == app.sandbox.user_id("lihua")
    assert ("alipay-signature" in answer.headers) is (kind != "unsigned")
    assert not app.is_rest_signed(answer)


def test_an_answer_can_be_stale(app: Caller) -> None:
    """An hour old, signed all the same."""
    app.sandbox.faults.add("stale", on=TOKEN)
    answer = redeem(app)
    assert app.is_rest_signed(answer)
    assert int(answer.headers["alipay-timestamp"]) / 1000 < time.time() - 3000


def test_another_person_can_be_named(app: Caller) -> None:
    """The faults of what an answer says are those of V2."""
    app.sandbox.faults.add("swapped_id", on=PERSON)
    token = redeem(app).json()["access_token"]
    assert app.rest(f"{PERSON_PATH}?auth_token={token}").json()["user_id"] != app.sandbox.user_id("lihua")
