"""The V2 gateway with an AES key: what is encrypted, what is opened, what cipher text without signature is worth."""

import base64
import json
from typing import Any

import pytest
from starlette.responses import Response

from connect_alipay.encryption import decrypt_content
from connect_alipay.gateway import Gateway
from connect_alipay.keys import load_keys
from connect_alipay.sandbox import CONTENT_KEY, AlipayOptions, AlipaySandbox
from connect_alipay.sandbox_gateway import V2Request
from connect_alipay.settings import AlipaySettings
from connect_alipay.signature import get_signed_text, is_signed_by
from connect_core.crypto import encrypt_aes_cbc
from connect_core.harness import Visitor
from connect_core.http import HttpPool
from connect_core.plugin import (
    ClientType,
    CodeInvalid,
    ConnectError,
    ProviderBadResponse,
    ProviderConfig,
    ProviderFault,
    ProviderUnsigned,
)

from ..kit.alipay_vendor import (
    AES_KEY,
    CODE,
    CODE_INVALID,
    KEY_MODE,
    OURS,
    TOKEN,
    TOKEN_CALL,
    TOKEN_NODE,
    Transport,
    answer,
    change,
    encrypt,
    read_parameters,
)
from ..kit.databases import run_shop

WITH_AES = {**KEY_MODE, "aes_key": base64.b64encode(AES_KEY).decode()}
REFUSAL = '{"code":"40002","msg":"Invalid Arguments","sub_code":"isv.invalid-encrypt","sub_msg":"%s"}' % ("x" * 99)


async def call(network: Transport | bytes, mode: dict[str, str], **form: str) -> dict[str, object]:
    """Redeem a code at `network`, a transport or the one answer that it gives."""
    transport = network if isinstance(network, Transport) else Transport([network])
    settings = AlipaySettings.model_validate(mode)
    gateway = Gateway(settings, load_keys(settings), HttpPool(transport=transport).for_provider("alipay"), lambda: 0)
    return await gateway.call(TOKEN_CALL, {"grant_type": "authorization_code", "code": CODE, **form})


def is_signed_by_us(parameters: dict[str, str]) -> bool:
    """Check a request as Alipay does: `sign` over all other parameters."""
    signature = parameters.pop("sign")
    return is_signed_by(OURS.public_key(), signature, get_signed_text(parameters).encode())


async def test_encrypted_answer_is_verified_with_its_quotes_then_opened() -> None:
    """The signature covers the quotes around the cipher text. A call without `biz_content` asks for no encryption."""
    transport = Transport([answer(f'"{encrypt(TOKEN)}"')])
    assert (await call(transport, WITH_AES))["user_id"] == "2088102150477652"
    sent = read_parameters(transport.requests[0])
    assert "encrypt_type" not in sent
    assert is_signed_by_us(sent)


async def test_encrypted_answer_whose_slashes_were_escaped_is_opened() -> None:
    """Base64 has slashes; escaped ones are still the same text."""
    content = encrypt(change(TOKEN, padding="?>~" * 40))
    assert "/" in content
    body = answer(f'"{content}"').replace(content.encode(), content.replace("/", "\\/").encode())
    assert (await call(body, WITH_AES))["user_id"] == "2088102150477652"


async def test_plain_answer_is_believed_though_encryption_was_asked_for() -> None:
    """An app whose console has no encryption answers in plain text, signed."""
    assert (await call(answer(TOKEN), WITH_AES))["user_id"] == "2088102150477652"


async def test_encrypted_gbk_answer_is_opened() -> None:
    """What was encrypted is text of the request's charset."""
    body = answer(f'"{encrypt(change(TOKEN, nick_name="李华"), charset="gbk")}"', charset="gbk")
    assert (await call(body, {**WITH_AES, "charset": "gbk"}))["nick_name"] == "李华"


async def test_encrypted_failure_is_a_failure() -> None:
    """A failure inside a cipher text is found once that is open."""
    with pytest.raises(CodeInvalid):
        await call(answer(f'"{encrypt(CODE_INVALID)}"'), WITH_AES)


async def test_encrypted_answer_that_aes_key_does_not_open_is_the_operators() -> None:
    """A cipher text that Alipay signed and we cannot open means another or no key in the settings."""
    for body, mode in ((answer(f'"{encrypt(TOKEN, bytes(16))}"'), WITH_AES), (answer(f'"{encrypt(TOKEN)}"'), KEY_MODE)):
        with pytest.raises(ProviderConfig, match="aes_key"):
            await call(body, dict(mode))


