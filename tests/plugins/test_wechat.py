"""WeChat's provider against WeChat's documented answers, and against answers WeChat should never give.

Each documented answer has its page above it. A fake transport stands where the network begins.
"""

import asyncio
import re
import tomllib
import traceback
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

import connect_wechat
from connect_core.http import HttpPool
from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    ClientType,
    CodeInvalid,
    Identity,
    PersonId,
    Profile,
    Provider,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderRefused,
    SettingsError,
)
from connect_core.settings import check_provider_settings
from connect_wechat import PAGES, WechatProvider, WechatSettings
from connect_wechat.answers import ERRORS, RETRY_AFTER

SECRET = "s3cr3t-of-the-app"
CODE = "c0de-of-the-person"
TOKEN = "ACCESS_TOKEN"
README = Path(connect_wechat.__file__).with_name("README.md").read_text("utf-8")

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
OPEN_ID = PersonId.open_id("OPENID", "wx0123456789abcdef")
KNOWN = Identity("WECHAT", (UNION_ID, OPEN_ID), "wx0123456789abcdef", grant=TOKEN)


class Wire(httpx.AsyncBaseTransport):
    """A WeChat that answers each path with given bytes, as text/plain, and notes what it was asked."""

    def __init__(self, answers: Mapping[str, bytes], *, status: int = 200) -> None:
        """`answers` by path."""
        self.answers = answers
        self.status = status
        self.asked: list[httpx.URL] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer the path; an unknown one fails the test."""
        self.asked.append(request.url)
        body = httpx.ByteStream(self.answers[request.url.path])
        return httpx.Response(self.status, headers={"content-type": "text/plain"}, stream=body)


def provider(wire: Wire, **settings: object) -> WechatProvider:
    """Return a provider that speaks to `wire`."""
    given = {"app_id": "wx0123456789abcdef", "app_secret": SECRET, **settings}
    return WechatProvider(WechatSettings.model_validate(given), HttpPool(transport=wire).for_provider("wechat"))


def log_in(body: bytes, *, status: int = 200, wire: Wire | None = None) -> Identity:
    """Hand a redeemed flow's code in; WeChat answers `body`."""
    wire = wire or Wire({"/sns/oauth2/access_token": body}, status=status)
    response = AuthorizationResponse.of_redeemed_flow(client_type=ClientType.PC, code=CODE, parameters={})
    return asyncio.run(provider(wire).login_callback(response))


def fetch(body: bytes, identity: Identity = KNOWN) -> Identity:
    """Fetch the profile; WeChat answers `body`."""
    return asyncio.run(provider(Wire({"/sns/userinfo": body})).fetch_profile(identity))


def profile_of(body: bytes) -> Profile:
    """Return the profile that WeChat's answer `body` becomes."""
    profile = fetch(body).profile
    assert profile is not None
    return profile


def login_url(client_type: ClientType, redirect_uri: str = "https://shop.example/cb", **settings: object) -> str:
    """Return where a login begins."""
    request = AuthorizationRequest(
        client_type=client_type, redirect_uri=redirect_uri, state="Ab1" * 10, nonce="", code_challenge=""
    )
    return asyncio.run(provider(Wire({}), **settings).get_login_url(request))


@pytest.mark.parametrize(
    ("client_type", "page", "scope"),
    [
        # https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html (step one)
        (ClientType.PC, "/connect/qrconnect", "snsapi_login"),
        # https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html (step one)
        (ClientType.H5, "/connect/oauth2/authorize", "snsapi_userinfo"),
    ],
)
def test_c16_link_is_the_documented_one_without_the_secret(client_type: ClientType, page: str, scope: str) -> None:
    """Parameters in WeChat's order, encoded once, with the fragment, and nothing else."""
    assert login_url(client_type, "https://passport.yhd.com/wechat/callback.do") == (
        f"https://open.weixin.qq.com{page}?appid=wx0123456789abcdef"
        "&redirect_uri=https%3A%2F%2Fpassport.yhd.com%2Fwechat%2Fcallback.do"
        f"&response_type=code&scope={scope}&state=Ab1Ab1Ab1Ab1Ab1Ab1Ab1Ab1Ab1Ab1#wechat_redirect"
    )


