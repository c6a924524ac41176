"""Alipay's provider against Alipay's documented answers: where logins begin, who comes back, and what is told of them.

Each documented answer has its page above it.
"""

import json
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import pytest

import connect_alipay
from connect_alipay.signature import get_signed_text, is_signed_by
from connect_core.plugin import (
    AuthorizationRequest,
    BadRequest,
    ClientType,
    DeepLinks,
    Identity,
    IdKind,
    PersonId,
    ProviderBadResponse,
    ProviderConfig,
    ProviderFault,
)

from ..kit.alipay_vendor import (
    APP_ID,
    CODE,
    CODE_INVALID,
    KEY_MODE,
    OURS,
    TOKEN,
    TOKEN_CALL,
    USER_CALL,
    USER_NODE,
    V3_MODE,
    Transport,
    answer,
    answer_v3,
    change,
    provider,
    read_parameters,
    response,
)

README = Path(connect_alipay.__file__).with_name("README.md")
STATE = "0123456789abcdefghijABCDEFGHIJ42"
PID = "2088102170000001"
WEB = [ClientType.PC, ClientType.H5]

# https://docs.antom.com/ac/solution_api/infoshare (with the id of the token call's page)
USER = (
    '{"code":"10000","msg":"Success","user_id":"2088102150477652","avatar":'
    '"https:\\/\\/tfs.alipayobjects.com\\/images\\/partner\\/T1uIxXXbpXXXXXXXX","province":"安徽省","city":"安庆",'
    '"nick_name":"支付宝小二","is_student_certified":"T","user_type":"1","user_status":"T","is_certified":"T","gender":"F"}'
)
# https://opendocs.alipay.com/mini/api/openapi-authorize: apps made today get these
OPEN_ID = "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5"
NEW_APP = change(TOKEN, user_id=None, open_id=OPEN_ID, union_id="dXNlcl91bmlvbl9pZA")
IDENTITY = Identity("ALIPAY", (PersonId.user_id("2088102150477652"),), APP_ID, grant="20120823ac6f")


async def log_in(source: str) -> Identity:
    """Redeem a code that the token call answers with `source`, signed."""
    return await provider(answer(source)).login_callback(response())


async def fetch(source: str, identity: Identity = IDENTITY) -> Identity:
    """Ask for the profile that user.info.share answers with `source`, signed."""
    return await provider(answer(source, node=USER_NODE)).fetch_profile(identity)


async def begin(client_type: ClientType, redirect_uri: str = "https://shop.example/cb?x=1&y=支", **further: str) -> str:
    """Return what a login of `client_type` begins with."""
    request = AuthorizationRequest(
        client_type=client_type, redirect_uri=redirect_uri, state=STATE, nonce="n", code_challenge="c"
    )
    return await provider(b"", KEY_MODE, **further).get_login_url(request)


@pytest.mark.parametrize("client_type", WEB)
async def test_web_login_begins_on_alipays_page(client_type: ClientType) -> None:
    """`app_id`, `scope`, `redirect_uri` encoded once, `state`, and nothing else."""
    url = urlsplit(await begin(client_type))
    assert url._replace(query="").geturl() == "https://openauth.alipay.com/oauth2/publicAppAuthorize.htm"
    assert dict(parse_qsl(url.query, strict_parsing=True)) == {
        "app_id": APP_ID,
        "scope": "auth_user",
        "redirect_uri": "https://shop.example/cb?x=1&y=支",
        "state": STATE,
    }


async def test_nothing_inside_redirect_uri_becomes_a_parameter() -> None:
    """An address with parameters of its own stays one value."""
    nested = "https://shop.example/cb?a=1&app_id=2&state=3#f"
    query = parse_qs(urlsplit(await begin(ClientType.H5, nested)).query)
    assert (query["redirect_uri"], query["app_id"], query["state"]) == ([nested], [APP_ID], [STATE])