async def test_biz_content_is_encrypted_then_signed() -> None:
    """Where a call has it and the app a key, and only there."""
    content = json.dumps({"a": "李华"})
    for mode in (WITH_AES, KEY_MODE):
        transport = Transport([answer(TOKEN)])
        await call(transport, dict(mode), biz_content=content)
        sent = read_parameters(transport.requests[0])
        assert is_signed_by_us(sent)
        if mode is WITH_AES:
            assert sent["encrypt_type"] == "AES"
            assert decrypt_content(AES_KEY, sent["biz_content"]).decode() == content
        else:
            assert (sent["biz_content"], "encrypt_type" in sent) == (content, False)


CIPHER_TEXTS = {
    "error node": '{"error_response":"%s"}',
    "method node": f'{{"{TOKEN_NODE}":"%s"}}',
    "empty sign": '{"error_response":"%s","sign":""}',
    "text alone": "%s",
    "quoted text alone": '"%s"\n',
}


@pytest.mark.parametrize("form", CIPHER_TEXTS.values(), ids=CIPHER_TEXTS)
@pytest.mark.parametrize(("refusal", "error"), [(REFUSAL, ProviderConfig), (CODE_INVALID, CodeInvalid)])
async def test_refusal_of_cipher_text_without_signature_is_named(
    form: str, refusal: str, error: type[ConnectError]
) -> None:
    """Alipay encrypts a refusal and does not sign it: its code says who must act, and its message stays out."""
    with pytest.raises(error) as caught:
        await call((form % encrypt(refusal)).encode(), WITH_AES)
    assert caught.value.vendor["sub_code"] == json.loads(refusal)["sub_code"]
    assert "xxx" not in repr(caught.value.vendor) + str(caught.value)


@pytest.mark.parametrize("form", CIPHER_TEXTS.values(), ids=CIPHER_TEXTS)
async def test_success_of_cipher_text_without_signature_is_refused(form: str) -> None:
    """Encryption proves nothing: whoever has seen one answer can write another."""
    with pytest.raises(ProviderFault):
        await call((form % encrypt(TOKEN)).encode(), WITH_AES)
    with pytest.raises(ProviderUnsigned):
        await call((CIPHER_TEXTS["method node"] % encrypt(TOKEN)).encode(), WITH_AES)


@pytest.mark.parametrize("mode", [WITH_AES, KEY_MODE])
async def test_refusal_that_aes_key_does_not_open_is_the_operators(mode: dict[str, str]) -> None:
    """Another key in the settings, or none, is the mistake itself."""
    with pytest.raises(ProviderConfig, match="aes_key"):
        await call(f'{{"error_response":"{encrypt(REFUSAL, bytes(16))}"}}'.encode(), dict(mode))


@pytest.mark.parametrize(
    "body", [b"AAAA", b'"x"', b'{"error_response":"%s"}' % (b"A" * 20), b'{"error_response":"<b>"}']
)
async def test_text_that_is_no_cipher_text_is_no_answer(body: bytes) -> None:
    """It ends the login as an answer that cannot be used, or names `aes_key`, and never as a success."""
    with pytest.raises((ProviderBadResponse, ProviderConfig)):
        await call(body, WITH_AES)


def cut(text: str, start: int, end: int) -> str:
    """Return the bytes from `start` to `end` of a cipher text, in base64."""
    return base64.b64encode(base64.b64decode(text)[start:end]).decode()


SPOILT = {
    "nothing": "",
    "no block": base64.b64encode(b"x" * 15).decode(),
    "cut within a block": cut(encrypt(TOKEN), 0, -1),
    "cut after a block": cut(encrypt(TOKEN), 0, -16),
    "without its first block": cut(encrypt(TOKEN), 16, 9999),
    "base64 cut": encrypt(TOKEN)[:-3],
    "base64 for addresses": base64.urlsafe_b64encode(b"\xff" * 32).decode(),
    "base64 with a blank": f"{encrypt(TOKEN)} ",
    "in hexadecimal": base64.b64decode(encrypt(TOKEN)).hex(),
    "encrypted twice": encrypt(encrypt(TOKEN)),
    "other letters": "\u652f\u4ed8\u5b9d",
    "padding alone": encrypt(""),
    "no JSON": encrypt("user_id=2088102150477652"),
    "a list": encrypt(f"[{TOKEN}]"),
    "a text": encrypt(json.dumps(TOKEN)),
    "two objects": encrypt(TOKEN + TOKEN),
    "a name twice": encrypt(TOKEN[:-1] + ',"user_id":"2088000000000000"}'),
    "no letters": base64.b64encode(encrypt_aes_cbc(AES_KEY, b"\xff\xfe{}", bytes(16))).decode(),
    "no padding": base64.b64encode(encrypt_aes_cbc(AES_KEY, TOKEN.ljust(512).encode(), bytes(16))[:512]).decode(),
    "another vector": base64.b64encode(encrypt_aes_cbc(AES_KEY, TOKEN.encode(), b"v" * 16)).decode(),
}