def test_configured_scope_and_pages_are_used() -> None:
    """A shop can ask silently, and put a proxy or sandbox in WeChat's place."""
    url = login_url(ClientType.H5, scope="snsapi_base", open_url="http://127.0.0.1:8081/wechat")
    assert url.startswith("http://127.0.0.1:8081/wechat/connect/oauth2/authorize?appid=")
    assert "&scope=snsapi_base&" in url


@pytest.mark.parametrize("client_type", PAGES)
def test_b13_nothing_inside_redirect_uri_becomes_a_parameter(client_type: ClientType) -> None:
    """A redirect_uri with a query and a fragment stays one value."""
    nested = "https://shop.example/cb?a=1&appid=wxevil&scope=x y#&state=stolen"
    pairs = parse_qsl(urlsplit(login_url(client_type, nested)).query, strict_parsing=True)
    assert [name for name, _ in pairs] == ["appid", "redirect_uri", "response_type", "scope", "state"]
    assert dict(pairs)["redirect_uri"] == nested


def test_code_is_redeemed_as_documented() -> None:
    """One GET with the four parameters; unionid, then openid with the app id as its scope; the token in no repr."""
    wire = Wire({"/sns/oauth2/access_token": WEBSITE_TOKEN})
    identity = log_in(b"", wire=wire)
    (url,) = wire.asked
    assert f"{url.scheme}://{url.host}" == "https://api.weixin.qq.com"
    assert url.params == httpx.QueryParams(
        appid="wx0123456789abcdef", secret=SECRET, code=CODE, grant_type="authorization_code"
    )
    assert identity == KNOWN
    assert identity.grant == TOKEN
    assert TOKEN not in repr(identity)


@pytest.mark.parametrize("ok", ["", '"errcode":0,"errmsg":"ok",'])
def test_person_of_an_unbound_app_has_an_openid_alone(ok: str) -> None:
    """No unionid in the answer is fine, and so is an `ok` beside it."""
    assert log_in(f'{{{ok}"access_token":"T","openid":"OPENID"}}'.encode()).ids == (OPEN_ID,)


def test_snapshot_person_is_refused() -> None:
    """A snapshot page's made-up person never becomes a member."""
    with pytest.raises(ProviderDenied):
        log_in(SNAPSHOT_TOKEN)


@pytest.mark.parametrize("id_value", ["null", '""', '" "', "true", "1.5", '["OPENID"]', "{}", '"' + "x" * 256 + '"'])
@pytest.mark.parametrize("key", ["openid", "unionid"])
def test_id_that_is_no_text_is_refused(key: str, id_value: str) -> None:
    """Neither id is guessed at."""
    ids = {"openid": '"OPENID"', "unionid": '"UNIONID"'} | {key: id_value}
    with pytest.raises(ProviderBadResponse):
        log_in(f'{{"access_token":"T","openid":{ids["openid"]},"unionid":{ids["unionid"]}}}'.encode())


def test_whole_number_id_keeps_its_digits() -> None:
    """A number beyond 2^53 is not rounded."""
    assert log_in(b'{"access_token":"T","openid":12345678901234567891}').ids == (
        PersonId.open_id("12345678901234567891", "wx0123456789abcdef"),
    )


@pytest.mark.parametrize("body", [b'{"access_token":"T"}', b'{"errcode":0,"errmsg":"ok"}', b"{}"])
def test_n11_success_without_a_person_is_a_failure(body: bytes) -> None:
    """No error is not yet a login."""
    with pytest.raises(ProviderBadResponse):
        log_in(body)


