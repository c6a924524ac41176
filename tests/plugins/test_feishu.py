"""Feishu's provider against Feishu's documented answers."""

from typing import ClassVar

import pytest

from connect_core.plugin import (
    AuthorizationResponse,
    ClientType,
    CodeInvalid,
    PersonId,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
)
from connect_core.testing import ProviderContract
from connect_feishu import FeishuProvider

from ..kit.vendor_transport import SECRET, VERIFIER, Transport, log_in, login_url, make, query

# https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/authentication-management/access-token/get-user-access-token-v3
TOKENS = (
    b'{"code":0,"access_token":"eyJhbGciOiJFUzI1NiIs**********X6wrZHYKDxJkWwhdkrYg","expires_in":7200,'
    b'"refresh_token":"eyJhbGciOiJFUzI1NiIs**********XXOYOZz1mfgIYHwM8ZJA","refresh_token_expires_in":604800,'
    b'"scope":"auth:user.id:read offline_access task:task:read user_profile","token_type":"Bearer"}'
)
# https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/authen-v1/user_info/get
USER_INFO = (
    b'{"code":0,"msg":"success","data":{"name":"zhangsan","en_name":"zhangsan","avatar_url":"https://www.feishu.cn/avatar/icon",'
    b'"avatar_thumb":"https://www.feishu.cn/avatar/icon_thumb","open_id":"ou-caecc734c2e3328a62489fe0648c4b98779515d3",'
    b'"union_id":"on-d89jhsdhjsajkda7828enjdj328ydhhw3u43yjhdj","email":"zhangsan@feishu.cn","user_id":"5d9bdxxx",'
    b'"mobile":"+86130002883xx","tenant_key":"736588c92lxf175d"}}'
)


def answering(tokens: bytes | tuple[int, bytes] = TOKENS, user_info: bytes = USER_INFO) -> Transport:
    """A Feishu that answers so."""
    return Transport({"/oauth/v3/token": tokens, "/open-apis/authen/v1/user_info": user_info})


def refused(code: int) -> tuple[int, bytes]:
    """The token call's documented refusal, with this number."""
    return 400, f'{{"code":{code},"error":"invalid_request","error_description":"..."}}'.encode()


async def test_link_is_the_documented_one() -> None:
    """A code challenge goes along, which v3 holds against the verifier."""
    url = await login_url(make(FeishuProvider))
    assert url.startswith("https://accounts.feishu.cn/open-apis/authen/v1/authorize?")
    assert query(url)["code_challenge"] == "ch4llenge"


async def test_documented_answers_name_a_person() -> None:
    """open_id holds for the app, union_id for the developer; an administrator's phone number is not taken."""
    transport = answering()
    identity = await log_in(make(FeishuProvider, transport))
    assert identity.ids == (
        PersonId.union_id("on-d89jhsdhjsajkda7828enjdj328ydhhw3u43yjhdj"),
        PersonId.open_id("ou-caecc734c2e3328a62489fe0648c4b98779515d3", "c-1"),
    )
    assert identity.profile is not None
    assert (identity.profile.nickname, identity.profile.mobile) == ("zhangsan", "")
    assert transport.parameters(0)["code_verifier"] == VERIFIER


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (20002, ProviderConfig),
        (20003, CodeInvalid),
        (20065, CodeInvalid),
        (20010, ProviderDenied),
        (20071, ProviderConfig),
    ],
)
async def test_documented_refusals(code: int, kind: type[Exception]) -> None:
    """The number decides, not the word beside it."""
    with pytest.raises(kind):
        await log_in(make(FeishuProvider, answering(refused(code))))


@pytest.mark.parametrize("user_info", [b'{"code":0,"msg":"success"}', b'{"code":0,"data":{"name":"zhangsan"}}'])
async def test_success_without_a_person_is_none(user_info: bytes) -> None:
    """`code` 0 alone proves nothing."""
    with pytest.raises(ProviderBadResponse):
        await log_in(make(FeishuProvider, answering(user_info=user_info)))


async def test_mini_program_s_code_is_redeemed_by_the_same_call() -> None:
    """It has neither callback address nor verifier; the person, with the real union_id, is in user-info."""
    transport = answering()
    response = AuthorizationResponse.of_spent_flow(client_type=ClientType.MINI, code="c0de", parameters={})
    identity = await make(FeishuProvider, transport).login_callback(response)
    assert identity.strongest == PersonId.union_id("on-d89jhsdhjsajkda7828enjdj328ydhhw3u43yjhdj")
    assert transport.parameters(0) == {
        "grant_type": "authorization_code",
        "client_id": "c-1",
        "client_secret": SECRET,
        "code": "c0de",
    }


class TestContract(ProviderContract):
    """The id is in user-info, so every login asks for it."""

    plugin = "feishu"
    token_operation = "token"
    id_operation = "userinfo"
    untrusted = ("missing_id",)
    refusals: ClassVar = {
        "20003": "code_invalid",
        "20065": "code_invalid",
        "20002": "provider_config",
        "20010": "provider_denied",
        "20049": "code_invalid",
    }
