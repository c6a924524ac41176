"""The base provider of OAuth 2.0 vendors: what is asked of them, in every quirk, and how many calls a login costs."""

import base64
import json
import traceback
from typing import Any

import pytest
from pydantic import ValidationError

from connect_core.errors import ProviderBadResponse, SettingsError
from connect_core.plugin import Claims, ClientType, PersonId
from connect_core.providers.oauth2 import NoSecret, SecretInForm, SecretInHeader

from ...kit.vendor_transport import (
    CODE,
    SECRET,
    TOKEN,
    TOKENS,
    VERIFIER,
    Acme,
    Transport,
    log_in,
    login_url,
    make,
    query,
    quirky,
)

ME = b'{"id":12345678901234567890123,"name":"\xe6\x9d\x8e\xe5\x8d\x8e"}'
ANSWERS = {"/token": TOKENS, "/me": ME}
BY_OPEN_ID = {"claims": Claims(nickname="name"), "id_claims": Claims(open_id="openid")}


async def test_authorization_request_is_the_standards() -> None:
    """RFC 6749 §4.1.1 with a code challenge, every value encoded once, and no secret."""
    assert await login_url(make()) == (
        "https://acme.example/authorize?response_type=code&client_id=c-1"
        "&redirect_uri=https%3A%2F%2Fshop.example%2Fcb&scope=basic%20profile"
        f"&state={'Ab1' * 10}&code_challenge=ch4llenge&code_challenge_method=S256"
    )


async def test_authorization_request_with_every_quirk() -> None:
    """Names, separator, constants, language and fragment are the vendor's; what has an empty name is left out."""
    quirks = quirky(
        names={"client_id": "client_key", "response_type": ""},
        scope_separator=",",
        pkce="never",
        authorize={"prompt": "consent"},
        authorize_h5={"display": "mobile"},
        language_name="lang",
        languages={"zh": "cn"},
        fragment="redirect",
    )
    provider = make(quirks=quirks)
    url = await login_url(provider, ClientType.H5)
    assert url.endswith("#redirect")
    assert query(url) == {
        "client_key": "c-1",
        "redirect_uri": "https://shop.example/cb",
        "scope": "basic,profile",
        "state": "Ab1" * 10,
        "prompt": "consent",
        "display": "mobile",
        "lang": "cn",
    }
    on_pc = query(await login_url(provider, ClientType.PC, "en"))
    assert (on_pc.get("display"), on_pc["lang"]) == (None, "en")


@pytest.mark.parametrize(
    ("language", "tag", "sent"),
    [("zh", "zh-TW", "tw"), ("zh", "zh-CN", "cn"), ("zh", "", "cn"), ("en", "en", "en"), ("ja", "ja", None)],
)
async def test_a_vendors_languages_go_by_the_whole_tag_first(language: str, tag: str, sent: str | None) -> None:
    """`zh-TW` before `zh`; a language without an entry goes as it is, and one with an empty entry not at all."""
    provider = make(quirks=quirky(language_name="lang", languages={"zh": "cn", "zh-TW": "tw", "ja": ""}))
    assert query(await login_url(provider, ClientType.PC, language, tag)).get("lang") == sent


async def test_shop_sets_scope_and_addresses() -> None:
    """A shop's settings win over the plugin's literals, also with a query of their own; an empty scope is not sent."""
    settings = {"scope": "", "authorize_url": "https://proxy.example/a?tenant=1"}
    url = await login_url(make(settings=settings))
    assert url.startswith("https://proxy.example/a?tenant=1&response_type=code&")
    assert "scope" not in query(url)


async def test_token_call_is_the_standards() -> None:
    """RFC 6749 §4.1.3: a POSTed form with the flow's redirect_uri and code verifier, which asks for JSON."""
    transport = Transport(ANSWERS)
    await log_in(make(transport=transport))
    assert (transport.requests[0].method, transport.requests[0].url.query) == ("POST", b"")
    assert transport.requests[0].headers["accept"] == "application/json"
    assert transport.parameters(0) == {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": "https://shop.example/cb",
        "code_verifier": VERIFIER,
        "client_id": "c-1",
        "client_secret": SECRET,
    }


async def test_token_call_with_every_quirk() -> None:
    """By GET, under the vendor's names, with its constants, without a verifier that it does not take."""
    quirks = quirky(
        names={"client_id": "appid", "client_secret": "secret"},
        token_names={"redirect_uri": "", "code": "js_code"},
        token_method="get",
        token_parameters={"fmt": "json"},
        pkce="never",
    )
    transport = Transport(ANSWERS)
    await log_in(make(transport=transport, quirks=quirks))
    assert transport.requests[0].method == "GET"
    assert transport.parameters(0) == {
        "grant_type": "authorization_code",
        "js_code": CODE,
        "appid": "c-1",
        "secret": SECRET,
        "fmt": "json",
    }


