"""The phone number of a mini program: it comes through the client, so nothing counts but Alipay's signature."""

import base64
import json
from typing import Any

import pytest

from connect_alipay import AlipayProvider
from connect_core.plugin import (
    BadRequest,
    CodeInvalid,
    FetchesPhone,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderRefused,
    RsaPrivateKey,
    VerifiedPhone,
)

from ..kit.alipay_vendor import (
    AES_KEY,
    ALIPAYS,
    KEY_MODE,
    OURS,
    SOMEBODY,
    STRANGERS,
    encrypt,
    provider,
    response,
    sign,
)

WITH_AES = {**KEY_MODE, "aes_key": base64.b64encode(AES_KEY).decode()}

# https://opendocs.alipay.com/mini/api/getphonenumber (what stands inside, decrypted)
NUMBER = '{"code":"10000","msg":"Success","mobile":"1597671905"}'
NO_RELATION = (
    '{"code":"40003","msg":"Insufficient Conditions","subCode":"isv.invalid-auth-relations","subMsg":"无效的授权关系"}'
)
BUSY = '{"code":"20000","msg":"Service Currently Unavailable","subCode":"aop.unknow-error","subMsg":"系统繁忙"}'
NO_KEY = (
    '{"code":"40001","msg":"Missing Required Arguments","subCode":"isv.missing-encrypt-key","subMsg":"缺少加密配置"}'
)


def hand_in(content: str, *, key: RsaPrivateKey = ALIPAYS, is_text: bool = True, **further: object) -> str:
    """Return what `my.getPhoneNumber` gives: `content` signed as a JSON text (`is_text`) or as it stands."""
    signature = sign(f'"{content}"' if is_text else content, key)
    return json.dumps({"response": content, "sign": signature, **further}, ensure_ascii=False)


async def fetch(handed_in: str, mode: dict[str, str] = WITH_AES) -> VerifiedPhone | None:
    """Ask the provider for the number that a client handed in."""
    return await provider(b"", mode).fetch_phone(response(phone=handed_in), SOMEBODY)


@pytest.mark.parametrize("name", ["phone", "phoneNumber"])
@pytest.mark.parametrize(
    "further", [{}, {"sign_type": "RSA2", "encrypt_type": "AES", "charset": "UTF-8"}, {"charset": "GBK"}]
)
async def test_number_is_verified_then_opened(name: str, further: dict[str, Any]) -> None:
    """The documented answer gives the number, and its signature as the proof that is taken once."""
    handed_in = hand_in(encrypt(NUMBER), **further)
    phone = await provider(b"", WITH_AES).fetch_phone(response(**{name: handed_in}), SOMEBODY)
    assert phone == VerifiedPhone("1597671905", json.loads(handed_in)["sign"])


async def test_number_from_abroad_keeps_its_country() -> None:
    """Overseas numbers come as `cc-number`."""
    phone = await fetch(hand_in(encrypt(NUMBER.replace("1597671905", "852-61234567"))))
    assert phone is not None
    assert phone.number == "852-61234567"


@pytest.mark.parametrize("mobile", ['""', "null"])
async def test_person_without_a_number_has_none(mobile: str) -> None:
    """`mobile` may be empty."""
    assert await fetch(hand_in(encrypt(NUMBER.replace('"1597671905"', mobile)))) is None


async def test_numbers_may_be_numbers() -> None:
    """`10000` is success and `1597671905` a phone number, written as a text or not."""
    phone = await fetch(hand_in(encrypt('{"code":10000,"mobile":1597671905}')))
    assert phone is not None
    assert phone.number == "1597671905"


async def test_client_that_hands_nothing_in_has_none() -> None:
    """The ability is asked for every login of a mini program."""
    assert await provider(b"", WITH_AES).fetch_phone(response(), SOMEBODY) is None


@pytest.mark.parametrize("content", [encrypt(NUMBER), NUMBER])
@pytest.mark.parametrize("signature", [None, "", 7, "c2ln", "not base64"])
async def test_unsigned_number_is_refused(content: str, signature: object) -> None:
    """Without Alipay's signature anybody could have written it, though the vendor's page advises to skip the check."""
    with pytest.raises(BadRequest):
        await fetch(json.dumps({"response": content, "sign": signature}))


