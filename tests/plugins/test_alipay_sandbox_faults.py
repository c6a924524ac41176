"""Alipay's sandbox, protocol V2, over real HTTP: certificates, encryption, and every way an answer goes wrong."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from connect_alipay.sandbox_refusals import SUB_CODES
from connect_core.crypto import Certificate, decrypt_aes_cbc, load_certificates

from ..kit.alipay_client import DOWNLOAD, PERSON, TOKEN, Caller, Told, caller

TOKEN_NODE, PERSON_NODE = "alipay_system_oauth_token_response", "alipay_user_info_share_response"


@pytest.fixture(scope="module")
def app() -> Iterator[Caller]:
    """The website in key mode."""
    with caller() as made:
        yield made
        assert not made.sandbox.faults.unused


@pytest.fixture(scope="module")
def certified() -> Iterator[Caller]:
    """The website in certificate mode."""
    with caller(mode="certificate") as made:
        yield made
        assert not made.sandbox.faults.unused


@pytest.mark.parametrize(
    ("name", "value", "sub_code"),
    [
        ("app_cert_sn", None, "isv.missing-app-cert-sn"),
        ("app_cert_sn", "0" * 32, "isv.app-cert-not-exist"),
        ("alipay_root_cert_sn", None, "isv.missing-alipay-root-cert-sn"),
        ("alipay_root_cert_sn", "0" * 32, "isv.invalid-alipay-root-cert-sn"),
    ],
)
def test_certificate_mode_wants_both_numbers(certified: Caller, name: str, value: str | None, sub_code: str) -> None:
    """A call in key mode, or with a wrong certificate, fails."""
    assert certified.redeem(changed={name: value}).refusal == (SUB_CODES[sub_code][0], sub_code)


def test_certificate_mode_names_the_certificate_that_signed(certified: Caller) -> None:
    """Between node and signature, and it is the configured one."""
    answer = certified.redeem()
    certificate, issuer = load_certificates(certified.settings["alipay_cert"])
    roots = load_certificates(certified.settings["alipay_root_cert"])
    assert answer.is_signed()
    assert list(answer.body) == [TOKEN_NODE, "alipay_cert_sn", "sign"]
    assert certificate.chains_to(roots, [issuer], datetime.now(UTC))
    assert [root.signature_oid.startswith("1.2.840.113549.1.1") for root in roots] == [False, True]


def download(made: Caller, serial: str) -> Told:
    """Ask for a certificate."""
    return made.call(DOWNLOAD, {"biz_content": json.dumps({"alipay_cert_sn": serial})})


def downloaded(made: Caller, serial: str) -> tuple[Certificate, ...]:
    """What a download brings: a certificate and its issuer's."""
    return load_certificates(base64.b64decode(download(made, serial).data["alipay_cert_content"]).decode())


def test_a_rotated_certificate_can_be_downloaded() -> None:
    """After the rotation another certificate of the same authority signs; the old one stays to be had."""
    with caller(mode="certificate") as made:
        before = made.redeem().body["alipay_cert_sn"]
        made.sandbox.rotate_certificate()
        answer = made.redeem()
        serial = answer.body["alipay_cert_sn"]
        assert serial != before
        assert not answer.is_signed()
        certificate, issuer = downloaded(made, serial)
        assert certificate.chains_to(load_certificates(made.settings["alipay_root_cert"]), [issuer], datetime.now(UTC))
        assert certificate.public_key().verify(base64.b64decode(answer.body["sign"]), answer.source().encode())
        assert downloaded(made, before) == load_certificates(made.settings["alipay_cert"])
        assert download(made, "0" * 32).refusal == ("40004", "ALIPAY_CERT_NOT_EXIST")


@pytest.mark.parametrize(("kind", "chains"), [("cert_rogue", False), ("cert_expired", False), ("cert_merchant", True)])
def test_a_false_certificate_can_be_downloaded(certified: Caller, kind: str, *, chains: bool) -> None:
    """Its signature is right; only the chain (or, of another shop's certificate, the issuer) tells it from Alipay's."""
    certified.sandbox.faults.add(kind, on=TOKEN)
    answer = certified.redeem()
    certificate, issuer = downloaded(certified, answer.body["alipay_cert_sn"])
    assert certificate.public_key().verify(base64.b64decode(answer.body["sign"]), answer.source().encode())
    roots = load_certificates(certified.settings["alipay_root_cert"])
    assert certificate.chains_to(roots, [issuer], datetime.now(UTC)) is chains


def test_an_unknown_certificate_cannot(certified: Caller) -> None:
    """Nobody has one of that number."""
    certified.sandbox.faults.add("cert_unknown", on=TOKEN)
    answer = certified.redeem()
    assert not answer.is_signed()
    assert download(certified, answer.body["alipay_cert_sn"]).refusal == ("40004", "ALIPAY_CERT_NOT_EXIST")
    certified.sandbox.faults.add("no_cert_sn", on=TOKEN)
    assert "alipay_cert_sn" not in certified.redeem().body