async def test_token_call_as_json() -> None:
    """Some vendors take a JSON object only."""
    transport = Transport(ANSWERS)
    await log_in(make(transport=transport, quirks=quirky(token_method="json", token_names={"client_id": "clientId"})))
    assert transport.requests[0].headers["content-type"].startswith("application/json")
    assert json.loads(transport.requests[0].content)["clientId"] == "c-1"


async def test_client_authenticates_in_the_header() -> None:
    """Basic carries both, form-encoded (RFC 6749 §2.3.1), and the body neither."""
    transport = Transport(ANSWERS)
    await log_in(make(transport=transport, quirks=quirky(client_auth="basic")))
    pair = base64.b64decode(transport.requests[0].headers["authorization"].removeprefix("Basic ")).decode()
    assert pair == "c-1:s3cr3t+of+the+client"
    assert not {"client_id", "client_secret"} & transport.parameters(0).keys()


async def test_public_client_has_no_secret() -> None:
    """`none` sends the id alone and wants no secret in the settings."""
    transport = Transport(ANSWERS)
    await log_in(make(transport=transport, quirks=quirky(client_auth="none"), settings={"client_secret": None}))
    assert transport.parameters(0)["client_id"] == "c-1"
    assert "client_secret" not in transport.parameters(0)


async def test_person_in_user_info_costs_two_calls() -> None:
    """Where user-info names the person it is asked at every login, once, and its profile comes along."""
    transport = Transport(ANSWERS)
    provider = make(transport=transport)
    identity = await log_in(provider)
    assert identity.ids == (PersonId.user_id("12345678901234567890123"),)
    assert identity.profile is not None
    assert identity.profile.nickname == "李华"
    assert await provider.fetch_profile(identity) == identity
    assert transport.paths == ["/token", "/me"]
    assert transport.requests[1].headers["authorization"] == f"Bearer {TOKEN}"


async def test_person_in_token_answer_costs_one_call() -> None:
    """Where the token answer names the person, user-info is for the profile alone."""
    token = json.dumps({"access_token": TOKEN, "openid": "o-1"}).encode()
    transport = Transport({"/token": token, "/me": b'{"name":"Maria"}'})
    provider = make(transport=transport, **BY_OPEN_ID)
    identity = await log_in(provider)
    assert (identity.ids, identity.app_id, transport.paths) == ((PersonId.open_id("o-1", "c-1"),), "c-1", ["/token"])
    assert (await provider.fetch_profile(identity)).profile.nickname == "Maria"  # type: ignore[union-attr]


async def test_call_for_the_id_and_values_in_parameters() -> None:
    """A call for the id stands between; what a vendor wants among the parameters is filled in, and no header sent."""
    quirks = quirky(
        id_parameters={"access_token": "{access_token}", "unionid": "1"},
        userinfo_method="form",
        userinfo_parameters={"token": "{access_token}", "key": "{client_id}", "who": "{open_id}/{union_id}"},
        userinfo_envelope="data.user",
    )
    ids = Claims(union_id="unionid", open_id="openid")
    answers = {
        "/token": TOKENS,
        "/id": b'{"openid":"{client_id}","unionid":"u"}',
        "/me": b'{"data":{"user":{"name":"Maria"}}}',
    }
    transport = Transport(answers)
    provider = make(
        transport=transport,
        quirks=quirks,
        id_url="https://acme.example/id",
        claims=Claims(nickname="name"),
        id_claims=ids,
    )
    identity = await provider.fetch_profile(await log_in(provider))
    assert transport.paths == ["/token", "/id", "/me"]
    assert transport.parameters(1) == {"access_token": TOKEN, "unionid": "1"}
    assert transport.requests[2].method == "POST"
    # an id that looks like a placeholder stays what it is
    assert transport.parameters(2) == {"token": TOKEN, "key": "c-1", "who": "{client_id}/u"}
    assert not any("authorization" in request.headers for request in transport.requests)
    assert identity.profile is not None
    assert identity.profile.nickname == "Maria"


async def test_token_travels_in_the_vendors_header() -> None:
    """Another header than Authorization is data as well."""
    transport = Transport(ANSWERS)
    await log_in(make(transport=transport, quirks=quirky(token_header={"X-Acme-Token": "{access_token}"})))
    assert transport.requests[1].headers["x-acme-token"] == TOKEN
    assert "authorization" not in transport.requests[1].headers


async def test_token_in_an_envelope_under_another_name() -> None:
    """The token answer may be an object inside the answer, and the token be called otherwise."""
    answers = {"/token": json.dumps({"data": {"accessToken": TOKEN}}).encode(), "/me": ME}
    transport = Transport(answers)
    await log_in(make(transport=transport, quirks=quirky(token_envelope="data", access_token="accessToken")))
    assert transport.requests[1].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("token", ["", " \n", "\u0442oken", None, 5, True, {}, []])
async def test_success_without_a_token_is_none(token: object) -> None:
    """What cannot travel in a header is no token, whatever else the answer says."""
    transport = Transport({"/token": json.dumps({"access_token": token}).encode(), "/me": ME})
    with pytest.raises(ProviderBadResponse):
        await log_in(make(transport=transport))
    assert transport.paths == ["/token"]


