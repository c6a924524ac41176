"""Where the signed text of an answer begins and ends: the reader against every form a gateway's body may take."""

import json

import pytest

from connect_alipay.responses import find_members, read_reply
from connect_core.plugin import ProviderBadResponse

from ..kit.alipay_vendor import CODE_INVALID, TOKEN, TOKEN_CALL, TOKEN_NODE


def read(body: str, charset: str = "utf-8") -> str:
    """Return the source text that a body's signature must cover."""
    return read_reply(body.encode(charset), charset, TOKEN_CALL).source


@pytest.mark.parametrize(
    "source",
    [
        TOKEN,
        '{"nick_name":"a}\\"{b","x":"\\\\"}',
        '{ "a" : [ {} , "]}" ] ,\n "b" : {"c":{}} }',
        '{"nick_name":"李华\\u674e🙂"}',
        '{"sign":"inner","alipay_cert_sn":"inner"}',
        "{}",
        '"b2theSBiYXNlNjQ="',
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        '{"NODE":SOURCE,"sign":"c2ln"}',
        '{"sign":"c2ln","NODE":SOURCE}',
        '{"NODE":SOURCE,"alipay_cert_sn":"0f","sign":"c2ln"}',
        '{"alipay_cert_sn":"0f","sign":"c2ln","NODE":SOURCE}',
        ' \r\n{ \t"NODE"\n: SOURCE , "sign" :"c2ln" } \n',
        '{"before":[1,{"NODE":{}}],"NODE":SOURCE,"sign":"c2ln","after":null}',
        '\ufeff{"NODE":SOURCE,"sign":"c2ln"}',
    ],
)
def test_signed_text_is_found_character_by_character(body: str, source: str) -> None:
    """Order, white space, unknown siblings and braces inside strings leave the signed text as it was sent."""
    assert read(body.replace("NODE", TOKEN_NODE).replace("SOURCE", source)) == source


def test_signature_and_certificate_are_read_beside_the_node() -> None:
    """`sign` and `alipay_cert_sn` come from the top level, escapes resolved."""
    body = f'{{"{TOKEN_NODE}":{{}},"sign":"a\\/b+","alipay_cert_sn":"0f"}}'
    reply = read_reply(body.encode(), "utf-8", TOKEN_CALL)
    assert (reply.sign, reply.serial, reply.is_error) == ("a/b+", "0f", False)


@pytest.mark.parametrize("sign", ["null", "7", "{}", '""', "true"])
def test_signature_that_is_no_text_is_none(sign: str) -> None:
    """A `sign` of another type counts as missing."""
    assert read_reply(f'{{"{TOKEN_NODE}":{{}},"sign":{sign}}}'.encode(), "utf-8", TOKEN_CALL).sign == ""


