"""WeCom's provider against WeCom's documented answers: employees, outsiders, and the app's own token."""

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
    ProviderDenied,
    ProviderRefused,
    RequiredBrowser,
)
from connect_core.testing import Visitor, run_shop
from connect_wecom import WecomProvider
from connect_wecom.sandbox import WecomSandbox

from ..kit.vendor_transport import Transport, login_url, make, query

CORP = "c-1"
WHO, SESSION, EMPLOYEE = "/cgi-bin/auth/getuserinfo", "/cgi-bin/miniprogram/jscode2session", "/cgi-bin/user/get"
TOKEN = "/cgi-bin/gettoken"
IN_WECOM = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile/15E148 wxwork/4.1.0 MicroMessenger/7.0.1 Language/zh"
IN_SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) AppleWebKit/605.1.15 Version/17.0 Mobile Safari/604.1"


def answering(path: str, **answer: Any) -> Transport:
    """A WeCom that answers one call so, and hands out app tokens."""
    token = {"errcode": 0, "errmsg": "ok", "access_token": "accesstoken000001", "expires_in": 7200}
    return Transport({TOKEN: json.dumps(token).encode(), path: json.dumps(answer).encode()})


def wecom(transport: Transport | None = None) -> OAuth2Provider:
    """The provider of one app."""
    return make(WecomProvider, transport, {"agent_id": "1000002"})


async def redeem(transport: Transport, client: ClientType = ClientType.PC) -> Identity:
    """Hand in a code."""
    response = AuthorizationResponse.of_spent_flow(client_type=client, code="c0de", parameters={})
    return await wecom(transport).login_callback(response)


async def test_links_are_the_documented_ones() -> None:
    """A PC gets the QR code, in the visitor's language; H5 the silent page, whose fragment WeCom wants."""
    on_pc, in_wecom = await login_url(wecom(), language="ja"), await login_url(wecom(), ClientType.H5)
    assert query(on_pc)["login_type"] == "CorpApp"
    assert query(on_pc)["lang"] == "en"
    assert in_wecom.startswith("https://open.weixin.qq.com/connect/oauth2/authorize?")
    assert in_wecom.endswith("#wechat_redirect")
    assert query(in_wecom)["agentid"] == "1000002"


@pytest.mark.parametrize(
    ("client", "user_agent", "needed"),
    [
        (ClientType.H5, IN_SAFARI, RequiredBrowser.VENDOR_APP),
        (ClientType.H5, IN_WECOM, None),
        (ClientType.PC, IN_SAFARI, None),
    ],
)
def test_h5_works_inside_wecom_only(client: ClientType, user_agent: str, needed: RequiredBrowser | None) -> None:
    """Elsewhere open.weixin.qq.com shows an error."""
    provider = wecom()
    assert isinstance(provider, WecomProvider)
    assert provider.find_required_browser(client, user_agent) is needed


async def test_employees_and_outsiders_have_ids_of_different_kinds() -> None:
    """An administrator chooses the userid: one that reads like somebody's openid must not be that person's."""
    employee = await redeem(answering(WHO, errcode=0, errmsg="ok", userid="SAME"))
    outsider = await redeem(answering(WHO, errcode=0, errmsg="ok", openid="SAME", external_userid="EXTERNAL_USERID"))
    assert employee.ids == (PersonId.union_id("SAME", CORP),)
    assert outsider.ids == (PersonId.open_id("SAME", CORP),)


async def test_outsider_costs_no_call_for_a_profile() -> None:
    """WeCom describes employees alone."""
    transport = answering(WHO, errcode=0, openid="OPENID")
    outsider = await redeem(transport)
    assert await wecom(transport).fetch_profile(outsider) == outsider


async def test_mini_program_names_the_employee_of_this_company() -> None:
    """The userid of another company is another namespace, and may be encrypted."""
    answer = {"userid": "USERID", "session_key": "kJtdi6RF+Dv67QkbLlPGjw==", "errcode": 0, "errmsg": "ok"}
    transport = answering(SESSION, corpid=CORP, **answer)
    assert (await redeem(transport, ClientType.MINI)).ids == (PersonId.union_id("USERID", CORP),)
    assert transport.parameters(1) == {
        "access_token": "accesstoken000001",
        "js_code": "c0de",
        "grant_type": "authorization_code",
    }
    with pytest.raises(ProviderDenied):
        await redeem(answering(SESSION, corpid="another", **answer), ClientType.MINI)
    with pytest.raises(ProviderBadResponse):
        await redeem(answering(SESSION, **answer), ClientType.MINI)


class Forgetful(Transport):
    """A WeCom that calls the first app token invalid."""

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer the call."""
        is_first = WHO not in self.paths
        said = b'{"errcode":42001,"errmsg":"access_token expired"}' if is_first else b'{"errcode":0,"userid":"USERID"}'
        self.answers = {**self.answers, WHO: said}
        return await super().answer(request)


async def test_dead_app_token_is_fetched_anew() -> None:
    """The code is not spent by a call that WeCom refused for the app's token."""
    transport = Forgetful(answering(WHO).answers)
    assert (await redeem(transport)).strongest.value == "USERID"
    assert transport.paths == [TOKEN, WHO, TOKEN, WHO]


@pytest.mark.parametrize(
    ("errcode", "kind"),
    [
        (40029, CodeInvalid),
        (40001, ProviderConfig),
        (50001, ProviderConfig),
        (60020, ProviderConfig),
        (-1, ProviderRefused),
    ],
)
async def test_documented_refusals(errcode: int, kind: type[Exception]) -> None:
    """Numbers inside HTTP 200."""
    with pytest.raises(kind):
        await redeem(answering(WHO, errcode=errcode, errmsg="made up"))


async def test_answer_without_a_person_is_none() -> None:
    """A pupil's parent, for example, has neither of our ids."""
    with pytest.raises(ProviderBadResponse):
        await redeem(answering(WHO, errcode=0, errmsg="ok", external_userid="abcexuserid", parent_userid="p"))


def test_employee_is_one_member_everywhere_and_an_outsider_another() -> None:
    """Whole logins through the sandbox."""
    sandbox = WecomSandbox(outsiders=("maria",))
    with run_shop({"wecom": sandbox}) as shop, Visitor(shop) as visitor:
        assert visitor.log_in("wecom", "pc", "lihua").status_code == 303
        assert visitor.log_in("wecom", "h5", "lihua").status_code == 303
        body = visitor.client_parameters("wecom", "mini", "lihua")
        assert visitor.http.post("/connect/wecom/mini/token", json=body).status_code == 200
        assert len(shop.rows("es_member")) == 1
        assert visitor.log_in("wecom", "pc", "maria").status_code == 303
        assert [row["kind"] for row in shop.rows("es_connect_alias")] == ["union_id", "open_id"]
        body = visitor.client_parameters("wecom", "mini", "maria")
        assert visitor.http.post("/connect/wecom/mini/token", json=body).json()["code"] == "provider_denied"
