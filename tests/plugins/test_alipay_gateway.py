"""The V2 gateway: what is sent and signed, and which answers are believed."""

import base64
import os
import time
from collections.abc import Iterator
from urllib.parse import parse_qsl

import httpx
import pytest

from connect_alipay.gateway import Gateway
from connect_alipay.keys import load_keys
from connect_alipay.settings import AlipaySettings
from connect_alipay.signature import get_signed_text, is_signed_by
from connect_core.crypto.minting import sign_with_sha1
from connect_core.http import HttpPool
from connect_core.plugin import (
    CodeInvalid,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderRefused,
    ProviderUnsigned,
)

from ..kit.alipay_vendor import (
    AES_KEY,
    ALIPAYS,
    APP_ID,
    CODE,
    CODE_INVALID,
    KEY_MODE,
    OURS,
    STRANGERS,
    TOKEN,
    TOKEN_CALL,
    TOKEN_NODE,
    USER_CALL,
    USER_NODE,
    Transport,
    answer,
    change,
    encrypt,
    read_parameters,
    sign,
)

REDEEM = {"grant_type": "authorization_code", "code": CODE}
WITH_AES = {**KEY_MODE, "aes_key": base64.b64encode(AES_KEY).decode()}
GBK = {**KEY_MODE, "charset": "gbk"}


async def call(
    network: Transport | bytes | httpx.Response, mode: dict[str, str] | None = None, **form: str
) -> dict[str, object]:
    """Redeem a code at `network`, a transport or the one answer that it gives."""
    transport = network if isinstance(network, Transport) else Transport([network])
    settings = AlipaySettings.model_validate(mode or KEY_MODE)
    gateway = Gateway(settings, load_keys(settings), HttpPool(transport=transport).for_provider("alipay"), lambda: 0)
    return await gateway.call(TOKEN_CALL, {**REDEEM, **form})


def is_signed_by_us(parameters: dict[str, str], charset: str = "utf-8") -> bool:
    """Check a request as Alipay does: `sign` over all other parameters."""
    signature = parameters.pop("sign")
    return is_signed_by(OURS.public_key(), signature, get_signed_text(parameters).encode(charset))


@pytest.fixture
def far_away() -> Iterator[None]:
    """A host whose clock shows the time of New York."""
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    os.environ["TZ"] = "UTC"
    time.tzset()


async def test_request_carries_what_the_gateway_asks_for() -> None:
    """The charset stands in the address, where the gateway looks for it; nothing else is left to access logs."""
    transport = Transport([answer(TOKEN)])
    await call(transport)
    [request] = transport.requests
    assert dict(request.url.params) == {"charset": "utf-8"}
    form = dict(parse_qsl(request.content.decode(), strict_parsing=True))
    assert form.pop("sign")
    assert form == {
        "app_id": APP_ID,
        "method": TOKEN_CALL,
        "format": "JSON",
        "sign_type": "RSA2",
        "timestamp": "1970-01-01 08:00:00",
        "version": "1.0",
        "grant_type": "authorization_code",
        "code": CODE,
    }
    assert request.headers["content-type"] == "application/x-www-form-urlencoded;charset=utf-8"


@pytest.mark.usefixtures("far_away")
async def test_timestamp_is_china_time_on_any_host() -> None:
    """The gateway reads UTC+8, whatever the host's time zone is."""
    transport = Transport([answer(TOKEN)])
    await call(transport)
    assert read_parameters(transport.requests[0])["timestamp"] == "1970-01-01 08:00:00"


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
@pytest.mark.parametrize("code", ["a&b=c", "a\nb", "1+1 %2F/", "支付宝", "sign=x&code=y", "\\\"'"])
async def test_signature_covers_the_exact_values(code: str, charset: str) -> None:
    """Raw values are signed, in the request's charset, and arrive as they were signed."""
    transport = Transport([answer(TOKEN)])
    await call(transport, {**KEY_MODE, "charset": charset}, code=code)
    sent = read_parameters(transport.requests[0], charset)
    assert sent["code"] == code
    assert is_signed_by_us(sent, charset)