async def test_hosts_follow_the_environment_and_can_be_replaced() -> None:
    """Alipay's sandbox has hosts of its own; explicit ones win."""
    page = "/oauth2/publicAppAuthorize.htm?"
    assert (await begin(ClientType.PC, environment="sandbox")).startswith(
        f"https://openauth-sandbox.dl.alipaydev.com{page}"
    )
    assert (await begin(ClientType.PC, authorize_url=f"http://127.0.0.1:9{page[:-1]}")).startswith(
        f"http://127.0.0.1:9{page}"
    )
    for mode, path in ((KEY_MODE, "/gateway.do"), (V3_MODE, "/v3/alipay/system/oauth/token")):
        for environment, host in (
            ("production", "openapi.alipay.com"),
            ("sandbox", "openapi-sandbox.dl.alipaydev.com"),
        ):
            settings = {key: value for key, value in mode.items() if key != "gateway_url"}
            transport = Transport([b"{}"])
            with pytest.raises(ProviderFault):
                await provider(transport, settings, environment=environment).login_callback(response())
            url = transport.requests[0].url
            assert (url.scheme, url.host, url.path) == ("https", host, path)


async def test_query_of_a_configured_gateway_is_kept() -> None:
    """A proxy in between may need parameters of its own; they are not signed."""
    transport = Transport([answer(TOKEN)])
    await provider(transport, gateway_url="https://proxy.example/alipay?via=1%2F2").login_callback(response())
    sent = read_parameters(transport.requests[0])
    assert (sent.pop("via"), sent["app_id"]) == ("1/2", APP_ID)
    assert is_signed_by(OURS.public_key(), sent.pop("sign"), get_signed_text(sent).encode())


async def test_scope_can_be_configured() -> None:
    """A silent login asks for `auth_base`."""
    assert "scope=auth_base&" in await begin(ClientType.H5, scope="auth_base")


async def test_app_login_is_a_signed_string() -> None:
    """The native SDK's string has the documented values, our state as `target_id`, and a signature over all of them."""
    text = await begin(ClientType.APP, pid=PID)
    given = dict(parse_qsl(text, strict_parsing=True))
    signature = given.pop("sign")
    assert given == {
        "apiname": "com.alipay.account.auth",
        "app_id": APP_ID,
        "app_name": "mc",
        "auth_type": "AUTHACCOUNT",
        "biz_type": "openservice",
        "method": "alipay.open.auth.sdk.code.get",
        "pid": PID,
        "product_id": "APP_FAST_LOGIN",
        "scope": "kuaijie",
        "sign_type": "RSA2",
        "target_id": STATE,
    }
    assert is_signed_by(OURS.public_key(), signature, get_signed_text(given).encode())
    assert text.startswith("apiname=com.alipay.account.auth&app_id=")
    assert "scope=auth_user&" in await begin(ClientType.APP, pid=PID, scope="auth_user")


async def test_app_login_without_a_partner_id_is_the_operators() -> None:
    """The string names the merchant, so `pid` must be set where apps log in."""
    with pytest.raises(ProviderConfig, match="pid"):
        await begin(ClientType.APP)


def test_wake_up_link_wraps_the_start_url_once() -> None:
    """The whole URL is one encoded value of the wallet's own link."""
    alipay = provider(b"")
    assert isinstance(alipay, DeepLinks)
    start = "https://shop.example/connect/alipay/h5/login?return_to=%2Fcart%3Fa%3D1&b=2"
    link = alipay.get_deep_link(start, "Mozilla/5.0 (iPhone) Safari/604.1")
    assert link is not None
    head, _, tail = link.partition("&url=")
    assert head == "alipays://platformapi/startapp?appId=20000067"
    assert "&" not in tail
    assert unquote(tail) == start


def test_inside_the_wallet_nothing_is_woken() -> None:
    """There the plain redirect works."""
    assert provider(b"").get_deep_link("https://shop.example/", "Mozilla/5.0 AlipayClient/10.5.0 x") is None


async def test_code_is_redeemed_and_names_the_person() -> None:
    """The documented answer gives a vendor-wide id; the token goes on to `fetch_profile` and no further."""
    identity = await log_in(TOKEN)
    assert identity == IDENTITY
    assert identity.grant == "20120823ac6ffaa4d2d84e7384bf983531473993"
    assert identity.profile is None
    assert identity.grant not in repr(identity)