@pytest.mark.parametrize("case", SPOILT)
async def test_a_signed_answer_that_does_not_open_logs_nobody_in(case: str) -> None:
    """Truncated, padded wrongly or something else inside: the login ends, and the error shows nothing of it."""
    with pytest.raises((ProviderBadResponse, ProviderConfig)) as caught:
        await call(answer(json.dumps(SPOILT[case], ensure_ascii=False)), WITH_AES)
    shown = repr(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)
    assert "2088" not in shown
    assert "access_token" not in shown


@pytest.mark.parametrize("kind", [7, True, None, [], [encrypt(TOKEN)]])
async def test_a_cipher_text_in_another_place_is_no_answer(kind: object) -> None:
    """It is a text that stands for the node, and nothing else."""
    with pytest.raises(ProviderFault):
        await call(answer(json.dumps(kind)), WITH_AES)


WRONG_KEYS = {
    "another": base64.b64encode(b"another aes key.").decode(),
    "longer": base64.b64encode(CONTENT_KEY * 2).decode(),
    "none": "",
}


class Sealing(AlipaySandbox):
    """It signs cipher texts alone, also where no encryption was asked for."""

    def __init__(self, key: str) -> None:
        super().__init__(AlipayOptions(aes=True))
        self.key = key

    def settings(self, base_url: str, client_type: ClientType) -> dict[str, Any]:
        """Give the shop a key that need not be the console's."""
        settings = {**super().settings(base_url, client_type), "aes_key": self.key}
        return {name: value for name, value in settings.items() if value}

    def _send(self, request: V2Request, node: str, text: str, kind: str) -> Response:
        return super()._send(request, node, f'"{encrypt(text, CONTENT_KEY, request.charset)}"', kind)


@pytest.mark.parametrize("case", WRONG_KEYS)
def test_a_shop_with_another_aes_key_logs_nobody_in(case: str, caplog: pytest.LogCaptureFixture) -> None:
    """Over HTTP, with the vendor's console and the shop disagreeing: 502 `provider_config`, and nothing is written."""
    sandbox = Sealing(WRONG_KEYS[case])
    with run_shop({"alipay": sandbox}) as shop, Visitor(shop) as visitor:
        refusal = visitor.log_in("alipay", "pc", "lihua")
        assert (refusal.status_code, refusal.json()["code"]) == (502, "provider_config")
        assert any("aes_key" in str(vars(record)) for record in caplog.records)
        assert not any(sandbox.user_id("lihua") in str(vars(record)) for record in caplog.records)
        assert shop.rows("es_member") == shop.rows("es_member_session") == []
        sandbox.key = base64.b64encode(CONTENT_KEY).decode()
    with run_shop({"alipay": sandbox}) as shop, Visitor(shop) as visitor:
        assert visitor.log_in("alipay", "pc", "lihua").status_code == 303


def test_a_cipher_text_without_signature_logs_nobody_in() -> None:
    """Over HTTP, though the key opens it: whoever stands in between may have made it of an older one."""
    sandbox = Sealing(base64.b64encode(CONTENT_KEY).decode())
    with run_shop({"alipay": sandbox}) as shop, Visitor(shop) as visitor:
        for kind in ("unsigned", "empty_sign", "wrong_sign", "own_sign", "sha1_sign"):
            sandbox.faults.add(kind, on="alipay.system.oauth.token")
            refusal = visitor.log_in("alipay", "pc", "lihua")
            assert (refusal.status_code, refusal.json()["code"]) == (502, "provider_unsigned"), kind
        assert shop.rows("es_member") == []