@pytest.mark.parametrize("code", ["🙂", "\ud800"])
async def test_characters_outside_the_charset_reach_alipay_as_question_marks(code: str) -> None:
    """What cannot be a code of Alipay's is left for Alipay to refuse, in a request that is still signed."""
    transport = Transport([answer(TOKEN)])
    await call(transport, GBK, code=code)
    sent = read_parameters(transport.requests[0], "gbk")
    assert sent["code"] == "?"
    assert is_signed_by_us(sent, "gbk")


async def test_empty_values_are_neither_signed_nor_sent() -> None:
    """SDKs differ over empty parameters, so there are none."""
    transport = Transport([answer(TOKEN)])
    await call(transport, refresh_token="")
    sent = read_parameters(transport.requests[0])
    assert "" not in sent.values()
    assert "refresh_token" not in sent
    assert is_signed_by_us(sent)


def test_names_are_sorted_before_they_are_joined() -> None:
    """Where one name begins another, sorting the joined pairs would give another text."""
    assert get_signed_text({"app_id": "1", "app": "2", "app-": "3", "B": "4", "c": ""}) == "B=4&app=2&app-=3&app_id=1"


async def test_token_of_a_person_is_in_no_address() -> None:
    """Addresses end up in the logs of proxies; the gateway takes `auth_token` from the form too."""
    transport = Transport([answer('{"code":"10000"}', node=USER_NODE)])
    settings = AlipaySettings.model_validate(KEY_MODE)
    gateway = Gateway(settings, load_keys(settings), HttpPool(transport=transport).for_provider("alipay"))
    await gateway.call(USER_CALL, {}, auth_token="composeB/+=%")
    assert "auth_token" not in transport.requests[0].url.params
    sent = read_parameters(transport.requests[0])
    assert sent["auth_token"] == "composeB/+=%"
    assert is_signed_by_us(sent)


async def test_signed_success_is_believed() -> None:
    """The documented answer of the token call, signed by Alipay, comes back as data."""
    assert (await call(answer(TOKEN)))["user_id"] == "2088102150477652"


@pytest.mark.parametrize(
    "body",
    [
        f'{{"{TOKEN_NODE}":{TOKEN}}}',
        f'{{"{TOKEN_NODE}":{TOKEN},"sign":""}}',
        f'{{"{TOKEN_NODE}":{TOKEN},"sign":null}}',
        f'{{"{TOKEN_NODE}":"{encrypt(TOKEN)}"}}',
        f'{{"{TOKEN_NODE}":{change(TOKEN, code="10000")}}}',
    ],
)
async def test_unsigned_success_is_refused(body: str) -> None:
    """A success without a signature is never used."""
    with pytest.raises(ProviderUnsigned):
        await call(body.encode(), WITH_AES)


@pytest.mark.parametrize("node", [TOKEN_NODE, "error_response"])
async def test_unsigned_failure_is_a_failure(node: str) -> None:
    """Where the gateway has no key to sign with, its failure counts as one all the same, and never as a success."""
    with pytest.raises(CodeInvalid):
        await call(f'{{"{node}":{CODE_INVALID}}}'.encode())


async def test_unsigned_error_response_is_no_success_whatever_it_holds() -> None:
    """An `error_response` with the members of a success stays an error."""
    with pytest.raises(ProviderRefused):
        await call(f'{{"error_response":{TOKEN}}}'.encode())
    with pytest.raises(ProviderRefused):
        await call(answer(TOKEN, node="error_response"))


async def test_changed_body_is_refused() -> None:
    """The signature covers every character of the node."""
    body = answer(TOKEN)
    for old, new in ((b"2088102150477652", b"2088102150477653"), (b'"3600",', b'"3600", '), (b'"}', b'","a":"b"}')):
        with pytest.raises(ProviderUnsigned):
            await call(body.replace(old, new, 1))


