"""Answers of WeChat that name an error, and those that WeChat should never give."""

import traceback

import pytest

from connect_core.plugin import (
    CodeInvalid,
    PersonId,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderRefused,
)
from connect_wechat.responses import RETRY_AFTER

from ..kit.wechat_vendor import APP_ID, CODE, INVALID_CODE, SECRET, WEBSITE_TOKEN, log_in


@pytest.mark.parametrize("id_value", ['" "', "true", "1.5", '["OPENID"]', "{}", '"' + "x" * 256 + '"'])
@pytest.mark.parametrize("key", ["openid", "unionid"])
async def test_id_that_is_no_text_is_refused(key: str, id_value: str) -> None:
    """Neither id is guessed at."""
    ids = {"openid": '"OPENID"', "unionid": '"UNIONID"'} | {key: id_value}
    with pytest.raises(ProviderBadResponse):
        await log_in(f'{{"access_token":"T","openid":{ids["openid"]},"unionid":{ids["unionid"]}}}'.encode())


@pytest.mark.parametrize("empty", ["null", '""'])
async def test_empty_id_is_absent(empty: str) -> None:
    """A union id may be missing, an open id may not."""
    identity = await log_in(f'{{"access_token":"T","openid":"OPENID","unionid":{empty}}}'.encode())
    assert identity.ids == (PersonId.open_id("OPENID", APP_ID),)
    with pytest.raises(ProviderBadResponse):
        await log_in(f'{{"access_token":"T","openid":{empty},"unionid":"UNIONID"}}'.encode())


async def test_whole_number_id_keeps_its_digits() -> None:
    """A number beyond 2^53 is not rounded."""
    assert (await log_in(b'{"access_token":"T","openid":12345678901234567891}')).ids == (
        PersonId.open_id("12345678901234567891", APP_ID),
    )


@pytest.mark.parametrize("body", [b'{"access_token":"T"}', b'{"errcode":0,"errmsg":"ok"}', b"{}"])
async def test_success_without_a_person_is_a_failure(body: bytes) -> None:
    """No error is not yet a login."""
    with pytest.raises(ProviderBadResponse):
        await log_in(body)


