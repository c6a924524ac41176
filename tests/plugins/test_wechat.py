"""WeChat's provider against WeChat's documented answers: links, codes, profiles, settings and the operator's page."""

import re
import tomllib
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

import connect_wechat
from connect_core.plugin import (
    BadRequest,
    ClientType,
    Identity,
    Profile,
    Provider,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    RequiredBrowser,
    SettingsError,
)
from connect_core.settings import check_provider_settings
from connect_wechat import PAGES, WechatProvider, WechatSettings
from connect_wechat.responses import ERRORS

from ..kit.wechat_vendor import (
    APP_ID,
    CODE,
    KNOWN,
    OPEN_ID,
    SECRET,
    SNAPSHOT_TOKEN,
    TOKEN,
    UNAUTHORIZED,
    UNION_ID,
    USERINFO,
    WEBSITE_TOKEN,
    Transport,
    came_back,
    fetch,
    log_in,
    login_url,
    profile_of,
    provider,
)

README = Path(connect_wechat.__file__).with_name("README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("client_type", "page", "scope"),
    [
        # https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html (step one)
        (ClientType.PC, "/connect/qrconnect", "snsapi_login"),
        # https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html (step one)
        (ClientType.H5, "/connect/oauth2/authorize", "snsapi_userinfo"),
    ],
)
async def test_link_is_the_documented_one_without_the_secret(client_type: ClientType, page: str, scope: str) -> None:
    """Parameters in WeChat's order, encoded once, with the fragment, and nothing else."""
    assert await login_url(client_type, "https://passport.yhd.com/wechat/callback.do") == (
        f"https://open.weixin.qq.com{page}?appid=wx0123456789abcdef"
        "&redirect_uri=https%3A%2F%2Fpassport.yhd.com%2Fwechat%2Fcallback.do"
        f"&response_type=code&scope={scope}&state=Ab1Ab1Ab1Ab1Ab1Ab1Ab1Ab1Ab1Ab1#wechat_redirect"
    )


async def test_app_is_told_what_to_ask_its_sdk_with() -> None:
    """No address, but the fields of `SendAuth.Req`."""
    # https://developers.weixin.qq.com/doc/oplatform/Mobile_App/WeChat_Login/Development_Guide.html
    login_string = await login_url(ClientType.APP)
    assert dict(parse_qsl(login_string)) == {"appid": APP_ID, "scope": "snsapi_userinfo", "state": "Ab1" * 10}


async def test_app_without_its_state_is_not_redeemed() -> None:
    """What ties a code to the login that asked for it is the state that the SDK gave back; WeChat is not asked."""
    transport = Transport({"/sns/oauth2/access_token": WEBSITE_TOKEN})
    with pytest.raises(BadRequest, match="state"):
        await provider(transport).login_callback(came_back(ClientType.APP))
    assert transport.requests == []
    assert await provider(transport).login_callback(came_back(ClientType.APP, state="s")) == KNOWN


async def test_embedded_code_is_bare_and_takes_the_whole_window_back() -> None:
    """Only where the shop embeds it, on PC alone; `self_redirect` is not the shop's to choose."""
    embed = {"style": "white", "href": "https://shop.example/qr.css?a=1&b"}
    pairs = dict(parse_qsl(urlsplit(await login_url(ClientType.PC, embed=embed)).query, strict_parsing=False))
    assert {**embed, "login_type": "jssdk", "self_redirect": "false"}.items() <= pairs.items()
    assert await login_url(ClientType.H5, embed=embed) == await login_url(ClientType.H5)
    assert "self_redirect=false" in await login_url(ClientType.PC, embed={})
    raw = {"app_id": APP_ID, "app_secret": SECRET, "embed": {"self_redirect": "true"}}
    with pytest.raises(SettingsError, match=r"^providers\.wechat\.embed\.self_redirect: "):
        check_provider_settings(WechatSettings, raw, "providers.wechat")


