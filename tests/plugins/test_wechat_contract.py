"""WeChat's provider under the contract that every plugin runs, in all its client types."""

from typing import ClassVar

from connect_core.identity import ClientType
from connect_core.testing import ProviderContract
from connect_wechat import WechatProvider
from connect_wechat.documented import MINI_REQUESTS, WEB_REQUESTS

REFUSALS = {
    "40029": "code_invalid",
    "40163": "code_invalid",
    "40125": "provider_config",
    "40243": "provider_config",
    "40226": "provider_denied",
    "-1": "provider_refused",
    "45011": "provider_refused",
}


class TestOAuth2(ProviderContract):
    """Errors inside HTTP 200, a unionid beside the openid; a website, an official account and a native app."""

    plugin = "wechat"
    clients = (ClientType.PC, ClientType.H5, ClientType.APP)
    token_operation = "token"
    profile_operation = "userinfo"
    documented: ClassVar = WEB_REQUESTS
    untrusted = ("missing_id", "swapped_id")
    refusals: ClassVar = REFUSALS


class TestMiniProgram(ProviderContract):
    """One call, which tells no profile."""

    plugin = "wechat"
    clients = (ClientType.MINI,)
    token_operation = "jscode2session"
    documented: ClassVar = MINI_REQUESTS
    untrusted = ("missing_id",)
    refusals: ClassVar = REFUSALS


def test_the_contract_covers_every_client_type() -> None:
    """None is left out between the two."""
    assert {*TestOAuth2.clients, *TestMiniProgram.clients} == set(WechatProvider.entrances)
