"""QQ's provider against QQ's documented answers."""

from typing import ClassVar

import httpx
import pytest

from connect_core.plugin import (
    AuthorizationResponse,
    ClientType,
    CodeInvalid,
    Identity,
    PersonId,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderRefused,
)
from connect_core.providers.calls import Refusal, parse_response
from connect_core.testing import ProviderContract, Visitor, run_shop
from connect_qq import QqProvider
from connect_qq.sandbox import QqSandbox

from ..kit.vendor_transport import CODE, SECRET, Transport, log_in, login_url, make, query

# https://wiki.connect.qq.com/使用authorization_code获取access_token (fmt=json)
TOKENS = b'{"access_token":"YOUR_TOKEN","expires_in":"7776000","refresh_token":"YOUR_REFRESH"}'
# https://wiki.connect.qq.com/unionid介绍 (fmt=json)
ME = b'{"client_id":"YOUR_APPID","openid":"YOUR_OPENID","unionid":"YOUR_UNIONID"}'
# the same page, for an app without the right to unionid
ME_WITHOUT_UNION_ID = b'{"client_id":"YOUR_APPID","openid":"YOUR_OPENID"}'
# the same page: an error comes wrapped as for a script
ME_REFUSED = b'callback( {"error":100016,"error_description":"access token check failed"} );'
# https://wiki.connect.qq.com/get_user_info
USER_INFO = (
    b'{"ret":0,"msg":"","is_lost":0,"nickname":"Peter","gender":"\xe7\x94\xb7","province":"\xe5\xb9\xbf\xe4\xb8\x9c",'
    b'"city":"\xe6\xb7\xb1\xe5\x9c\xb3","figureurl":"http://qzapp.qlogo.cn/qzapp/111111/942FEA/30",'
    b'"figureurl_qq_1":"http://q.qlogo.cn/qqapp/100312990/DE1931D5330620DBD07FB4A5422917B6/40",'
    b'"figureurl_qq_2":"http://q.qlogo.cn/qqapp/100312990/DE1931D5330620DBD07FB4A5422917B6/100"}'
)
# the same page
USER_INFO_REFUSED = b'{"ret":1002,"msg":"\xe8\xaf\xb7\xe5\x85\x88\xe7\x99\xbb\xe5\xbd\x95"}'

OPEN_ID = PersonId.open_id("YOUR_OPENID", "c-1")
KNOWN = Identity("QQ", (OPEN_ID,), "c-1", grant="YOUR_TOKEN")


def answering(tokens: bytes = TOKENS, me: bytes = ME, user_info: bytes = USER_INFO) -> Transport:
    """A QQ that answers so."""
    return Transport({"/oauth2.0/token": tokens, "/oauth2.0/me": me, "/user/get_user_info": user_info})


async def test_link_is_the_documented_one() -> None:
    """No code challenge; phones get the small page."""
    provider = make(QqProvider)
    parameters = query(await login_url(provider, ClientType.H5))
    assert {"scope": "get_user_info", "display": "mobile", "response_type": "code"}.items() <= parameters.items()
    assert "code_challenge" not in parameters
    assert "display" not in query(await login_url(provider))


def test_person_who_cancels_is_a_refusal() -> None:
    """QQ sends phones back with `usercancel` and the state (https://wiki.connect.qq.com/使用authorization_code获取access_token)."""
    response = parse_response(make(QqProvider), {"usercancel": "1", "state": "Ab1"})
    assert isinstance(response, Refusal)
    assert isinstance(response.error, ProviderDenied)


async def test_documented_answers_name_a_person() -> None:
    """Token and ids by GET, in JSON; the openid holds for the app, the unionid across a developer's apps."""
    transport = answering()
    identity = await log_in(make(QqProvider, transport))
    assert identity.ids == (PersonId.union_id("YOUR_UNIONID"), OPEN_ID)
    assert [request.method for request in transport.requests] == ["GET", "GET"]
    assert transport.parameters(0) == {
        "grant_type": "authorization_code",
        "client_id": "c-1",
        "client_secret": SECRET,
        "code": CODE,
        "redirect_uri": "https://shop.example/cb",
        "fmt": "json",
    }
    assert transport.parameters(1) == {"access_token": "YOUR_TOKEN", "unionid": "1", "fmt": "json"}


async def test_app_without_unionid_works() -> None:
    """A unionid comes only to those who applied for it."""
    assert (await log_in(make(QqProvider, answering(me=ME_WITHOUT_UNION_ID)))).ids == (OPEN_ID,)