@pytest.mark.parametrize(
    ("user_agent", "place"),
    [
        (
            "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.50(0x18003231) NetType/WIFI",
            None,
        ),
        (
            "Mozilla/5.0 (iPhone) Mobile/15E148 wxwork/4.1.6 MicroMessenger/7.0.1 Language/zh",
            RequiredBrowser.VENDOR_APP,
        ),
        ("Mozilla/5.0 (iPhone) AliApp(AP/10.7.20) AlipayClient/10.7.20", RequiredBrowser.VENDOR_APP),
        ("Mozilla/5.0 (Windows NT 10.0)", RequiredBrowser.VENDOR_APP),
        ("", RequiredBrowser.VENDOR_APP),
    ],
)
def test_h5_works_inside_wechat_alone(user_agent: str, place: RequiredBrowser | None) -> None:
    """WeCom calls itself WeChat and is not; a QR code is shown anywhere; a sandbox on loopback is in no app."""
    assert provider(Transport({})).find_required_browser(ClientType.H5, user_agent) is place
    assert provider(Transport({})).find_required_browser(ClientType.PC, user_agent) is None
    sandbox_provider = provider(Transport({}), open_url="http://127.0.0.1:8001/wechat")
    assert sandbox_provider.find_required_browser(ClientType.H5, user_agent) is None


async def test_configured_scope_and_pages_are_used() -> None:
    """A shop can ask silently, and put a proxy or sandbox in WeChat's place."""
    url = await login_url(ClientType.H5, scope="snsapi_base", open_url="http://127.0.0.1:8081/wechat")
    assert url.startswith("http://127.0.0.1:8081/wechat/connect/oauth2/authorize?appid=")
    assert "&scope=snsapi_base&" in url


@pytest.mark.parametrize("client_type", PAGES)
async def test_nothing_inside_redirect_uri_becomes_a_parameter(client_type: ClientType) -> None:
    """A redirect_uri with a query and a fragment stays one value."""
    nested = "https://shop.example/cb?a=1&appid=wxevil&scope=x y#&state=stolen"
    pairs = parse_qsl(urlsplit(await login_url(client_type, nested)).query, strict_parsing=True)
    assert [name for name, _ in pairs] == ["appid", "redirect_uri", "response_type", "scope", "state"]
    assert dict(pairs)["redirect_uri"] == nested


async def test_code_is_redeemed_as_documented() -> None:
    """One GET with the four parameters; unionid, then openid with the app id as its scope; the token in no repr."""
    transport = Transport({"/sns/oauth2/access_token": WEBSITE_TOKEN})
    identity = await log_in(b"", transport=transport)
    (url,) = transport.requests
    assert f"{url.scheme}://{url.host}" == "https://api.weixin.qq.com"
    assert url.params == httpx.QueryParams(appid=APP_ID, secret=SECRET, code=CODE, grant_type="authorization_code")
    assert identity == KNOWN
    assert identity.grant == TOKEN
    assert TOKEN not in repr(identity)


@pytest.mark.parametrize("ok", ["", '"errcode":0,"errmsg":"ok",'])
async def test_person_of_an_unbound_app_has_an_openid_alone(ok: str) -> None:
    """No unionid in the answer is fine, and so is an `ok` beside it."""
    assert (await log_in(f'{{{ok}"access_token":"T","openid":"OPENID"}}'.encode())).ids == (OPEN_ID,)


async def test_snapshot_person_is_refused() -> None:
    """A snapshot page's made-up person never becomes a member."""
    with pytest.raises(ProviderDenied):
        await log_in(SNAPSHOT_TOKEN)


async def test_profile_is_the_documented_one() -> None:
    """Asked for in Chinese, with the person's own openid; every field lands where it belongs, and the ids stay."""
    transport = Transport({"/sns/userinfo": USERINFO})
    identity = await provider(transport).fetch_profile(KNOWN)
    (url,) = transport.requests
    assert url.params == httpx.QueryParams(access_token=TOKEN, openid="OPENID", lang="zh_CN")
    face = re.search(r'"(https:[^"]+)"', USERINFO.decode())
    assert face is not None
    assert identity == KNOWN.with_profile(Profile("NICKNAME", face[1], 1, "PROVINCE", "CITY"))


@pytest.mark.parametrize(
    ("sent", "sex"), [("1", 1), ("2", 0), ("0", None), ('"1"', 1), ("true", None), ("[1]", None), ("null", None)]
)
async def test_sex_is_translated(sent: str, sex: int | None) -> None:
    """WeChat's 1 and 2 are our 1 and 0; everything else is unknown."""
    assert (await profile_of(f'{{"openid":"OPENID","sex":{sent}}}'.encode())).sex == sex