async def test_all_ids_are_taken_strongest_first() -> None:
    """`user_id`, then `union_id`, then `open_id`, which holds for this app alone."""
    assert (await log_in(NEW_APP)).ids == (PersonId.union_id("dXNlcl91bmlvbl9pZA"), PersonId.open_id(OPEN_ID, APP_ID))
    both = await log_in(change(NEW_APP, user_id="2088102150477652"))
    assert [person_id.kind for person_id in both.ids] == [IdKind.USER_ID, IdKind.UNION_ID, IdKind.OPEN_ID]
    assert [person_id.scope for person_id in both.ids] == ["", "", APP_ID]


async def test_old_alipay_user_id_is_never_read() -> None:
    """It is another value than `user_id`, and no id of anybody's by itself."""
    assert (await log_in(change(TOKEN, alipay_user_id="20881007434917916336963360919773"))).ids == IDENTITY.ids
    with pytest.raises(ProviderBadResponse):
        await log_in(change(TOKEN, user_id=None, alipay_user_id="20881007434917916336963360919773"))


async def test_whole_number_id_keeps_its_digits() -> None:
    """Some gateways in between turn digits into numbers."""
    assert (await log_in(change(TOKEN, user_id=2088102150477652))).ids == IDENTITY.ids


@pytest.mark.parametrize("value", [" ", 2088.5, True, [], {}, "x" * 256])
@pytest.mark.parametrize("key", ["user_id", "union_id", "open_id"])
async def test_id_that_is_no_text_is_refused(key: str, value: object) -> None:
    """Nothing but exact text is an id, even where another id would do."""
    with pytest.raises(ProviderBadResponse):
        await log_in(change(TOKEN, **{key: value}))


@pytest.mark.parametrize("empty", ["null", '""'])
async def test_empty_id_is_absent(empty: str) -> None:
    """It is not there; without any id nobody is logged in."""
    assert (await log_in(TOKEN.replace("{", f'{{"open_id":{empty},"union_id":{empty},', 1))).ids == IDENTITY.ids
    with pytest.raises(ProviderBadResponse):
        await log_in(change(TOKEN, user_id=json.loads(empty)))


@pytest.mark.parametrize("token", [None, "", 7, [], True])
async def test_success_without_a_token_is_refused(token: object) -> None:
    """A token answer has an access token and an id."""
    with pytest.raises(ProviderBadResponse):
        await log_in(change(TOKEN, access_token=token))


@pytest.mark.parametrize("expires_in", [None, 3600, "3600", "-1", "soon", 10**400, [], 0.5])
async def test_expiry_is_of_no_interest(expires_in: object) -> None:
    """The token is used at once and forgotten, so its life may come in any form."""
    assert (await log_in(change(TOKEN, expires_in=expires_in))).ids == IDENTITY.ids


async def test_code_of_another_app_is_refused_unasked() -> None:
    """The callback names the app it is for; another one is a mix-up and the code is not spent."""
    transport = Transport([answer(TOKEN)])
    with pytest.raises(BadRequest):
        await provider(transport).login_callback(response(app_id="2021000000000009"))
    assert transport.requests == []
    for parameters in ({"app_id": APP_ID, "source": "alipay_wallet", "scope": "auth_user"}, {}):
        assert (await provider(transport).login_callback(response(**parameters))).ids == IDENTITY.ids


async def test_returning_member_costs_one_call() -> None:
    """The token call names the person; the profile waits until somebody wants it."""
    transport = Transport([answer(TOKEN)])
    await provider(transport).login_callback(response())
    assert transport.methods == [TOKEN_CALL]
    assert read_parameters(transport.requests[0])["code"] == CODE


async def test_profile_is_the_documented_one() -> None:
    """Name, picture, sex and place are taken over, and whether Alipay knows the person's real name."""
    transport = Transport([answer(USER, node=USER_NODE)])
    identity = await provider(transport).fetch_profile(IDENTITY)
    assert transport.methods == [USER_CALL]
    assert read_parameters(transport.requests[0])["auth_token"] == IDENTITY.grant
    assert identity.ids == IDENTITY.ids
    profile = identity.profile
    assert profile is not None
    assert profile.nickname == "支付宝小二"
    assert profile.face == "https://tfs.alipayobjects.com/images/partner/T1uIxXXbpXXXXXXXX"
    assert (profile.sex, profile.province, profile.city, profile.is_certified) == (0, "安徽省", "安庆", True)
    assert profile.mobile == ""