def test_every_changed_character_of_the_signature_is_refused() -> None:
    """No place of the base64 text is free, its last unused bits included."""
    text = TOKEN.encode()
    signature = sign(TOKEN)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    spelt = [signature[:place] + other + signature[place + 1 :] for place in (0, 171, 341) for other in alphabet]
    spelt += [
        signature + "=",
        signature[:-1],
        signature[:-2],
        f" {signature}",
        f"{signature}\n",
        signature.lower(),
        "签",
    ]
    assert is_signed_by(ALIPAYS.public_key(), signature, text)
    assert [spelling for spelling in spelt if is_signed_by(ALIPAYS.public_key(), spelling, text)] == [signature] * 3


async def test_signature_of_another_key_or_digest_is_refused() -> None:
    """Only Alipay's key counts, and only with SHA-256, whatever digest a signature names itself."""
    with_sha1 = sign_with_sha1(ALIPAYS, TOKEN.encode())
    for signature in (sign(TOKEN, STRANGERS), sign(TOKEN, OURS), with_sha1):
        with pytest.raises(ProviderUnsigned):
            await call(f'{{"{TOKEN_NODE}":{TOKEN},"sign":"{signature}"}}'.encode())


async def test_failure_with_a_wrong_signature_tells_both() -> None:
    """A failure that somebody else signed is not believed, and the log still learns what it said."""
    with pytest.raises(ProviderUnsigned) as caught:
        await call(answer(CODE_INVALID, key=STRANGERS))
    assert caught.value.vendor["sub_code"] == "isv.code-invalid"


async def test_answer_to_another_method_is_refused() -> None:
    """A genuine answer counts under the name of the method that was called."""
    with pytest.raises(ProviderBadResponse):
        await call(answer(TOKEN, node=USER_NODE))


async def test_error_beside_a_signed_success_is_refused() -> None:
    """An answer that says yes and no at once says nothing."""
    with pytest.raises(ProviderBadResponse):
        await call(answer(TOKEN).replace(b"{", f'{{"error_response":{CODE_INVALID},'.encode(), 1))


async def test_escaped_slashes_are_verified_in_both_spellings() -> None:
    """A slash may be escaped before or after signing; what verified is what gets read."""
    source = change(TOKEN, avatar="https://tfs.alipayobjects.com/a/b")
    escaped = source.replace("/", "\\/")
    late = answer(source).replace(source.encode(), escaped.encode())
    for body in (answer(source), answer(escaped), late):
        assert (await call(body))["avatar"] == "https://tfs.alipayobjects.com/a/b"


async def test_backslash_put_in_after_signing_does_not_get_into_the_data() -> None:
    """Unescaping slashes for the signature must not leave other data to be read."""
    source = TOKEN.replace('"3600"', '"a\\\\/b"', 1)
    forged = answer(source.replace("\\\\/", "\\/")).replace(b"a\\/b", b"a\\\\/b")
    assert (await call(forged))["expires_in"] == "a/b"


async def test_gbk_answer_is_verified_on_its_bytes() -> None:
    """With `charset = gbk` the signature covers GBK bytes and names come out right."""
    source = change(TOKEN, nick_name="誠許{功蓋\\")
    assert (await call(answer(source, charset="gbk"), GBK))["nick_name"] == "誠許{功蓋\\"


async def test_answer_in_another_charset_than_asked_for_is_refused() -> None:
    """The charset of the request decides; another one is broken text or another signature."""
    source = change(TOKEN, nick_name="支付宝小二")
    for body, mode in ((answer(source, charset="gbk"), KEY_MODE), (answer(source), GBK)):
        with pytest.raises((ProviderBadResponse, ProviderUnsigned)):
            await call(body, dict(mode))


async def test_charset_header_of_the_answer_is_not_asked() -> None:
    """A wrong `content-type` changes nothing."""
    header = {"content-type": "text/html;charset=ISO-8859-1"}
    reply = httpx.Response(200, headers=header, content=answer(change(TOKEN, nick_name="李华")))
    assert (await call(reply))["nick_name"] == "李华"