def test_encrypted_answers_are_signed_with_their_quotes() -> None:
    """Only when the request asks; the cipher is AES-CBC with a zero vector under the console's key."""
    with caller(aes=True) as made:
        assert made.redeem().is_signed()
        answer = made.redeem(changed={"encrypt_type": "AES"})
        assert answer.is_signed()
        assert answer.source() == json.dumps(answer.body[TOKEN_NODE])
        key = base64.b64decode(made.settings["aes_key"])
        plain = decrypt_aes_cbc(key, base64.b64decode(answer.body[TOKEN_NODE]), bytes(16))
        assert json.loads(plain)["user_id"] == made.sandbox.user_id("lihua")
        made.sandbox.faults.add("plain", on=TOKEN)
        assert "user_id" in made.redeem(changed={"encrypt_type": "AES"}).data
        garbled = made.call(DOWNLOAD, {"biz_content": "AAAA"}, changed={"encrypt_type": "AES"})
        assert b"isv.invalid-encrypt" in decrypt_aes_cbc(key, base64.b64decode(garbled.body[garbled.node]), bytes(16))


@pytest.mark.parametrize("kind", ["wrong_sign", "own_sign", "sha1_sign", "changed", "empty_sign", "unsigned"])
def test_faults_of_the_signature(app: Caller, kind: str) -> None:
    """The answer is what it would have been; its signature is not."""
    app.sandbox.faults.add(kind, on=TOKEN)
    answer = app.redeem()
    assert answer.data["user_id"] == app.sandbox.user_id("lihua")
    assert not answer.is_signed()
    assert bool(answer.body.get("sign")) is (kind not in {"empty_sign", "unsigned"})
    assert ("sign" in answer.body) is (kind != "unsigned")
    assert app.redeem().is_signed()


def test_faults_of_what_an_answer_says(app: Caller) -> None:
    """Signed all the same: only whoever compares notices."""
    faults, user_id = app.sandbox.faults, app.sandbox.user_id("lihua")
    faults.add("swapped_id", on=PERSON)
    assert app.ask_person().data["user_id"] not in {user_id, ""}
    faults.add("missing_id", on=TOKEN)
    assert not {"user_id", "open_id", "union_id"} & set(app.redeem().data)
    faults.add("number_id", on=TOKEN)
    assert app.redeem().data["user_id"] == int(user_id)
    faults.add("field", "user_id=null", on=TOKEN)
    assert app.redeem().data["user_id"] is None
    faults.add("wrong_node", on=TOKEN)
    answer = app.redeem()
    assert answer.node == PERSON_NODE
    assert answer.is_signed()


def test_faults_of_errors(app: Caller) -> None:
    """Any documented error can be had, signed or not; `code:sub_code` names one that is not in the list."""
    faults = app.sandbox.faults
    faults.add("error", "40006:isv.insufficient-isv-permissions", on=PERSON)
    answer = app.ask_person()
    assert answer.refusal == ("40006", "isv.insufficient-isv-permissions")
    assert answer.is_signed()
    faults.add("unsigned_error", "40004:AUTH_CODE_NOT_EXIST", on=TOKEN)
    answer = app.redeem()
    assert (answer.node, answer.refusal) == ("error_response", ("40004", "AUTH_CODE_NOT_EXIST"))
    assert "sign" not in answer.body


def test_faults_of_order(app: Caller) -> None:
    """The signature first, a node twice, a stray error or a stray node beside it."""
    for kind, names in {
        "reordered": ["sign", TOKEN_NODE],
        "stray_error": ["error_response", TOKEN_NODE, "sign"],
        "stray_node": [TOKEN_NODE, "further_response", "sign"],
        "duplicate_node": [TOKEN_NODE, "sign"],
    }.items():
        app.sandbox.faults.add(kind, on=TOKEN)
        answer = app.redeem()
        assert list(answer.body) == names
        assert answer.text.count(f'"{TOKEN_NODE}"') == (2 if kind == "duplicate_node" else 1)


def test_faults_of_the_letters(app: Caller) -> None:
    """Slashes escaped after signing, and a body in another charset than was asked for."""
    app.sandbox.faults.add("escaped_slashes", on=PERSON)
    answer = app.ask_person()
    assert "https:\\/\\/img" in answer.text
    assert answer.key.verify(base64.b64decode(answer.body["sign"]), answer.source().replace("\\/", "/").encode())
    app.sandbox.faults.add("wrong_charset", on=PERSON)
    assert "李华" in app.ask_person().response.content.decode("gbk")