@pytest.mark.parametrize("token", ["", '"access_token":null,', '"access_token":"",', '"access_token":"\udce9",'])
def test_c11_missing_or_broken_access_token_is_refused(token: str) -> None:
    """What fetches the profile is a printable token, or the answer is not WeChat's."""
    with pytest.raises(ProviderBadResponse):
        log_in(f'{{{token}"openid":"OPENID"}}'.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("body", [b'{"errcode":40029,"openid":"OPENID","access_token":"T"}', INVALID_CODE])
def test_c11_error_inside_http_200_is_an_error(body: bytes) -> None:
    """An errcode counts even where an openid stands beside it."""
    with pytest.raises(CodeInvalid):
        log_in(body)


@pytest.mark.parametrize("errcode", ["null", '"40029"', "[40029]", "1.5", "{}"])
def test_c11_errcode_that_is_no_number_is_refused(errcode: str) -> None:
    """An error in an odd shape is never taken for success."""
    with pytest.raises(ProviderBadResponse):
        log_in(f'{{"errcode":{errcode},"openid":"OPENID","access_token":"T"}}'.encode())


@pytest.mark.parametrize(
    ("error", "errcodes"),
    [
        (CodeInvalid, [40029, 40163, 42003]),
        (ProviderConfig, [40001, 40013, 40125, 48001, 10003]),
        (ProviderDenied, [40226]),
        (ProviderRefused, [-1, 45009, 45011, 99999]),
    ],
)
def test_each_errcode_becomes_the_right_error(error: type[Exception], errcodes: list[int]) -> None:
    """A visitor starts again, an operator acts, or everybody waits: never a guess between them."""
    for errcode in errcodes:
        with pytest.raises(error) as caught:
            log_in(f'{{"errcode":{errcode},"errmsg":"any"}}'.encode())
        assert type(caught.value) is error


@pytest.mark.parametrize("errcode", RETRY_AFTER)
def test_n18_busy_wechat_says_when_to_come_back(errcode: int) -> None:
    """Over the limit and out of order carry a number of seconds."""
    with pytest.raises(ProviderRefused) as caught:
        log_in(f'{{"errcode":{errcode},"errmsg":"any"}}'.encode())
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
def test_l03_trace_is_short_and_printable(errmsg: str, rid: str | None) -> None:
    """Of WeChat's message only a trace id goes on; neither its length nor its characters are WeChat's to choose."""
    with pytest.raises(ProviderRefused) as caught:
        log_in(f'{{"errcode":-1,"errmsg":"system error, {errmsg}"}}'.encode())
    assert caught.value.vendor.get("rid") == rid


@pytest.mark.parametrize("errmsg", ["null", "7", '["rid: a"]', f'"the code {CODE} and the secret {SECRET}"'])
def test_l02_error_holds_nothing_of_the_login(errmsg: str) -> None:
    """Neither text, vendor fields nor traceback hold code or secret, whatever WeChat's message is."""
    with pytest.raises(CodeInvalid) as caught:
        log_in(f'{{"errcode":40029,"errmsg":{errmsg}}}'.encode())
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.vendor)
    assert CODE not in told
    assert SECRET not in told


@pytest.mark.parametrize("status", [201, 302, 404, 429, 503])
def test_n05_success_has_status_200(status: int) -> None:
    """An outage is tried again later; what comes with another status than 200 is not WeChat's success."""
    with pytest.raises(ProviderRefused if status in {429, 503} else ProviderBadResponse):
        log_in(WEBSITE_TOKEN, status=status)


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
def test_n07_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    """Nothing that comes over the wire ends in anything but our own error."""
    with pytest.raises(ProviderBadResponse):
        log_in(body)


def test_n08_id_with_broken_bytes_is_refused() -> None:
    """Bytes that are no UTF-8 are never dropped from an id, which would make it another one."""
    with pytest.raises(ProviderBadResponse):
        log_in(b'{"access_token":"T","openid":"OPEN\xffID"}')


def test_profile_is_the_documented_one() -> None:
    """Asked for in Chinese, with the person's own openid; every field lands where it belongs, and the ids stay."""
    wire = Wire({"/sns/userinfo": USERINFO})
    identity = asyncio.run(provider(wire).fetch_profile(KNOWN))
    (url,) = wire.asked
    assert url.params == httpx.QueryParams(access_token=TOKEN, openid="OPENID", lang="zh_CN")
    face = re.search(r'"(https:[^"]+)"', USERINFO.decode())
    assert face is not None
    assert identity == KNOWN.with_profile(Profile("NICKNAME", face[1], 1, "PROVINCE", "CITY"))


@pytest.mark.parametrize(
    ("sent", "sex"), [("1", 1), ("2", 0), ("0", None), ('"1"', 1), ("true", None), ("[1]", None), ("null", None)]
)
def test_sex_is_translated(sent: str, sex: int | None) -> None:
    """WeChat's 1 and 2 are our 1 and 0; everything else is unknown."""
    assert profile_of(f'{{"openid":"OPENID","sex":{sent}}}'.encode()).sex == sex


