"""The mini program's login: a code without a browser, and what the client hands in beside it and must prove."""

import base64
import json
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from connect_core.plugin import (
    BadRequest,
    ClientType,
    CodeInvalid,
    FetchesPhone,
    Identity,
    PersonId,
    Profile,
    ProviderBadResponse,
    ProviderConfig,
    ProviderRefused,
    VerifiedPhone,
    encrypt_aes_cbc,
    sha1_hex,
)
from connect_wechat import WechatProvider
from connect_wechat.mini import CLOCK_SKEW, MAX_AGE

from ..kit.wechat_vendor import APP_ID, CODE, OPEN_ID, SECRET, Transport, came_back, provider

MINI = ClientType.MINI
SESSION, TOKEN_CALL, PHONE_CALL = "/sns/jscode2session", "/cgi-bin/stable_token", "/wxa/business/getuserphonenumber"
KEY = base64.b64encode(bytes(range(16))).decode()

# https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html
SESSION_ANSWER = (
    f'{{"openid":"OPENID","session_key":"{KEY}","unionid":"UNIONID","errcode":0,"errmsg":"xxxxx"}}'.encode()
)
# https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html
STABLE_TOKEN = b'{"access_token":"APP_TOKEN","expires_in":7200}'
# https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html (the worked example)
DOCUMENTED_KEY = "HyVFkGl5F5OQWJZZaNzBBg=="
DOCUMENTED_RAW = (
    '{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN",'
    '"avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAt'
    'pujxyzYsrztuuICqIM5ibXQ/0"}'
)
DOCUMENTED_SIGNATURE = "75e81ceda165f4ffa64f4068af58c64b8f54b88c"


def phone_info(*, age: float = 0, app_id: str = APP_ID, **changed: object) -> dict[str, Any]:
    """https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html ."""
    watermark = {"timestamp": int(time.time() - age), "appid": app_id}
    documented = {"phoneNumber": "13800000001", "purePhoneNumber": "13800000001", "countryCode": "86"}
    return {**documented, "watermark": watermark, **changed}


def encrypted(plain: object, *, key: str = KEY) -> dict[str, str]:
    """What the phone button hands the page in the older way."""
    iv = secrets.token_bytes(16)
    content = plain if isinstance(plain, bytes) else json.dumps(plain).encode()
    data = encrypt_aes_cbc(base64.b64decode(key), content, iv)
    return {"encryptedData": base64.b64encode(data).decode(), "iv": base64.b64encode(iv).decode()}


async def log_in(transport: Transport, **handed_in: str) -> Identity:
    """Hand in a code and more."""
    return await provider(transport).login_callback(came_back(MINI, **handed_in))


async def profile_of(**handed_in: str) -> Profile | None:
    """The profile of who hands this in."""
    transport = Transport({SESSION: SESSION_ANSWER.replace(KEY.encode(), DOCUMENTED_KEY.encode())})
    return (await provider(transport).fetch_profile(await log_in(transport, **handed_in))).profile


async def fetch(transport: Transport | None = None, **handed_in: str) -> VerifiedPhone | None:
    """Log in, and ask for the number."""
    wechat = provider(transport or Transport({SESSION: SESSION_ANSWER}))
    response = came_back(MINI, **handed_in)
    return await wechat.fetch_phone(response, await wechat.login_callback(response))


class Telling(Transport):
    """A WeChat that knows the number behind any code, and may call an app token dead first."""

    def __init__(self, phone_info: object, *, dead: int = 0, errcode: int = 40001) -> None:
        """`phone_info` is the number's answer; `dead` calls are refused with `errcode` before that."""
        super().__init__({SESSION: SESSION_ANSWER})
        self.phone_info, self.dead, self.errcode, self.tokens = phone_info, dead, errcode, 0

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Give the next token, or the number."""
        if request.url.path == TOKEN_CALL:
            self.tokens += 1
            self.responses = {
                **self.responses,
                TOKEN_CALL: STABLE_TOKEN.replace(b"APP_TOKEN", b"APP_TOKEN_%d" % self.tokens),
            }
        elif request.url.path == PHONE_CALL:
            answer: Mapping[str, object] = {"errcode": 0, "errmsg": "ok", "phone_info": self.phone_info}
            if self.dead:
                self.dead, answer = self.dead - 1, {"errcode": self.errcode, "errmsg": "invalid credential"}
            self.responses = {**self.responses, PHONE_CALL: json.dumps(answer).encode()}
        return await super().answer(request)


async def test_code_is_redeemed_as_documented() -> None:
    """One GET; unionid, then openid with the app id as its scope."""
    transport = Transport({SESSION: SESSION_ANSWER})
    identity = await log_in(transport)
    (url,) = transport.requests
    assert url.params == httpx.QueryParams(appid=APP_ID, secret=SECRET, js_code=CODE, grant_type="authorization_code")
    assert identity.ids == (PersonId.union_id("UNIONID"), OPEN_ID)
    assert (await log_in(Transport({SESSION: SESSION_ANSWER.replace(b'"unionid":"UNIONID",', b"")}))).ids == (OPEN_ID,)


async def test_session_key_stays_in_the_grant() -> None:
    """Nothing that is shown, compared or stored holds it; an answer without one is not WeChat's."""
    identity = await log_in(Transport({SESSION: SESSION_ANSWER}))
    shown = await provider(Transport({})).fetch_profile(identity)
    assert KEY not in repr(identity) + repr(shown)
    assert KEY in identity.grant
    for missing in ("null", '""', "7"):
        with pytest.raises(ProviderBadResponse):
            await log_in(Transport({SESSION: SESSION_ANSWER.replace(f'"{KEY}"'.encode(), missing.encode())}))