class Unprivileged(Transport):
    """A QQ that refuses the unionid to an app without the right to it."""

    refusal = b'callback( {"error":100048,"error_description":"no permission"} );'

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer the call."""
        asks = "unionid" in request.url.params
        self.answers = {**self.answers, "/oauth2.0/me": self.refusal if asks else ME_WITHOUT_UNION_ID}
        return await super().answer(request)


@pytest.mark.parametrize("code", ["100048", '"100048"', "100009", "100099"])
async def test_app_without_the_right_to_unionid_works(code: str) -> None:
    """QQ may refuse the whole call: it is made once more, without asking for the unionid."""
    transport = Unprivileged({"/oauth2.0/token": TOKENS})
    transport.refusal = transport.refusal.replace(b"100048", code.encode())
    assert (await log_in(make(QqProvider, transport))).ids == (OPEN_ID,)
    assert transport.parameters(2) == {"access_token": "YOUR_TOKEN", "fmt": "json"}


async def test_invalid_token_and_outage_are_not_asked_twice() -> None:
    """Only a refusal may be about the unionid."""
    for me in (ME_REFUSED, (503, b"")):
        transport = answering(me=me)  # type: ignore[arg-type]
        with pytest.raises((CodeInvalid, ProviderRefused)):
            await log_in(make(QqProvider, transport))
        assert len(transport.requests) == 2


async def test_documented_profile() -> None:
    """Names, place and picture; QQ's http links are asked for by https."""
    transport = answering()
    profile = (await make(QqProvider, transport).fetch_profile(KNOWN)).profile
    assert profile is not None
    assert (profile.nickname, profile.sex, profile.province, profile.city) == ("Peter", 1, "广东", "深圳")
    assert profile.face == "https://q.qlogo.cn/qqapp/100312990/DE1931D5330620DBD07FB4A5422917B6/100"
    assert transport.parameters(0) == {
        "access_token": "YOUR_TOKEN",
        "oauth_consumer_key": "c-1",
        "openid": "YOUR_OPENID",
    }


async def test_profile_refused_inside_http_200() -> None:
    """`ret` other than 0 is a refusal."""
    with pytest.raises(ProviderRefused):
        await make(QqProvider, answering(user_info=USER_INFO_REFUSED)).fetch_profile(KNOWN)


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (answering(me=ME_REFUSED), CodeInvalid),
        (answering(me=b'callback( {"error":100048,"error_description":"companyid not set"} );'), ProviderConfig),
        (answering(b'callback( {"error":100020,"error_description":"code is reused error"} );'), CodeInvalid),
        (answering(b'{"error":100009,"error_description":"client_secret is wrong"}'), ProviderConfig),
        (answering(me=b'{"client_id":"YOUR_APPID"}'), ProviderBadResponse),
        (answering(b"access_token=YOUR_TOKEN&expires_in=7776000"), ProviderBadResponse),
    ],
)
async def test_documented_refusals(sent: Transport, kind: type[Exception]) -> None:
    """Numbers, wrapped or not, are the closed list's errors."""
    with pytest.raises(kind):
        await log_in(make(QqProvider, sent))


async def redeem(session: bytes) -> tuple[Identity, Transport]:
    """Hand in a mini program's code, which QQ redeems for `session`."""
    transport = Transport({"/sns/jscode2session": session})
    response = AuthorizationResponse.of_spent_flow(client_type=ClientType.MINI, code=CODE, parameters={})
    return await make(QqProvider, transport).login_callback(response), transport


async def test_mini_program_has_a_call_of_its_own() -> None:
    """The names are WeChat's; there is no token, and so no profile."""
    identity, transport = await redeem(b'{"errcode":0,"errmsg":"","openid":"O","session_key":"k","unionid":"U"}')
    assert identity.ids == (PersonId.union_id("U"), PersonId.open_id("O", "c-1"))
    assert (identity.grant, identity.profile) == ("", None)
    assert str(transport.requests[0].url).startswith("https://api.q.qq.com/sns/jscode2session?")
    assert transport.parameters(0) == {
        "appid": "c-1",
        "secret": SECRET,
        "js_code": CODE,
        "grant_type": "authorization_code",
    }


@pytest.mark.parametrize("union_id", [b"", b',"unionid":""', b',"unionid":null'])
async def test_mini_program_without_unionid_works(union_id: bytes) -> None:
    """QQ sends empty texts for what there is none of."""
    assert (await redeem(b'{"errcode":0,"openid":"YOUR_OPENID"' + union_id + b"}"))[0].ids == (OPEN_ID,)


@pytest.mark.parametrize(
    ("session", "kind"),
    [
        (b'{"errcode":40029,"errmsg":"invalid code"}', CodeInvalid),
        (b'{"errcode":45011,"errmsg":"too often"}', ProviderRefused),
        (b'{"errcode":-1009,"errmsg":"","openid":"","session_key":"","uin":"","unionid":""}', ProviderRefused),
        (b'{"errcode":0,"errmsg":"","openid":"","session_key":"k","unionid":""}', ProviderBadResponse),
    ],
)
async def test_refusals_of_a_mini_program_s_code(session: bytes, kind: type[Exception]) -> None:
    """Numbers inside HTTP 200, also undocumented ones; an empty openid is nobody's."""
    with pytest.raises(kind):
        await redeem(session)


class TestContract(ProviderContract):
    """Ids come from a call of their own on the web, and with a mini program's code."""

    plugin = "qq"
    untrusted = ("missing_id",)
    refusals: ClassVar = {
        "100019": "code_invalid",
        "100009": "provider_config",
        "100030": "provider_denied",
        "1": "provider_refused",
    }


def test_app_without_the_right_to_unionid_stores_the_openid() -> None:
    """A whole login through the sandbox; the person keeps the member when the right comes."""
    sandbox = QqSandbox(has_unionid=False)
    with run_shop({"qq": sandbox}) as shop, Visitor(shop) as visitor:
        before = visitor.who(visitor.log_in("qq", "pc", "lihua"))
        assert [row["kind"] for row in shop.rows("es_connect_alias")] == ["open_id"]
        sandbox.refused_extras = ""
        after = visitor.who(visitor.log_in("qq", "pc", "lihua"))
        assert before is not None
        assert after is not None
        assert before["uid"] == after["uid"]
        assert {row["kind"] for row in shop.rows("es_connect_alias")} == {"open_id", "union_id"}