@pytest.mark.parametrize(
    ("gender", "sex"), [("F", 0), ("f", 0), ("M", 1), ("m", 1), (None, None), ("", None), (1, None), ([], None)]
)
async def test_gender_is_read_in_either_case(gender: object, sex: int | None) -> None:
    """Models and samples differ in case; all else is unknown."""
    profile = (await fetch(change(USER, gender=gender))).profile
    assert profile is not None
    assert profile.sex == sex


@pytest.mark.parametrize(("value", "known"), [("T", True), ("F", False), (None, None), ("t", None), ({}, None)])
async def test_certification_is_told_where_alipay_tells_it(value: object, *, known: bool | None) -> None:
    """Newer apps do not learn it."""
    profile = (await fetch(change(USER, is_certified=value))).profile
    assert profile is not None
    assert profile.is_certified is known


async def test_profile_of_a_person_who_set_nothing_is_empty() -> None:
    """Names and pictures are missing when the person never set them."""
    profile = (await fetch('{"code":"10000","msg":"Success","user_id":"2088102150477652"}')).profile
    assert profile is not None
    assert (profile.nickname, profile.face, profile.sex) == ("", "", None)


async def test_further_ids_of_the_profile_are_taken() -> None:
    """An id that comes with the profile alone joins those of the token, in order of strength."""
    known = Identity("ALIPAY", (PersonId.open_id(OPEN_ID, APP_ID),), APP_ID, grant="t")
    fetched = await fetch(change(USER, open_id=OPEN_ID), known)
    assert [person_id.kind for person_id in fetched.ids] == [IdKind.USER_ID, IdKind.OPEN_ID]


@pytest.mark.parametrize(
    "ids",
    [
        {"user_id": "2088102150477653"},
        {"user_id": "2088102150477653", "open_id": OPEN_ID},
        {"user_id": None},
        {"user_id": None, "open_id": OPEN_ID},
    ],
)
async def test_profile_of_somebody_else_fails_the_login(ids: dict[str, object]) -> None:
    """The profile must name the person of the token by an id they share; contradicting ids are another person's."""
    with pytest.raises(ProviderBadResponse):
        await fetch(change(USER, **ids))


async def test_ids_are_compared_in_case() -> None:
    """Two open ids that differ in case are two people."""
    known = Identity("ALIPAY", (PersonId.open_id(OPEN_ID, APP_ID),), APP_ID, grant="t")
    with pytest.raises(ProviderBadResponse):
        await fetch(change(USER, user_id=None, open_id=OPEN_ID.swapcase()), known)


# https://opendocs.alipay.com/common/02km9f (an app without the product 获取会员信息)
async def test_refused_profile_leaves_the_login_to_the_ids() -> None:
    """A missing permission is a refusal that the core can live with, not an answer that cannot be trusted."""
    source = change(CODE_INVALID, code="40006", sub_code="isv.insufficient-isv-permissions", sub_msg="ISV权限不足")
    with pytest.raises(ProviderConfig):
        await fetch(source)


async def test_silent_scope_has_an_empty_profile_and_no_call() -> None:
    """Alipay tells nothing for `auth_base`, so it is not asked."""
    transport = Transport([answer(USER, node=USER_NODE)])
    identity = await provider(transport, scope="auth_base").fetch_profile(IDENTITY)
    assert identity.profile is not None
    assert transport.requests == []


async def test_v3_gives_the_same_identity() -> None:
    """The protocol is a matter of transport; ids and profile are the same."""
    alipay = provider(Transport([answer_v3(TOKEN), answer_v3(change(USER, code=None, msg=None))]), V3_MODE)
    identity = await alipay.fetch_profile(await alipay.login_callback(response(app_id=APP_ID)))
    assert identity.with_profile((await fetch(USER)).profile or pytest.fail("no profile")) == await fetch(USER)