async def test_ids_that_the_client_hands_in_are_nobodys() -> None:
    """Who it is, WeChat says alone."""
    claimed = {"openid": "VICTIM", "unionid": "VICTIM", "openId": "VICTIM", "appid": "wxevil", "member_id": "1"}
    transport = Transport({SESSION: SESSION_ANSWER})
    identity = await log_in(transport, **claimed)
    assert identity.ids == (PersonId.union_id("UNIONID"), OPEN_ID)
    assert transport.requests[0].params["appid"] == APP_ID
    assert "VICTIM" not in identity.grant


async def test_nickname_is_display_text_and_a_picture_is_not_taken() -> None:
    """What people call themselves is cleaned and shown; an address of the client's would be visited by others."""
    profile = await profile_of(
        nickname="\u202e李华\u0000", avatarUrl="https://evil.example/t.png", face="https://evil.example/"
    )
    assert profile == Profile.of(nickname="\u202e李华\u0000")
    assert profile.face == ""
    assert await profile_of() == Profile()


async def test_raw_data_with_its_signature_is_shown() -> None:
    """The worked example of the documentation verifies; its picture is plain http and shown by https."""
    profile = await profile_of(rawData=DOCUMENTED_RAW, signature=DOCUMENTED_SIGNATURE)
    assert profile is not None
    assert replace(profile, face="") == Profile(nickname="Band", sex=1, province="Guangdong", city="Guangzhou")
    assert profile.face.startswith("https://wx.qlogo.cn/")
    secure = DOCUMENTED_RAW.replace("http:", "https:")
    profile = await profile_of(rawData=secure, signature=sha1_hex(secure + DOCUMENTED_KEY), nickname="小李")
    assert profile is not None
    assert (profile.nickname, profile.face[:24]) == ("小李", "https://wx.qlogo.cn/mmop")