@pytest.mark.parametrize(
    ("sent", "nickname"),
    [(b'"a\x07b\nc\x1b[31m"', "abc[31m"), (b'"\xe6\x9d\x8e\xe5\x8d"', "李"), (b"null", ""), (b"7", ""), (b"[{}]", "")],
)
async def test_odd_nickname_never_fails_a_login(sent: bytes, nickname: str) -> None:
    """WeChat escapes no control characters and may cut inside a letter; neither reaches a page, nor do other shapes."""
    assert (await profile_of(b'{"openid":"OPENID","nickname":' + sent + b"}")).nickname == nickname


@pytest.mark.parametrize("ids", ['"openid":"SOMEBODY",', '"openid":"OPENID","unionid":"SOMEBODY",', ""])
async def test_profile_of_another_person_fails_the_login(ids: str) -> None:
    """The profile must say whose it is, and agree with the token's answer."""
    with pytest.raises(ProviderBadResponse):
        await fetch(f'{{{ids}"nickname":"n"}}'.encode())


async def test_unionid_that_comes_with_the_profile_is_kept_as_strongest() -> None:
    """An app bound later, or an account that tells the unionid with the profile only, still unites the person."""
    identity = await fetch(USERINFO, Identity("WECHAT", (OPEN_ID,), APP_ID, grant=TOKEN))
    assert identity.ids == (UNION_ID, OPEN_ID)


async def test_refused_profile_is_a_refusal_that_leaves_the_login_standing() -> None:
    """No permission for the profile is the operator's matter, who finds WeChat's number and trace id with it."""
    with pytest.raises(ProviderConfig) as caught:
        await fetch(UNAUTHORIZED)
    assert caught.value.vendor == {"errcode": "48001", "rid": "62fb9bc8-078c24da-4202f278"}


async def test_silent_scope_has_an_empty_profile_and_no_call() -> None:
    """With snsapi_base WeChat would only refuse, so it is not asked."""
    transport = Transport({})
    identity = await provider(transport, scope="snsapi_base").fetch_profile(KNOWN)
    assert identity.profile == Profile()
    assert transport.requests == []


@pytest.mark.parametrize(
    ("key", "value"), [("scope", "snsapi_all"), ("app_id", ""), ("app_secret", ""), ("api_url", "http://a.example")]
)
def test_settings_that_cannot_work_are_refused(key: str, value: str) -> None:
    """Start-up names the key."""
    raw = {"app_id": APP_ID, "app_secret": SECRET} | {key: value}
    with pytest.raises(SettingsError, match=rf"^providers\.wechat\.{key}: "):
        check_provider_settings(WechatSettings, raw, "providers.wechat")


def test_connect_register_providers_offers_wechat_with_its_sandbox() -> None:
    """The hook registers the class under its name, and the sandbox it names can be imported."""
    offered: list[tuple[str, type[Provider], str, str]] = []

    def register(name: str, provider: type[Provider], *, sandbox: str = "", icon: str = "") -> None:
        offered.append((name, provider, sandbox, icon))

    connect_wechat.connect_register_providers(register)
    assert offered == [("wechat", WechatProvider, "connect_wechat.sandbox:WechatSandbox", "connect_wechat:icon.svg")]


def test_readme_configuration_works() -> None:
    """What a shop copies from the page is accepted for every client type."""
    (block,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    raw = tomllib.loads(block)
    assert raw["clients"].keys() == WechatProvider.entrances.keys()
    for client_type, settings in raw["providers"]["wechat"].items():
        check_provider_settings(WechatSettings, settings, f"providers.wechat.{client_type}")


def test_readme_tells_every_setting_and_error() -> None:
    """The operator's tables and the code say the same."""
    documented = dict(re.findall(r"^\| `(-?\d+)` \| `(\w+)` \|", README, re.MULTILINE))
    assert documented == {str(errcode): error.code for errcode, error in ERRORS.items()}
    settings = README.partition("\n## Configure\n")[2].partition("\n## ")[0]
    assert WechatSettings.model_fields.keys() == set(re.findall(r"^\| `([a-z]\w+)` \|", settings, re.MULTILINE))
