"""Weibo's provider against Weibo's documented answers."""

from typing import ClassVar

import pytest

from connect_core.plugin import CodeInvalid, PersonId, ProviderConfig, ProviderDenied
from connect_core.testing import ProviderContract
from connect_weibo import WeiboProvider

from ..kit.vendor_transport import Transport, log_in, login_url, make, query

# https://open.weibo.com/wiki/OAuth2/access_token
TOKENS = b'{"access_token":"ACCESS_TOKEN","expires_in":"7200","remind_in":"7200","uid":"1404376560"}'
# https://open.weibo.com/wiki/2/users/show
USER = (
    b'{"id":1404376560,"screen_name":"zaku","name":"zaku","province":"11","city":"5","location":"\xe5\x8c\x97\xe4\xba\xac",'
    b'"profile_image_url":"https://tp1.sinaimg.cn/1404376560/50/0/1","gender":"m",'
    b'"avatar_large":"https://tp1.sinaimg.cn/1404376560/180/0/1"}'
)


def answering(tokens: bytes | tuple[int, bytes] = TOKENS) -> Transport:
    """A Weibo that answers so."""
    return Transport({"/oauth2/access_token": tokens, "/2/users/show.json": USER})


async def test_link_is_the_documented_one() -> None:
    """English is asked for by a parameter, Chinese by none."""
    provider = make(WeiboProvider)
    assert query(await login_url(provider, language="en"))["language"] == "en"
    assert not {"language", "scope", "code_challenge"} & query(await login_url(provider)).keys()


async def test_documented_answers_cost_one_call() -> None:
    """The token answer names the person; the profile is asked for with that id, and has the same as a number."""
    transport = answering()
    provider = make(WeiboProvider, transport)
    identity = await log_in(provider)
    assert (identity.ids, transport.paths) == ((PersonId.user_id("1404376560"),), ["/oauth2/access_token"])
    profile = (await provider.fetch_profile(identity)).profile
    assert profile is not None
    assert (profile.nickname, profile.face, profile.sex) == ("zaku", "https://tp1.sinaimg.cn/1404376560/180/0/1", 1)
    assert transport.parameters(1) == {"access_token": "ACCESS_TOKEN", "uid": "1404376560"}


@pytest.mark.parametrize(
    ("word", "number", "kind"),
    [
        # https://open.weibo.com/wiki/Oauth2#.E9.94.99.E8.AF.AF.E7.A0.81.EF.BC.88OAuth2.0.EF.BC.89
        ("invalid_client", 21324, ProviderConfig),
        ("invalid_grant", 21325, CodeInvalid),
        ("redirect_uri_mismatch", 21322, ProviderConfig),
        ("expired_token", 21327, CodeInvalid),
        ("access_denied", 21330, ProviderDenied),
    ],
)
async def test_documented_refusals(word: str, number: int, kind: type[Exception]) -> None:
    """The standard's words mean what they mean; Weibo's own go by their number."""
    content = f'{{"error":"{word}","error_code":{number},"request":"/oauth2/access_token"}}'.encode()
    with pytest.raises(kind):
        await log_in(make(WeiboProvider, answering((400, content))))


class TestContract(ProviderContract):
    """One call for a returning member; user-info of somebody else ends the login."""

    plugin = "weibo"
    token_operation = "token"
    profile_operation = "userinfo"
    untrusted = ("missing_id", "swapped_id")
    refusals: ClassVar = {"21325": "code_invalid", "21324": "provider_config", "21321": "provider_config"}