@pytest.mark.parametrize("token", ["", '"access_token":null,', '"access_token":"",', '"access_token":"\udce9",'])
async def test_missing_or_broken_access_token_is_refused(token: str) -> None:
    """What fetches the profile is a printable token, or the answer is not WeChat's."""
    with pytest.raises(ProviderBadResponse):
        await log_in(f'{{{token}"openid":"OPENID"}}'.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("body", [b'{"errcode":40029,"openid":"OPENID","access_token":"T"}', INVALID_CODE])
async def test_error_inside_http_200_is_an_error(body: bytes) -> None:
    """An errcode counts even where an openid stands beside it."""
    with pytest.raises(CodeInvalid):
        await log_in(body)


@pytest.mark.parametrize("errcode", ["true", '"busy"', "[40029]", "1.5", "{}"])
async def test_errcode_that_is_no_number_is_refused(errcode: str) -> None:
    """An error in an odd shape is never taken for success."""
    with pytest.raises(ProviderBadResponse):
        await log_in(f'{{"errcode":{errcode},"openid":"OPENID","access_token":"T"}}'.encode())


@pytest.mark.parametrize("errcode", ["null", '""', '"0"', "0"])
async def test_errcode_that_says_nothing_is_none(errcode: str) -> None:
    """Empty is absent, and a number may be a text; `"40029"` is the error of that number."""
    assert await log_in(f'{{"errcode":{errcode},"openid":"OPENID","access_token":"T"}}'.encode())
    with pytest.raises(CodeInvalid):
        await log_in(b'{"errcode":"40029","openid":"OPENID","access_token":"T"}')


@pytest.mark.parametrize("is_snapshot", ['"0"', "0", '""', "null"])
async def test_no_snapshot_may_be_written_in_any_way(is_snapshot: str) -> None:
    """`is_snapshotuser` is a number or a text; only 1 means a snapshot page."""
    assert await log_in(f'{{"is_snapshotuser":{is_snapshot},"openid":"OPENID","access_token":"T"}}'.encode())
    with pytest.raises(ProviderDenied):
        await log_in(b'{"is_snapshotuser":"1","openid":"OPENID","access_token":"T"}')


@pytest.mark.parametrize(
    ("error", "errcodes"),
    [
        (CodeInvalid, [40029, 40163, 42003]),
        (ProviderConfig, [40001, 40013, 40125, 48001, 10003]),
        (ProviderDenied, [40226]),
        (ProviderRefused, [-1, 45009, 45011, 99999]),
    ],
)
async def test_each_errcode_becomes_the_right_error(error: type[Exception], errcodes: list[int]) -> None:
    """A visitor starts again, an operator acts, or everybody waits: never a guess between them."""
    for errcode in errcodes:
        with pytest.raises(error) as caught:
            await log_in(f'{{"errcode":{errcode},"errmsg":"any"}}'.encode())
        assert type(caught.value) is error


@pytest.mark.parametrize("errcode", RETRY_AFTER)
async def test_busy_wechat_says_when_to_come_back(errcode: int) -> None:
    """Over the limit and out of order carry a number of seconds."""
    with pytest.raises(ProviderRefused) as caught:
        await log_in(f'{{"errcode":{errcode},"errmsg":"any"}}'.encode())
    assert caught.value.retry_after == RETRY_AFTER[errcode] > 0


@pytest.mark.parametrize(
    ("errmsg", "rid"),
    [
        ("rid: " + "a" * 500, "a" * 64),
        (r"rid: a\nforged line", "a"),
        ("rid: ", None),
        (r"rid: \u001b[31m", None),
        ("grid: abc", None),
    ],
)
async def test_trace_is_short_and_printable(errmsg: str, rid: str | None) -> None:
    """Of WeChat's message only a trace id goes on; neither its length nor its characters are WeChat's to choose."""
    with pytest.raises(ProviderRefused) as caught:
        await log_in(f'{{"errcode":-1,"errmsg":"system error, {errmsg}"}}'.encode())
    assert caught.value.vendor.get("rid") == rid


@pytest.mark.parametrize("errmsg", ["null", "7", '["rid: a"]', f'"the code {CODE} and the secret {SECRET}"'])
async def test_error_holds_nothing_of_the_login(errmsg: str) -> None:
    """Neither text, vendor fields nor traceback hold code or secret, whatever WeChat's message is."""
    with pytest.raises(CodeInvalid) as caught:
        await log_in(f'{{"errcode":40029,"errmsg":{errmsg}}}'.encode())
    shown_text = "".join(traceback.format_exception(caught.value)) + repr(caught.value.vendor)
    assert CODE not in shown_text
    assert SECRET not in shown_text


@pytest.mark.parametrize("status", [201, 302, 404, 429, 503])
async def test_success_has_status_200(status: int) -> None:
    """An outage is tried again later; what comes with another status than 200 is not WeChat's success."""
    with pytest.raises(ProviderRefused if status in {429, 503} else ProviderBadResponse):
        await log_in(WEBSITE_TOKEN, status=status)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        WEBSITE_TOKEN[:60],
        b'{"openid":"A","openid":"B","access_token":"T"}',
        b'{"openid":NaN}',
        b"[" * 100_000,
        b"[]",
        b'{"openid":' + b"9" * 5000 + b"}",
        WEBSITE_TOKEN.decode().encode("utf-16"),
    ],
    ids=["empty", "html", "truncated", "duplicate", "nan", "deep", "list", "digits", "utf-16"],
)
async def test_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    """Nothing that comes over the network ends in anything but our own error."""
    with pytest.raises(ProviderBadResponse):
        await log_in(body)


async def test_id_with_broken_bytes_is_refused() -> None:
    """Bytes that are no UTF-8 are never dropped from an id, which would make it another one."""
    with pytest.raises(ProviderBadResponse):
        await log_in(b'{"access_token":"T","openid":"OPEN\xffID"}')
