"""WeChat's sandbox over real loopback HTTP, and the provider's whole way through it."""

import logging
from collections.abc import Iterator
from contextlib import aclosing
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from connect_core.http import HttpPool
from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    ClientType,
    CodeInvalid,
    ContradictingAnswer,
    Identity,
    PagePreviewed,
    PersonId,
    Profile,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderRefused,
)
from connect_core.sandbox import serving
from connect_wechat import PAGES, WechatProvider, WechatSettings
from connect_wechat.sandbox import APPS, WechatSandbox

from ..kit.clock import Clock

STATE = "Ab1" * 10
CALLBACK = "http://127.0.0.1:8080/connect/wechat/cb?keep=1"
PC, H5 = ClientType.PC, ClientType.H5


class Shop:
    """A shop and its visitor in front of one sandbox."""

    def __init__(self, sandbox: WechatSandbox, url: str, **settings: str) -> None:
        """`settings` go over those that the sandbox gives."""
        self.sandbox = sandbox
        self.url = url
        self.changes = settings

    async def login_url(self, client_type: ClientType) -> str:
        """Where the provider sends the visitor."""
        request = AuthorizationRequest(
            client_type=client_type, redirect_uri=CALLBACK, state=STATE, nonce="", code_challenge=""
        )
        return await self.provider(client_type, HttpPool()).get_login_url(request)

    def provider(self, client_type: ClientType, pool: HttpPool) -> WechatProvider:
        """The provider of one client type."""
        settings = self.sandbox.settings(self.url, client_type) | self.changes
        return WechatProvider(WechatSettings.model_validate(settings), pool.for_provider("wechat"))

    async def agree(self, client_type: ClientType, **form: str) -> dict[str, str]:
        """Open the page, answer it, and return what came back to the callback."""
        url = await self.login_url(client_type)
        page = httpx.get(url, trust_env=False)
        assert page.status_code == 200, page.text
        answer = httpx.post(url, data={"person": "lihua", "decision": "agree"} | form, trust_env=False)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(CALLBACK + "&")
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def log_in(self, client_type: ClientType, code: str | None = None, *, with_profile: bool = False) -> Identity:
        """Redeem the code (or one just agreed to) and fetch the profile when it is wanted."""
        code = code or (await self.agree(client_type))["code"]
        response = AuthorizationResponse.of_spent_flow(client_type=client_type, code=code, parameters={})
        async with aclosing(HttpPool()) as pool:
            provider = self.provider(client_type, pool)
            identity = await provider.login_callback(response)
            return await provider.fetch_profile(identity) if with_profile else identity

    def call(self, path: str, **parameters: str) -> dict[str, object]:
        """Call the API as any client would: JSON in text/plain, always HTTP 200."""
        answer = httpx.get(self.url + path, params=parameters, trust_env=False)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain"
        body: dict[str, object] = answer.json()
        return body

    def redeem(self, client_type: ClientType, code: str, /, **other: str) -> dict[str, object]:
        """Redeem a code by hand; `other` replaces parameters."""
        app = APPS[client_type]
        parameters = {
            "appid": app.app_id,
            "secret": app.secret,
            "code": code,
            "grant_type": "authorization_code",
        } | other
        return self.call("/sns/oauth2/access_token", **parameters)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[WechatSandbox, str]]:
    """A sandbox whose registrations share an open-platform account, and its base URL."""
    sandbox = WechatSandbox(domain="127.0.0.1")
    with serving(sandbox.app()) as url:
        yield sandbox, url


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still: lives are measured to the second."""
    return Clock(1_760_000_000)


@pytest.fixture
def shop(served: tuple[WechatSandbox, str], clock: Clock) -> Iterator[Shop]:
    """A shop in front of the sandbox; no fault that a test ordered may stay unused."""
    sandbox, url = served
    sandbox.now = clock
    sandbox.calls.clear()
    yield Shop(sandbox, url)
    unused = sandbox.faults.unused
    sandbox.faults.clear()
    assert unused == 0


@pytest.mark.parametrize("client_type", PAGES)
async def test_whole_login_of_each_client_type(shop: Shop, client_type: ClientType) -> None:
    """From the link to the profile: union id, open id of this app, and what the person shows."""
    app_id = APPS[client_type].app_id
    identity = await shop.log_in(client_type, with_profile=True)
    assert identity.ids == (
        PersonId.union_id(shop.sandbox.union_id("lihua")),
        PersonId.open_id(shop.sandbox.open_id("lihua", app_id), app_id),
    )
    assert identity.app_id == app_id
    assert identity.profile == Profile("李华", "https://img.example/lihua.png", 1, "浙江省", "杭州市")
    assert [call.operation for call in shop.sandbox.calls] == ["authorize", "token", "userinfo"]


async def test_one_person_has_one_unionid_and_an_openid_per_app(shop: Shop) -> None:
    """PC and H5 meet in the strongest id alone."""
    pc, h5 = await shop.log_in(PC), await shop.log_in(H5)
    assert pc.strongest == h5.strongest
    assert not set(pc.ids[1:]) & set(h5.ids)


async def test_people_are_told_apart(shop: Shop) -> None:
    """Another person, known or made up on the spot, has other ids; a nickname comes through whatever is in it."""
    code = (await shop.agree(PC, person="wangfang"))["code"]
    identity = await shop.log_in(PC, code, with_profile=True)
    made_up = await shop.log_in(PC, (await shop.agree(PC, somebody="zoe"))["code"])
    assert identity.profile is not None
    assert (identity.profile.nickname, identity.profile.sex) == ('王芳 {"🙂"}', 0)
    assert len({(await shop.log_in(PC)).strongest, identity.strongest, made_up.strongest}) == 3


async def test_unbound_shop_gets_open_ids_alone() -> None:
    """Registrations outside an open-platform account have no unionid, in neither answer."""
    with serving((sandbox := WechatSandbox(bound=False)).app()) as url:
        identity = await Shop(sandbox, url).log_in(H5, with_profile=True)
    app_id = APPS[H5].app_id
    assert identity.ids == (PersonId.open_id(sandbox.open_id("lihua", app_id), app_id),)


async def test_silent_login_has_an_openid_alone(shop: Shop) -> None:
    """With snsapi_base there is no unionid, and WeChat is not asked for a profile."""
    silent = Shop(shop.sandbox, shop.url, scope="snsapi_base")
    identity = await silent.log_in(H5, with_profile=True)
    assert len(identity.ids) == 1
    assert identity.profile == Profile()
    assert shop.sandbox.called("userinfo") == 0
    assert shop.call("/sns/userinfo", access_token=identity.grant, openid=identity.ids[0].value)["errcode"] == 48001


async def test_refusal_comes_back_as_a_bare_state(shop: Shop) -> None:
    """Who refuses leaves no code, which is what `refuses_without_code` says."""
    assert WechatProvider.refuses_without_code
    assert await shop.agree(PC, decision="refuse") == {"keep": "1", "state": STATE}


async def test_no_log_holds_code_token_or_secret(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG, a login and a failed one leave none of them in any log."""
    code = (await shop.agree(PC))["code"]
    with caplog.at_level(logging.DEBUG):
        identity = await shop.log_in(PC, code, with_profile=True)
        with pytest.raises(CodeInvalid):
            await shop.log_in(PC, code)
    # the sandbox's own server is no part of the shop
    logged = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn"))
    for canary in (code, identity.grant, APPS[PC].secret):
        assert canary not in logged