@pytest.mark.parametrize("content", [encrypt(NUMBER), NUMBER])
@pytest.mark.parametrize("key", [OURS, STRANGERS])
async def test_number_signed_by_another_key_is_refused(key: RsaPrivateKey, content: str) -> None:
    """Only Alipay's key vouches for a number."""
    with pytest.raises(BadRequest):
        await fetch(hand_in(content, key=key, is_text=content != NUMBER))


async def test_changed_number_is_refused() -> None:
    """The signature covers cipher text and quotes; the encryption alone protects nothing."""
    genuine = json.loads(hand_in(encrypt(NUMBER)))
    for content in (encrypt(NUMBER.replace("159", "158")), genuine["response"][:-4] + "AAA=", NUMBER):
        with pytest.raises(BadRequest):
            await fetch(json.dumps({**genuine, "response": content}))
    with pytest.raises(BadRequest):
        await fetch(hand_in(encrypt(NUMBER), is_text=False))


async def test_plain_number_that_alipay_signed_counts() -> None:
    """Text that begins with a brace is signed without further quotes."""
    assert await fetch(hand_in(NUMBER, is_text=False)) is not None


@pytest.mark.parametrize(
    "handed_in",
    [
        "",
        "null",
        "[]",
        "1597671905",
        "{}",
        '{"response":7,"sign":"c2ln"}',
        '{"response":"","sign":"c2ln"}',
        '{"response":"x","response":"y","sign":"c2ln"}',
        '{"response":"\\ud800","sign":"c2ln"}',
        "[" * 100_000,
        hand_in(encrypt(NUMBER), sign_type="RSA"),
        hand_in(encrypt(NUMBER), encrypt_type="DES"),
        hand_in(encrypt(NUMBER), charset="utf-7"),
        hand_in(encrypt(NUMBER), charset=["UTF-8"]),
        hand_in(encrypt(NUMBER, bytes(16))),
        hand_in("bm90IGEgY2lwaGVy"),
        hand_in("%%%"),
    ],
)
async def test_what_the_client_made_up_is_its_own_fault(handed_in: str) -> None:
    """Nothing a client can write is anybody else's error, and none of it is told."""
    if not handed_in:
        assert await fetch(handed_in) is None
        return
    with pytest.raises(BadRequest) as caught:
        await fetch(handed_in)
    assert "1597671905" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (NO_RELATION, ProviderDenied),
        (BUSY, ProviderRefused),
        (NO_KEY, ProviderConfig),
        ('{"code":"40002","msg":"Invalid Arguments","subCode":"isv.invalid-encrypt"}', ProviderConfig),
        ('{"code":"40006","sub_code":"isv.insufficient-isv-permissions"}', ProviderConfig),
        ('{"code":"20001","sub_code":"aop.invalid-auth-token"}', CodeInvalid),
        ('{"mobile":"1597671905"}', ProviderRefused),
        (NUMBER.replace('"1597671905"', "true"), ProviderBadResponse),
        (NUMBER.replace("1597671905", "<script>"), ProviderBadResponse),
        ('{"a":1,"a":2}', ProviderBadResponse),
    ],
)
async def test_failure_inside_becomes_the_error_that_says_who_must_act(source: str, error: type[Exception]) -> None:
    """Failures come encrypted or plain, with names in camel case."""
    for handed_in in (hand_in(encrypt(source)), hand_in(source, is_text=False)):
        with pytest.raises(error):
            await fetch(handed_in)


async def test_cipher_text_without_aes_key_is_the_operators() -> None:
    """The number of a mini program needs the console's AES key in the settings."""
    with pytest.raises(ProviderConfig, match="aes_key"):
        await fetch(hand_in(encrypt(NUMBER)), dict(KEY_MODE))


def test_provider_has_the_ability() -> None:
    """The core recognises abilities by their methods."""
    assert issubclass(AlipayProvider, FetchesPhone)