async def test_user_info_of_another_person_fails_the_login() -> None:
    """Ids of token answer and user-info must agree."""
    token = json.dumps({"access_token": TOKEN, "uid": 1}).encode()
    transport = Transport({"/token": token, "/me": b'{"id":"2"}'})
    provider = make(transport=transport, id_claims=Claims(user_id="uid"))
    identity = await log_in(provider)
    with pytest.raises(ProviderBadResponse):
        await provider.fetch_profile(identity)


async def test_number_and_text_of_one_id_agree() -> None:
    """A vendor may write the same id as a number here and as a text there."""
    token = json.dumps({"access_token": TOKEN, "uid": 1404376560}).encode()
    transport = Transport({"/token": token, "/me": b'{"id":"1404376560","name":"Maria"}'})
    provider = make(transport=transport, id_claims=Claims(user_id="uid"))
    assert (await provider.fetch_profile(await log_in(provider))).ids == (PersonId.user_id("1404376560"),)


async def test_vendor_without_user_info() -> None:
    """A vendor that only names people has no profile to ask for."""
    transport = Transport({"/token": json.dumps({"access_token": TOKEN, "openid": "o-1"}).encode()})
    provider = make(transport=transport, userinfo_url="", **BY_OPEN_ID)
    assert (await provider.fetch_profile(await log_in(provider))).profile is None
    assert transport.paths == ["/token"]


@pytest.mark.parametrize(
    ("data", "settings", "mistake"),
    [
        ({"token_url": ""}, {}, "token_url: is missing"),
        ({"userinfo_url": ""}, {}, "userinfo_url: is missing"),
        ({}, {"client_secret": None}, "client_secret: is missing"),
        ({"claims": Claims(nickname="name")}, {}, "claims: say where an id stands: user_id, union_id or open_id"),
        (
            {"id_url": "https://acme.example/id"},
            {},
            "id_url: id_claims must say where the id stands in its answer",
        ),
    ],
)
def test_incomplete_descriptions_stop_start_up(data: dict[str, Any], settings: dict[str, Any], mistake: str) -> None:
    """What a login would stumble over is told at start-up, by its key."""
    with pytest.raises(SettingsError) as refused:
        make(settings=settings, **data)
    assert refused.value.mistakes == (mistake,)


@pytest.mark.parametrize(
    "quirks",
    [
        {"fragmet": "x"},
        {"pkce": "plain"},
        {"token_method": "POST"},
        {"answer": "xml"},
        {"errors": {"1": "code_seen"}},
        {"fragment": "#x"},
        {"scope_separator": ""},
        {"names": {"clientid": "appid"}},
        {"names": {"state": "echo"}},
        {"names": {"client_id": "key", "redirect_uri": "key"}},
        {"token_names": {"code": ""}},
        {"token_names": {"client_secret": ""}},
        {"authorize": {"state": "1"}},
        {"authorize_h5": {"redirect_uri": "https://evil.example"}},
        {"names": {"client_id": "appid"}, "token_parameters": {"appid": "x"}},
        {"userinfo_parameters": {"token": "{acess_token}"}},
        {"id_parameters": {"secret": "{client_secret}"}},
        {"client_auth": "basic", "token_method": "get"},
        {"languages": {"zh": "cn"}},
    ],
)
def test_wrong_quirks_are_refused(quirks: dict[str, Any]) -> None:
    """A quirk that cannot work, or that would take state or redirect_uri out of the core's hands, is a loud error."""
    with pytest.raises(ValidationError):
        quirky(**quirks)


def test_quirks_may_leave_out_what_another_way_replaces() -> None:
    """Without a secret among the parameters, its name may go; a vendor's own grant type is a constant like others."""
    assert quirky(client_auth="basic", names={"client_secret": ""}, token_parameters={"grant_type": "authorized_code"})


async def test_no_secret_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a repr nor a failure's traceback holds secret, code, token or verifier."""
    transport = Transport({"/token": TOKENS, "/me": b"<html>"})
    provider = make(transport=transport)
    with pytest.raises(ProviderBadResponse) as failed:
        await log_in(provider)
    told = "".join(traceback.format_exception(failed.value)) + repr(vars(provider))
    told += repr([SecretInForm("c", SECRET).get_credentials("u"), SecretInHeader("c", SECRET), NoSecret("c")])
    told += repr(SecretInHeader("c", SECRET).get_credentials("u"))
    assert not [word for word in (SECRET, CODE, TOKEN, VERIFIER, "s3cr3t", "Basic ") if word in told]


def test_ways_back_are_the_quirks() -> None:
    """Names of the code and a refusal without a word reach the core through the provider."""
    provider = make(quirks=quirky(code_names=["authCode"], refuses_without_code=True))
    assert (provider.code_names, provider.refuses_without_code) == (("authCode",), True)
    assert (Acme.code_names, Acme.refuses_without_code) == (("code",), False)