@pytest.mark.parametrize(("client_type", "life"), [(PC, 600), (H5, 300)])
async def test_code_expires(shop: Shop, clock: Clock, client_type: ClientType, life: int) -> None:
    """A code holds to its last second and not one longer: ten minutes on PC, five on H5."""
    first, second = (await shop.agree(client_type))["code"], (await shop.agree(client_type))["code"]
    clock.advance(life)
    await shop.log_in(client_type, first)
    clock.advance(1)
    with pytest.raises(CodeInvalid) as caught:
        await shop.log_in(client_type, second)
    assert caught.value.vendor["errcode"] == "42003"


async def test_code_works_once(shop: Shop) -> None:
    """The second use is told apart from a wrong code."""
    code = (await shop.agree(PC))["code"]
    await shop.log_in(PC, code)
    with pytest.raises(CodeInvalid) as caught:
        await shop.log_in(PC, code)
    assert caught.value.vendor["errcode"] == "40163"
    assert set(caught.value.vendor) == {"errcode", "rid"}


async def test_code_of_another_app_is_refused(shop: Shop) -> None:
    """A code belongs to the app that it was agreed to, and is not spent by another."""
    code = (await shop.agree(PC))["code"]
    with pytest.raises(CodeInvalid):
        await shop.log_in(H5, code)
    await shop.log_in(PC, code)