def test_error_response_is_told_apart() -> None:
    """What stands under `error_response` is a failure whatever it says."""
    reply = read_reply(f'{{"error_response":{CODE_INVALID}}}'.encode(), "utf-8", TOKEN_CALL)
    assert (reply.is_error, reply.source) == (True, CODE_INVALID)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"error_response":{CODE_INVALID},"{TOKEN_NODE}":{TOKEN},"sign":"c2ln"}}',
        f'{{"{TOKEN_NODE}":{TOKEN},"error_response":{CODE_INVALID},"sign":"c2ln"}}',
        f'{{"{TOKEN_NODE}":{TOKEN},"error_response":null,"sign":"c2ln"}}',
        f'{{"{TOKEN_NODE}":{TOKEN},"{TOKEN_NODE}":{TOKEN},"sign":"c2ln"}}',
        f'{{"{TOKEN_NODE}":{TOKEN},"\\u0061{TOKEN_NODE[1:]}":{TOKEN},"sign":"c2ln"}}',
        f'{{"{TOKEN_NODE}":{TOKEN},"sign":"c2ln","sign":"c2lo"}}',
        f'{{"alipay_user_info_share_response":{TOKEN},"sign":"c2ln"}}',
        f'{{"{TOKEN_NODE.upper()}":{TOKEN},"sign":"c2ln"}}',
        f'{{"outer":{{"{TOKEN_NODE}":{TOKEN}}},"sign":"c2ln"}}',
        f'{{"{TOKEN_NODE}":[{TOKEN}],"sign":"c2ln"}}',
        f'{{"{TOKEN_NODE}":null,"sign":"c2ln"}}',
        '{"sign":"c2ln"}',
        "{}",
    ],
)
def test_body_that_does_not_hold_the_answer_alone_is_refused(body: str) -> None:
    """No node of the method called, two of them, or one beside an error: nothing may be believed."""
    with pytest.raises(ProviderBadResponse):
        read(body)


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "null",
        "[]",
        f"[{TOKEN}]",
        '"text"',
        "<html>系统繁忙</html>",
        f'{{"{TOKEN_NODE}":{TOKEN}',
        f'{{"{TOKEN_NODE}":{TOKEN[:40]}',
        f'{{"{TOKEN_NODE}":{TOKEN}}}x',
        f'{{"{TOKEN_NODE}":{TOKEN}}}{{}}',
        f'{{"{TOKEN_NODE}":{TOKEN},}}',
        f'{{"{TOKEN_NODE}" {TOKEN}}}',
        f"{{{TOKEN_NODE}:{TOKEN}}}",
        f'{{5:1,"{TOKEN_NODE}":{TOKEN}}}',
        f'{{"{TOKEN_NODE}":{{"a":NaN}}}}',
        f'{{"x":-Infinity,"{TOKEN_NODE}":{TOKEN}}}',
        f'{{"{TOKEN_NODE}":{{"a":"line\nbreak"}}}}',
        f'{{"{TOKEN_NODE}":{{"a":{"9" * 5000}}}}}',
        f'{{"x":{"[" * 100_000}',
        f'{{"{TOKEN_NODE}":{"[" * 100_000}{"]" * 100_000}}}',
        f'{{"{TOKEN_NODE}":{{"a":"\\x"}}}}',
    ],
)
def test_body_that_is_no_json_object_is_refused(body: str) -> None:
    """Broken, truncated, endless or other JSON is a bad response, never a crash, and its text is in no error."""
    with pytest.raises(ProviderBadResponse) as caught:
        read(body)
    assert "2088" not in str(caught.value)


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_bytes_outside_the_charset_are_refused(charset: str) -> None:
    """Invalid bytes make a bad response, wherever they stand."""
    body = f'{{"{TOKEN_NODE}":{{"nick_name":"'.encode() + b"\x80\xff" + b'"},"sign":"c2ln"}'
    with pytest.raises(ProviderBadResponse):
        read_reply(body, charset, TOKEN_CALL)


def test_gbk_characters_that_hold_ascii_bytes_do_not_confuse_the_reader() -> None:
    """The second byte of a GBK character may be a brace or a backslash; places are counted in characters."""
    source = '{"nick_name":"誠許功蓋鳿"}'
    assert b"\\" in source.encode("gbk")
    assert read(f'{{"{TOKEN_NODE}":{source},"sign":"c2ln"}}', "gbk") == source


def test_every_gbk_character_keeps_its_bytes() -> None:
    """Decoding and encoding again gives back the bytes that were signed."""
    pairs = [bytes((high, low)) for high in range(0x81, 0xFF) for low in range(0x40, 0xFF)]
    texts = {pair: pair.decode("gbk", "replace") for pair in pairs}
    valid = {pair: text for pair, text in texts.items() if "\ufffd" not in text}
    assert len(valid) > 20_000
    assert {pair for pair, text in valid.items() if text.encode("gbk") != pair} == set()


def test_members_agree_with_the_parser() -> None:
    """The reader sees the members that `json` sees."""
    text = json.dumps({"a": 1, "b": [True, None, {"c": "d}"}], "e": "f", "g": -0.5e7, "h": {}})
    assert {name: json.loads(source) for name, source in find_members(text).items()} == json.loads(text)
