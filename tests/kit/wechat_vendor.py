"""WeChat in memory: the documented answers, and a transport that gives them.

Each documented answer has its page above it.
"""

from collections.abc import Mapping

import httpx

from connect_core.http import HttpPool
from connect_core.plugin import AuthorizationRequest, AuthorizationResponse, ClientType, Identity, PersonId, Profile
from connect_wechat import WechatProvider, WechatSettings

from .fake_transport import FakeTransport

APP_ID = "wx0123456789abcdef"
SECRET = "s3cr3t-of-the-app"
CODE = "c0de-of-the-person"
TOKEN = "ACCESS_TOKEN"

# https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html (step two)
WEBSITE_TOKEN = (
    b'{"access_token":"ACCESS_TOKEN","expires_in":7200,"refresh_token":"REFRESH_TOKEN","openid":"OPENID",'
    b'"scope":"SCOPE","unionid":"o6_bmasdasdsad6_2sgVt7hMZOPfL"}'
)
# https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken.html
SNAPSHOT_TOKEN = (
    b'{"access_token":"ACCESS_TOKEN","expires_in":7200,"refresh_token":"REFRESH_TOKEN","openid":"OPENID",'
    b'"scope":"SCOPE","is_snapshotuser":1,"unionid":"UNIONID"}'
)
# https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html (refused code)
INVALID_CODE = b'{"errcode":40029,"errmsg":"invalid code"}'
# https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsuserinfo.html
USERINFO = (
    b'{"openid":"OPENID","nickname":"NICKNAME","sex":1,"province":"PROVINCE","city":"CITY","country":"COUNTRY",'
    b'"headimgurl":"https://thirdwx.qlogo.cn/mmopen/g3MonUZtNHkdmzicIlibx6iaFqAc56vxLSUfpb6n5WKSYVY0ChQKkiaJSgQ1dZuTO'
    b'gvLLrhJbERQQ4eMsv84eavHiaiceqxibJxCfHe/46","privilege":["PRIVILEGE1","PRIVILEGE2"],'
    b'"unionid":"o6_bmasdasdsad6_2sgVt7hMZOPfL"}'
)
# https://developers.weixin.qq.com/community/develop/doc/0006eec7030d28b7656ea683e55400
UNAUTHORIZED = b'{"errcode":48001,"errmsg":"api unauthorized, rid: 62fb9bc8-078c24da-4202f278"}'

UNION_ID = PersonId.union_id("o6_bmasdasdsad6_2sgVt7hMZOPfL")
OPEN_ID = PersonId.open_id("OPENID", APP_ID)
KNOWN = Identity("WECHAT", (UNION_ID, OPEN_ID), APP_ID, grant=TOKEN)


class Transport(FakeTransport):
    """A WeChat that answers each path with given bytes, as text/plain, and notes what it was asked."""

    def __init__(self, responses: Mapping[str, bytes], *, status: int = 200) -> None:
        """`responses` by path."""
        self.responses = responses
        self.status = status
        self.requests: list[httpx.URL] = []
        self.bodies: list[bytes] = []

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer the path; an unknown one fails the test."""
        self.requests.append(request.url)
        self.bodies.append(request.content)
        body = httpx.ByteStream(self.responses[request.url.path])
        return httpx.Response(self.status, headers={"content-type": "text/plain"}, stream=body)


def provider(transport: Transport, **settings: object) -> WechatProvider:
    """Return a provider that speaks to `transport`."""
    raw = {"app_id": APP_ID, "app_secret": SECRET, **settings}
    return WechatProvider(WechatSettings.model_validate(raw), HttpPool(transport=transport).for_provider("wechat"))


async def log_in(body: bytes, *, status: int = 200, transport: Transport | None = None) -> Identity:
    """Hand a redeemed flow's code in; WeChat answers `body`."""
    transport = transport or Transport({"/sns/oauth2/access_token": body}, status=status)
    response = AuthorizationResponse.of_spent_flow(client_type=ClientType.PC, code=CODE, parameters={})
    return await provider(transport).login_callback(response)


async def fetch(body: bytes, identity: Identity = KNOWN) -> Identity:
    """Fetch the profile; WeChat answers `body`."""
    return await provider(Transport({"/sns/userinfo": body})).fetch_profile(identity)


async def profile_of(body: bytes) -> Profile:
    """Return the profile that WeChat's answer `body` becomes."""
    profile = (await fetch(body)).profile
    assert profile is not None
    return profile


async def login_url(client_type: ClientType, redirect_uri: str = "https://shop.example/cb", **settings: object) -> str:
    """Return where a login begins."""
    request = AuthorizationRequest(
        client_type=client_type, redirect_uri=redirect_uri, state="Ab1" * 10, nonce="", code_challenge=""
    )
    return await provider(Transport({}), **settings).get_login_url(request)


def came_back(client_type: ClientType, **parameters: str) -> AuthorizationResponse:
    """What a redeemed flow, or a client with `CODE`, brings."""
    return AuthorizationResponse.of_spent_flow(client_type=client_type, code=CODE, parameters=parameters)