@pytest.mark.parametrize(
    ("key", "value", "errcode"), [("app_secret", "wrong", "40125"), ("app_id", "wx0000000000000000", "40013")]
)
async def test_wrong_registration_is_the_operators(shop: Shop, key: str, value: str, errcode: str) -> None:
    """App id and secret are checked, before the code is spent."""
    code = (await shop.agree(PC))["code"]
    with pytest.raises(ProviderConfig) as caught:
        await Shop(shop.sandbox, shop.url, **{key: value}).log_in(PC, code)
    assert caught.value.vendor["errcode"] == errcode
    await shop.log_in(PC, code)


@pytest.mark.parametrize(
    ("other", "errcode"),
    [({"appid": ""}, 41002), ({"secret": ""}, 41004), ({"grant_type": "x"}, 40002), ({"code": ""}, 41008)],
)
def test_token_call_needs_every_parameter(shop: Shop, other: dict[str, str], errcode: int) -> None:
    """What a careless client leaves out has WeChat's own number."""
    assert shop.redeem(PC, "any", **other)["errcode"] == errcode


async def test_token_checks_and_refreshes(shop: Shop, clock: Clock) -> None:
    """An access token holds two hours, for its own openid; a refresh token brings the next one, without the secret."""
    tokens = {key: str(value) for key, value in shop.redeem(PC, (await shop.agree(PC))["code"]).items()}
    parameters = {"access_token": tokens["access_token"], "openid": tokens["openid"]}
    assert shop.call("/sns/auth", **parameters) == {"errcode": 0, "errmsg": "ok"}
    assert shop.call("/sns/auth", **parameters | {"openid": "other"})["errcode"] == 40003
    assert shop.call("/sns/auth", **parameters | {"access_token": tokens["refresh_token"]})["errcode"] == 40001
    clock.advance(7201)
    assert shop.call("/sns/userinfo", **parameters)["errcode"] == 42001
    refresh = {"appid": APPS[PC].app_id, "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    renewed = shop.call("/sns/oauth2/refresh_token", **refresh)
    assert shop.call("/sns/auth", **parameters | {"access_token": str(renewed["access_token"])})["errcode"] == 0
    assert shop.call("/sns/oauth2/refresh_token", **refresh | {"appid": APPS[H5].app_id})["errcode"] == 40030


async def opened(shop: Shop, client_type: ClientType, **other: str | None) -> httpx.Response:
    """Open the link with some parameters replaced, moved to the end, or (None) left out."""
    parts = urlsplit(await shop.login_url(client_type))
    link = dict(parse_qsl(parts.query)) | other
    url = f"{shop.url}{parts.path}"
    return httpx.get(url, params={k: v for k, v in link.items() if v is not None}, trust_env=False)


@pytest.mark.parametrize("state", ["a", "Z9" * 64])
async def test_plain_state_passes_on_h5(shop: Shop, state: str) -> None:
    """Letters and digits, up to 128 bytes."""
    assert (await opened(shop, H5, state=state)).status_code == 200


@pytest.mark.parametrize("state", ["a" * 129, "a-b", "a_b", "ä", "", None])
async def test_other_state_fails_on_h5_alone(shop: Shop, state: str | None) -> None:
    """WeChat's H5 page takes nothing else, its QR page takes anything."""
    assert "10013" in (await opened(shop, H5, state=state)).text
    assert (await opened(shop, PC, state=state)).status_code == 200


@pytest.mark.parametrize("client_type", PAGES)
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("appid", None, "10012"),
        ("appid", "wx0000000000000000", "10012"),
        ("appid", APPS[ClientType.H5].app_id, "10016"),
        ("redirect_uri", None, "10011"),
        ("redirect_uri", "https://evil.example/", "10003"),
        ("redirect_uri", "https://127.0.0.1.evil.example/", "10003"),
        ("redirect_uri", "javascript://127.0.0.1/", "10003"),
        ("response_type", "token", "response_type"),
        ("scope", None, "10010"),
        ("scope", "snsapi_everything", "10005"),
    ],
)
async def test_bad_link_ends_on_wechats_page(
    shop: Shop, client_type: ClientType, name: str, value: str | None, said: str
) -> None:
    """No consent is asked for, nothing is sent back."""
    if said == "10016" and client_type is H5:
        value = APPS[PC].app_id
    page = await opened(shop, client_type, **{name: value})
    assert page.status_code == 400
    assert said in page.text
    assert "<form" not in page.text