@pytest.mark.parametrize(
    "changed",
    [
        {"signature": ""},
        {"signature": DOCUMENTED_SIGNATURE.upper()},
        {"signature": DOCUMENTED_SIGNATURE[:-1] + "d"},
        {"signature": "é" * 40},
        {"signature": sha1_hex(DOCUMENTED_RAW)},
        {"rawData": DOCUMENTED_RAW.replace("Band", "Bond")},
        {"rawData": DOCUMENTED_RAW + " "},
    ],
)
async def test_raw_data_with_another_signature_is_passed_over(
    changed: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """One byte of either, and it is not WeChat's: nothing of it is shown, the login stands, and the log says why."""
    caplog.set_level(logging.INFO, "connect_login")
    assert await profile_of(**{"rawData": DOCUMENTED_RAW, "signature": DOCUMENTED_SIGNATURE} | changed) == Profile()
    [line] = caplog.records
    assert (line.levelname, line.msg, vars(line)["code"]) == ("INFO", "profile_refused", "bad_request")
    assert vars(line)["reason"].startswith("rawData: ")
    assert "Band" not in str(vars(line))


async def test_absent_raw_data_is_no_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Nor is what this login's key has signed."""
    caplog.set_level(logging.INFO, "connect_login")
    for sent in ({}, {"rawData": "", "signature": ""}, {"rawData": DOCUMENTED_RAW, "signature": DOCUMENTED_SIGNATURE}):
        await profile_of(**sent)
    assert caplog.records == []


USER_INFO = {"openId": "o", "nickName": "Band", "watermark": {"appid": APP_ID, "timestamp": 1}}


async def test_encrypted_user_info_is_no_number() -> None:
    """What `wx.getUserInfo` gave names a person, if it is this app's; whatever does not open is no number either."""
    assert await fetch(**encrypted(USER_INFO)) is None
    stale = encrypted(USER_INFO, key=base64.b64encode(bytes(16)).decode())
    for info in (stale, encrypted(USER_INFO | {"watermark": {"appid": "another"}}), encrypted({"openId": "o"})):
        with pytest.raises(BadRequest):
            await fetch(**info)
    assert await fetch(**encrypted(phone_info()), rawData="{}") is not None


async def test_name_that_everybody_has_is_none() -> None:
    """WeChat signs `微信用户` for all since October 2022."""
    raw = DOCUMENTED_RAW.replace("Band", "微信用户")
    profile = await profile_of(rawData=raw, signature=sha1_hex(raw + DOCUMENTED_KEY))
    assert profile is not None
    assert profile.nickname == ""


async def test_number_behind_a_code_is_asked_as_the_app() -> None:
    """The stable token first, as documented; the proof is the code, which works once."""
    transport = Telling(phone_info())
    assert await fetch(transport, phone_code="phone-code") == VerifiedPhone("13800000001", "phone-code")
    assert [url.path for url in transport.requests] == [SESSION, TOKEN_CALL, PHONE_CALL]
    assert json.loads(transport.bodies[1]) == {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}
    assert transport.requests[2].params == httpx.QueryParams(access_token="APP_TOKEN_1")
    assert json.loads(transport.bodies[2]) == {"code": "phone-code"}


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
async def test_dead_app_token_is_fetched_anew_once(errcode: int) -> None:
    """Somebody else replaced it: one more try with a new one, and no third."""
    transport = Telling(phone_info(), dead=1, errcode=errcode)
    assert await fetch(transport, phone_code="c") == VerifiedPhone("13800000001", "c")
    assert [url.params["access_token"] for url in transport.requests if url.path == PHONE_CALL] == [
        "APP_TOKEN_1",
        "APP_TOKEN_2",
    ]
    transport = Telling(phone_info(), dead=2, errcode=errcode)
    with pytest.raises((ProviderConfig, CodeInvalid)):
        await fetch(transport, phone_code="c")
    assert (transport.tokens, transport.dead) == (2, 0)


@pytest.mark.parametrize(("errcode", "error"), [(40029, CodeInvalid), (45011, ProviderRefused), (-1, ProviderRefused)])
async def test_other_refusals_of_the_number_are_not_repeated(errcode: int, error: type[Exception]) -> None:
    """A phone code is paid for and works once."""
    transport = Telling(phone_info(), dead=9, errcode=errcode)
    with pytest.raises(error):
        await fetch(transport, phone_code="c")
    assert (transport.tokens, transport.dead) == (1, 8)


async def test_app_token_is_fetched_once_for_many() -> None:
    """Two logins, one token."""
    transport = Telling(phone_info())
    wechat = provider(transport)
    for _ in range(2):
        response = came_back(MINI, phone_code="c")
        await wechat.fetch_phone(response, await wechat.login_callback(response))
    assert transport.tokens == 1


@pytest.mark.parametrize(
    "answer", [b"{}", b'{"access_token":null,"expires_in":7200}', b'{"errcode":40243,"errmsg":"AppSecret is frozen"}']
)
async def test_app_token_that_is_none_fails(answer: bytes) -> None:
    """A frozen secret is the operator's matter."""
    with pytest.raises(ProviderConfig if b"errcode" in answer else ProviderBadResponse):
        await fetch(Transport({SESSION: SESSION_ANSWER, TOKEN_CALL: answer}), phone_code="c")


@pytest.mark.parametrize("country", ["852", 852])
async def test_number_from_abroad_keeps_its_country(country: str | int) -> None:
    """As Alipay's: `852-61234567`; WeChat's documentation has the country both as a text and as a number."""
    info = phone_info(phoneNumber="+85261234567", purePhoneNumber="61234567", countryCode=country)
    phone = await fetch(Telling(info), phone_code="c")
    assert phone is not None
    assert phone.number == "852-61234567"


@pytest.mark.parametrize("numbers", [{"purePhoneNumber": 13800000001}, {"countryCode": ""}, {"countryCode": "+86"}])
async def test_numbers_may_be_texts_and_texts_numbers(numbers: dict[str, Any]) -> None:
    """Number, country code and time alike; an absent country is mainland China."""
    info = phone_info(**numbers)
    info["watermark"]["timestamp"] = str(info["watermark"]["timestamp"])
    assert await fetch(Telling(info), phone_code="c") == VerifiedPhone("13800000001", "c")


async def test_country_of_the_documented_answer_is_a_number() -> None:
    """`"countryCode": 86` (https://developers.weixin.qq.com/miniprogram/dev/server/API/user-info/phone-number/api_getphonenumber)."""
    assert await fetch(Telling(phone_info(countryCode=86)), phone_code="c") == VerifiedPhone("13800000001", "c")


async def test_encrypted_number_is_opened() -> None:
    """With the key of this very login; the proof is the cipher text, however it is spelt."""
    handed_in = encrypted(phone_info())
    assert await fetch(**handed_in) == VerifiedPhone("13800000001", handed_in["encryptedData"])


BAD_NUMBERS = [
    phone_info(app_id="wxfedcba9876543210"),
    phone_info(age=MAX_AGE + 2),
    phone_info(age=-CLOCK_SKEW - 24 * 3600),  # made when the tests are collected, long before this one may run
    phone_info(watermark=None),
    phone_info(watermark={"appid": APP_ID}),
    phone_info(watermark={"appid": APP_ID, "timestamp": "now"}),
    phone_info(watermark={"appid": APP_ID, "timestamp": 10**400}),
    phone_info(purePhoneNumber=""),
    phone_info(purePhoneNumber="１３８００００００１"),
    phone_info(purePhoneNumber="<b>1"),
    phone_info(purePhoneNumber=True),
    phone_info(purePhoneNumber=None),
    phone_info(countryCode="86-1"),
    phone_info(countryCode=True),
    phone_info(countryCode=8.6),
    {},
    None,
]


@pytest.mark.parametrize("info", BAD_NUMBERS)
async def test_number_without_this_apps_fresh_watermark_is_none(info: Any) -> None:
    """Another app's, of yesterday or no number: in both ways, and what came through the client all in one text."""
    with pytest.raises(ProviderBadResponse):
        await fetch(Telling(info), phone_code="c")
    with pytest.raises(BadRequest, match=r"^encryptedData: it does not open, or not as this app's of just now"):
        await fetch(**encrypted(info))


@pytest.mark.parametrize("age", [MAX_AGE - 5, -CLOCK_SKEW + 5])
async def test_watermark_may_be_ten_minutes_old_and_a_minute_early(age: int) -> None:
    """People read before they press; clocks differ."""
    assert await fetch(**encrypted(phone_info(age=age))) is not None


async def test_every_failure_to_open_reads_the_same() -> None:
    """A stale session key, padding, length, spelling, charset, JSON: nobody learns which, and none is a 500."""
    good = encrypted(phone_info())
    data = base64.b64decode(good["encryptedData"])
    spoilt = [
        encrypted(phone_info(), key=base64.b64encode(bytes(16)).decode()),
        good | {"encryptedData": base64.b64encode(data[:-1] + bytes([data[-1] ^ 1])).decode()},
        good | {"encryptedData": base64.b64encode(data[:-3]).decode()},
        good | {"encryptedData": base64.b64encode(data[16:]).decode()},
        good | {"encryptedData": "!"},
        good | {"encryptedData": "é"},
        good | {"iv": ""},
        good | {"iv": base64.b64encode(bytes(15)).decode()},
        {"encryptedData": good["encryptedData"]},
        encrypted(b"\xff\xfe"),
        encrypted(b"[1]"),
        encrypted(b'{"purePhoneNumber":"1","purePhoneNumber":"2"}'),
        encrypted(b"[" * 2000),
    ]
    texts = set()
    for handed_in in spoilt:
        with pytest.raises(BadRequest) as caught:
            await fetch(**handed_in)
        texts.add(str(caught.value))
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
    assert len(texts) == 1


async def test_proof_has_one_spelling() -> None:
    """Base64 lets the last letter differ without a difference; the proof does not."""
    handed_in = encrypted(phone_info(x="a"))
    while not handed_in["encryptedData"].endswith("="):
        handed_in = encrypted(phone_info(x="a" * secrets.randbelow(64)))
    head, pads = handed_in["encryptedData"].rstrip("="), handed_in["encryptedData"].count("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = head[:-1] + alphabet[alphabet.index(head[-1]) ^ 1] + "=" * pads
    assert await fetch(**handed_in) == await fetch(**handed_in | {"encryptedData": twin})


async def test_no_number_where_none_is_handed_in() -> None:
    """Nor on web pages, whatever their parameters are."""
    assert issubclass(WechatProvider, FetchesPhone)
    assert await fetch() is None
    assert await fetch(phone_code="", encryptedData="") is None
    identity = Identity("WECHAT", (OPEN_ID,), APP_ID, grant="TOKEN")
    for client_type in set(ClientType) - {MINI}:
        response = came_back(client_type, phone_code="c", **encrypted(phone_info()))
        assert await provider(Transport({})).fetch_phone(response, identity) is None