@pytest.mark.parametrize("body", ["<html>系统繁忙</html>".encode(), b"", b"\x00"])
async def test_body_that_is_not_json_is_refused(body: bytes) -> None:
    """The gateway's pages of an outage are bad responses, whatever their status of success says."""
    for status in (200, 404):
        with pytest.raises(ProviderBadResponse):
            await call(httpx.Response(status, headers={"content-type": "text/html"}, content=body))


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_outage_is_a_refusal(status: int) -> None:
    """An outage is told before anybody reads the body."""
    with pytest.raises(ProviderRefused):
        await call(httpx.Response(status, content=answer(TOKEN)))


@pytest.mark.parametrize("source", ['{"a":1,"a":2}', '{"a":' + "[" * 40 + "]" * 40 + "}"])
async def test_signed_data_that_is_ambiguous_or_too_deep_is_refused(source: str) -> None:
    """Inside the signed node the same strictness holds."""
    with pytest.raises(ProviderBadResponse):
        await call(answer(source))


# https://opendocs.alipay.com/common/02km9f and the pages of the two calls
@pytest.mark.parametrize(
    ("code", "sub_code", "error"),
    [
        ("20000", "isp.unknow-error", ProviderRefused),
        ("20000", "aop.unknow-error", ProviderRefused),
        ("20001", "aop.invalid-auth-token", CodeInvalid),
        ("20001", "aop.auth-token-time-out", CodeInvalid),
        ("40001", "isv.missing-signature", ProviderConfig),
        ("40001", "isv.missing-app-cert-sn", ProviderConfig),
        ("40002", "isv.code-invalid", CodeInvalid),
        ("40002", "isv.refresh-token-invalid", CodeInvalid),
        ("40002", "isv.refresh-token-time-out", CodeInvalid),
        ("40002", "isv.refreshed-token-invalid", CodeInvalid),
        ("40002", "isv.invalid-signature", ProviderConfig),
        ("40002", "isv.invalid-app-id", ProviderConfig),
        ("40002", "isv.invalid-timestamp", ProviderConfig),
        ("40002", "isv.grant-type-invalid", ProviderConfig),
        ("40002", "isv.unmatched-app-id", ProviderConfig),
        ("40003", "isv.invalid-auth-relations", ProviderDenied),
        ("40004", "AUTH_CODE_NOT_EXIST", CodeInvalid),
        ("40004", "SOMETHING_NEW", ProviderRefused),
        ("40005", "isv.app-call-limited", ProviderRefused),
        ("40006", "isv.insufficient-isv-permissions", ProviderConfig),
        ("40006", "isv.insufficient-user-permissions", ProviderConfig),
        ("99999", "isp.something-new", ProviderRefused),
        ("99999", "", ProviderRefused),
    ],
)
@pytest.mark.parametrize("node", [TOKEN_NODE, "error_response"])
async def test_failure_becomes_the_error_that_says_who_must_act(
    code: str, sub_code: str, error: type[Exception], node: str
) -> None:
    """The person, the operator or nobody: the sub code decides, then the code."""
    source = change(CODE_INVALID, code=code, sub_code=sub_code or None)
    reply = httpx.Response(200, headers={"trace_id": "0b1a2c3d"}, content=answer(source, node=node))
    with pytest.raises(error) as caught:
        await call(reply)
    codes = {"code": code, "trace_id": "0b1a2c3d", "sub_code": sub_code}
    assert caught.value.vendor == {key: value for key, value in codes.items() if value}  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", [5, None, True, [], {"a": 1}, "x\r\nSet-Cookie: y", "支" * 99, "A" * 500])
async def test_odd_codes_of_a_failure_are_cleaned(code: object) -> None:
    """What Alipay calls a failure goes to the log as short printable ASCII, and nothing crashes over its type."""
    source = change(CODE_INVALID, sub_code=code, code="40004", sub_msg=f"code={CODE}")
    with pytest.raises(ProviderRefused) as caught:
        await call(answer(source))
    assert all(text.isascii() and text.isprintable() and len(text) <= 64 for text in caught.value.vendor.values())
    assert CODE not in f"{caught.value}{caught.value.vendor}"