async def test_h5_link_in_another_order_fails(shop: Shop) -> None:
    """WeChat matches the link by pattern, so state before scope is no link."""
    url = (await shop.login_url(H5)).split("#")[0]
    head, scope, state = url.rsplit("&", 2)
    assert httpx.get(f"{head}&{state}&{scope}", trust_env=False).status_code == 400
    assert httpx.get(f"{url}&forcePopup=true", trust_env=False).status_code == 200


async def test_answer_to_a_bad_link_makes_no_code(shop: Shop) -> None:
    """Posting the consent by hand does not get around the checks."""
    url = (await shop.login_url(PC)).replace("127.0.0.1%3A8080", "evil.example")
    answer = httpx.post(url, data={"person": "lihua", "decision": "agree"}, trust_env=False)
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("kind", "value", "on", "error"),
    [
        ("error", "40029", "token", CodeInvalid),
        ("error", "40125", "token", ProviderConfig),
        ("error", "40226", "token", ProviderDenied),
        ("error", "45011", "token", ProviderRefused),
        ("error", "48001", "userinfo", ProviderConfig),
        ("missing_id", "", "token", ProviderBadResponse),
        ("missing_id", "", "userinfo", ProviderBadResponse),
        ("swapped_id", "", "userinfo", ContradictingAnswer),
        ("snapshot", "", "token", PagePreviewed),
        ("status", "503", "token", ProviderRefused),
        ("html", "", "token", ProviderBadResponse),
        ("truncate", "", "token", ProviderBadResponse),
        ("empty", "", "userinfo", ProviderBadResponse),
        ("gzip", "", "token", ProviderBadResponse),
        ("huge", "", "token", ProviderBadResponse),
        ("redirect", "", "token", ProviderBadResponse),
    ],
)
async def test_fault_becomes_our_error(shop: Shop, kind: str, value: str, on: str, error: type[Exception]) -> None:
    """Whatever WeChat does wrong has its own error, and no call is made twice."""
    shop.sandbox.faults.add(kind, value, on=on)
    with pytest.raises(error) as caught:
        await shop.log_in(PC, with_profile=True)
    assert type(caught.value) is error
    assert shop.sandbox.called(on) == 1


async def test_number_for_an_id_keeps_its_digits(shop: Shop) -> None:
    """Beyond 2^53, over the network."""
    shop.sandbox.faults.add("number_id", on="token")
    assert (await shop.log_in(PC)).ids[1].value == "12345678901234567890"


async def test_token_of_another_person_gets_no_profile(shop: Shop) -> None:
    """An openid that is not the token's own is noticed by WeChat at the profile, and the login fails."""
    shop.sandbox.faults.add("swapped_id", on="token")
    with pytest.raises(ProviderBadResponse) as caught:
        await shop.log_in(PC, with_profile=True)
    assert caught.value.vendor["errcode"] == "40003"


async def test_raw_control_characters_do_not_cost_the_login(shop: Shop) -> None:
    """They really are in the answer, and not in the profile."""
    shop.sandbox.faults.add("control_characters", on="userinfo", times=2)
    identity = await shop.log_in(PC, with_profile=True)
    assert identity.profile is not None
    assert identity.profile.nickname == "小红🙂"
    parameters = {"access_token": identity.grant, "openid": identity.ids[1].value}
    assert b"\x07\xe7\xba\xa2\n" in httpx.get(f"{shop.url}/sns/userinfo", params=parameters, trust_env=False).content


async def test_page_can_fail(shop: Shop) -> None:
    """The consent page answers an ordered error with WeChat's own page."""
    shop.sandbox.faults.add("error", 10003, on="authorize")
    assert "10003" in httpx.get(await shop.login_url(PC), trust_env=False).text