@pytest.mark.parametrize(
    ("sent", "nickname"),
    [(b'"a\x07b\nc\x1b[31m"', "abc[31m"), (b'"\xe6\x9d\x8e\xe5\x8d"', "李"), (b"null", ""), (b"7", ""), (b"[{}]", "")],
)
def test_odd_nickname_never_fails_a_login(sent: bytes, nickname: str) -> None:
    """WeChat escapes no control characters and may cut inside a letter; neither reaches a page, nor do other shapes."""
    assert profile_of(b'{"openid":"OPENID","nickname":' + sent + b"}").nickname == nickname


@pytest.mark.parametrize("ids", ['"openid":"SOMEBODY",', '"openid":"OPENID","unionid":"SOMEBODY",', ""])
def test_c10_profile_of_another_person_fails_the_login(ids: str) -> None:
    """The profile must say whose it is, and agree with the token's answer."""
    with pytest.raises(ProviderBadResponse):
        fetch(f'{{{ids}"nickname":"n"}}'.encode())


def test_unionid_that_comes_with_the_profile_is_kept_as_strongest() -> None:
    """An app bound later, or an account that tells the unionid with the profile only, still unites the person."""
    identity = fetch(USERINFO, Identity("WECHAT", (OPEN_ID,), "wx0123456789abcdef", grant=TOKEN))
    assert identity.ids == (UNION_ID, OPEN_ID)


def test_refused_profile_is_a_refusal_that_leaves_the_login_standing() -> None:
    """No permission for the profile is the operator's matter, who finds WeChat's number and trace id with it."""
    with pytest.raises(ProviderConfig) as caught:
        fetch(UNAUTHORIZED)
    assert caught.value.vendor == {"errcode": "48001", "rid": "62fb9bc8-078c24da-4202f278"}


def test_silent_scope_has_an_empty_profile_and_no_call() -> None:
    """With snsapi_base WeChat would only refuse, so it is not asked."""
    wire = Wire({})
    identity = asyncio.run(provider(wire, scope="snsapi_base").fetch_profile(KNOWN))
    assert identity.profile == Profile()
    assert wire.asked == []


@pytest.mark.parametrize(
    ("key", "value"), [("scope", "snsapi_all"), ("app_id", ""), ("app_secret", ""), ("api_url", "http://a.example")]
)
def test_settings_that_cannot_work_are_refused(key: str, value: str) -> None:
    """Start-up names the key."""
    raw = {"app_id": "wx0123456789abcdef", "app_secret": SECRET} | {key: value}
    with pytest.raises(SettingsError, match=rf"^providers\.wechat\.{key}: "):
        check_provider_settings(WechatSettings, raw, "providers.wechat")


def test_connect_register_providers_offers_wechat_with_its_sandbox() -> None:
    """The hook registers the class under its name, and the sandbox it names can be imported."""
    offered: list[tuple[str, type[Provider], str]] = []

    def register(name: str, provider: type[Provider], *, sandbox: str = "") -> None:
        offered.append((name, provider, sandbox))

    connect_wechat.connect_register_providers(register)
    assert offered == [("wechat", WechatProvider, "connect_wechat.sandbox:WechatSandbox")]


def test_readme_configuration_works() -> None:
    """What a shop copies from the page is accepted for both client types."""
    (block,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    raw = tomllib.loads(block)
    assert raw["clients"].keys() == WechatProvider.entrances.keys()
    for client_type, own in raw["providers"]["wechat"].items():
        check_provider_settings(WechatSettings, own, f"providers.wechat.{client_type}")


def test_readme_tells_every_setting_and_error() -> None:
    """The operator's tables and the code say the same."""
    told = dict(re.findall(r"^\| `(-?\d+)` \| `(\w+)` \|", README, re.MULTILINE))
    assert told == {str(errcode): error.code for errcode, error in ERRORS.items()}
    own = WechatSettings.model_fields.keys() - {"profile_max_age"}
    assert own == set(re.findall(r"^\| `([a-z]\w+)` \|", README, re.MULTILINE)) - set(PAGES)
