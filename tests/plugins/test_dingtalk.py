"""DingTalk's provider against DingTalk's documented answers; above all its mini programs."""

import json
from typing import Any

import httpx
import pytest

from connect_core.plugin import (
    AuthorizationResponse,
    ClientType,
    CodeInvalid,
    Identity,
    OAuth2Provider,
    PersonId,
    ProviderBadResponse,
    ProviderConfig,
    ProviderRefused,
)
from connect_core.testing import Visitor, run_shop
from connect_dingtalk import DingtalkProvider
from connect_dingtalk.sandbox import DingtalkSandbox

from ..kit.vendor_transport import Transport, log_in, make

APP_TOKEN = b'{"accessToken":"fw8ef8we8f76e6f7s8dxxxx","expireIn":7200}'
# https://open.dingtalk.com/document/orgapp/obtain-the-userid-of-a-user-by-using-the-log-free
EMPLOYEE = (
    b'{"errcode":0,"result":{"associated_unionid":"N2o5U3axxxx","unionid":"gliiW0piiii02zBUjUxxxx",'
    b'"device_id":"12drtfxxxxx","sys_level":1,"name":"\xe5\xbc\xa0xx","sys":true,"userid":"userid123"},"errmsg":"ok"}'
)
DEAD_TOKEN = '{"errcode":%s,"errmsg":"made up"%s}'


def answering(employee: bytes = EMPLOYEE) -> Transport:
    """A DingTalk that answers a mini program's code so."""
    return Transport({"/v1.0/oauth2/accessToken": APP_TOKEN, "/topapi/v2/user/getuserinfo": employee})


async def redeem(provider: OAuth2Provider) -> Identity:
    """Hand in a mini program's code."""
    response = AuthorizationResponse.of_spent_flow(client_type=ClientType.MINI, code="c-1", parameters={})
    return await provider.login_callback(response)


async def test_mini_program_names_the_union_id_and_nothing_else() -> None:
    """An administrator may choose `userid`, and it would be another namespace than the web login's openId."""
    transport = answering()
    identity = await redeem(make(DingtalkProvider, transport))
    assert identity.ids == (PersonId.union_id("gliiW0piiii02zBUjUxxxx"),)
    assert identity.profile is not None
    assert identity.profile.nickname == "张xx"
    assert json.loads(transport.requests[0].content) == {"appKey": "c-1", "appSecret": "s3cr3t of the client"}
    assert dict(transport.requests[1].url.params) == {"access_token": "fw8ef8we8f76e6f7s8dxxxx"}
    assert json.loads(transport.requests[1].content) == {"code": "c-1"}


async def test_app_token_is_shared_between_logins() -> None:
    """DingTalk limits how often an app may ask for it."""
    transport = answering()
    provider = make(DingtalkProvider, transport)
    await redeem(provider)
    await redeem(provider)
    assert transport.paths.count("/v1.0/oauth2/accessToken") == 1


class Forgetful(Transport):
    """A DingTalk that calls the first app token invalid."""

    refusal = b""

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer the call."""
        is_first = self.paths.count("/topapi/v2/user/getuserinfo") == 0
        self.answers = {**self.answers, "/topapi/v2/user/getuserinfo": self.refusal if is_first else EMPLOYEE}
        return await super().answer(request)


@pytest.mark.parametrize("refusal", [DEAD_TOKEN % ("40014", ""), DEAD_TOKEN % ("88", ',"sub_code":"40014"')])
async def test_dead_app_token_is_fetched_anew(refusal: str) -> None:
    """DingTalk has two ways of saying so."""
    transport = Forgetful({"/v1.0/oauth2/accessToken": APP_TOKEN})
    transport.refusal = refusal.encode()
    assert (await redeem(make(DingtalkProvider, transport))).strongest.value == "gliiW0piiii02zBUjUxxxx"
    assert len(transport.requests) == 4


@pytest.mark.parametrize(
    ("employee", "kind"),
    [
        (b'{"errcode":40078,"errmsg":"\xe4\xb8\x8d\xe5\xad\x98\xe5\x9c\xa8"}', CodeInvalid),
        (b'{"errcode":88,"sub_code":"60011","errmsg":"ding talk error"}', ProviderConfig),
        (b'{"errcode":-1,"errmsg":"busy"}', ProviderRefused),
        (b'{"errcode":0,"errmsg":"ok"}', ProviderBadResponse),
        (b'{"errcode":0,"errmsg":"ok","result":{"userid":"userid123","name":"x"}}', ProviderBadResponse),
    ],
)
async def test_refusals_of_a_mini_program_s_code(employee: bytes, kind: type[Exception]) -> None:
    """A number inside HTTP 200, and an employee without a unionid is nobody."""
    with pytest.raises(kind):
        await redeem(make(DingtalkProvider, answering(employee)))


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "invalidParameter.authCode.notFound", CodeInvalid),
        (400, "invalidClientIdOrSecret", ProviderConfig),
        (403, "Forbidden.AccessDenied.AccessTokenPermissionDenied", ProviderConfig),
        (400, "anything.else", ProviderRefused),
    ],
)
async def test_refusals_of_a_web_login(status: int, word: str, kind: type[Exception]) -> None:
    """A word with its HTTP status."""
    body: dict[str, Any] = {"code": word, "message": "made up"}
    transport = Transport({"/v1.0/oauth2/userAccessToken": (status, json.dumps(body).encode())})
    with pytest.raises(kind):
        await log_in(make(DingtalkProvider, transport))


def test_web_and_mini_program_are_one_member() -> None:
    """They have the unionId in common."""
    with run_shop({"dingtalk": DingtalkSandbox()}) as shop, Visitor(shop) as visitor:
        body = visitor.client_parameters("dingtalk", "mini", "lihua")
        assert visitor.http.post("/connect/dingtalk/mini/token", json=body).status_code == 200
        assert visitor.log_in("dingtalk", "pc", "lihua").status_code == 303
        assert len(shop.rows("es_member")) == 1
