"""Codes of mini programs and apps: where they are redeemed, with what, and which calls follow; callback parameters."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from connect_core.errors import CodeInvalid, ProviderBadResponse, SettingsError
from connect_core.http import Answer
from connect_core.identity import Identity, PersonId
from connect_core.plugin import (
    AuthorizationResponse,
    Claims,
    ClientType,
    Entrance,
    MiniProgramSettings,
    OAuth2Provider,
    ProviderRefused,
)

from ...kit import openid
from ...kit.vendor_transport import CODE, SECRET, TOKEN, TOKENS, Acme, Transport, login_url, make, query, quirky

CODE_URL = "https://acme.example/session"


class Mini(Acme):
    """Acme, with a mini program and an app."""

    entrances: ClassVar = {
        **Acme.entrances,
        ClientType.MINI: Entrance.CLIENT_CODE,
        ClientType.APP: Entrance.TICKETED_CODE,
    }
    Settings = MiniProgramSettings
    code_url = CODE_URL
    id_claims = Claims(open_id="openid")
    claims = Claims(nickname="name")


def session(**answer: Any) -> dict[str, bytes]:
    """A vendor that redeems the code for `answer`, and knows everybody as Maria."""
    return {"/session": json.dumps(answer).encode(), "/token": TOKENS, "/me": b'{"name":"Maria"}'}


async def hand_in(
    provider: OAuth2Provider, client: ClientType = ClientType.MINI, parameters: Mapping[str, str] | None = None
) -> Identity:
    """Hand in a client's code, with other parameters of the client."""
    response = AuthorizationResponse.of_spent_flow(
        client_type=client, code=CODE, parameters={"code": CODE, **(parameters or {})}
    )
    return await provider.login_callback(response)


@pytest.mark.parametrize("client", [ClientType.MINI, ClientType.APP])
async def test_client_code_goes_to_its_own_address(client: ClientType) -> None:
    """With the standard's parameters, but without redirect_uri and code verifier; the answer names the person."""
    transport = Transport(session(openid="o-1", session_key="k"))
    provider = make(Mini, transport)
    identity = await hand_in(provider, client, {"openid": "of-somebody-else", "nickname": "x"})
    assert (identity.ids, identity.grant) == ((PersonId.open_id("o-1", "c-1"),), "")
    assert transport.parameters(0) == {
        "grant_type": "authorization_code",
        "code": CODE,
        "client_id": "c-1",
        "client_secret": SECRET,
    }
    assert await provider.fetch_profile(identity) == identity
    assert transport.paths == ["/session"]


async def test_code_call_follows_names_and_authentication() -> None:
    """Without `code_parameters` it is named and authenticated as the token call is."""
    transport = Transport(session(openid="o-1"))
    await hand_in(make(Mini, transport, quirks=quirky(client_auth="basic", token_names={"code": "js_code"})))
    assert transport.parameters(0) == {"grant_type": "authorization_code", "js_code": CODE}
    pair = base64.b64decode(transport.requests[0].headers["authorization"].removeprefix("Basic ")).decode()
    assert pair.startswith("c-1:")


@pytest.mark.parametrize("method", ["get", "form", "json"])
async def test_code_call_with_its_own_parameters(method: str) -> None:
    """What `code_parameters` say is sent, and nothing besides; the answer may stand in an envelope."""
    quirks = quirky(
        code_method=method,
        code_parameters={"appid": "{client_id}", "secret": "{client_secret}", "js_code": "{code}", "v": "2"},
        code_envelope="data.0",
    )
    transport = Transport(session(data=[{"openid": "o-1"}]))
    assert (await hand_in(make(Mini, transport, quirks=quirks))).ids == (PersonId.open_id("o-1", "c-1"),)
    sent = json.loads(transport.requests[0].content) if method == "json" else transport.parameters(0)
    assert sent == {"appid": "c-1", "secret": SECRET, "js_code": CODE, "v": "2"}
    assert transport.requests[0].method == ("GET" if method == "get" else "POST")


async def test_profile_after_a_code_answer_with_a_token() -> None:
    """User-info is asked with the token of the code answer, at a first login only."""
    transport = Transport(session(openid="o-1", access_token=TOKEN))
    provider = make(Mini, transport)
    identity = await hand_in(provider)
    assert transport.paths == ["/session"]
    assert (await provider.fetch_profile(identity)).profile.nickname == "Maria"  # type: ignore[union-attr]
    assert transport.requests[1].headers["authorization"] == f"Bearer {TOKEN}"


async def test_code_answer_with_a_name() -> None:
    """`code_claims` say where ids and profile stand; no further call is made then."""
    transport = Transport(session(data={"uid": 7, "nick": "Li"}, access_token=TOKEN))
    provider = make(Mini, transport, code_claims=Claims(user_id="data.uid", nickname="data.nick"))
    identity = await provider.fetch_profile(await hand_in(provider))
    assert identity.ids == (PersonId.user_id("7"),)
    assert identity.profile is not None
    assert (identity.profile.nickname, transport.paths) == ("Li", ["/session"])


async def test_ids_without_code_claims() -> None:
    """They are read as `id_claims` say, else as `claims` do."""
    data = {"id_claims": Claims(), "claims": Claims(user_id="id")}
    assert (await hand_in(make(Mini, Transport(session(id=7)), **data))).ids == (PersonId.user_id("7"),)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"openid": ""}, ProviderBadResponse),
        ({"access_token": TOKEN}, ProviderBadResponse),
        ({"openid": "o-1", "access_token": 5}, ProviderBadResponse),
        ({"openid": "o-1", "access_token": []}, ProviderBadResponse),
        ({"error": "invalid_grant"}, CodeInvalid),
    ],
)
async def test_code_answers_that_log_nobody_in(answer: dict[str, Any], error: type[Exception]) -> None:
    """Without an id, with a token that is none, or with the vendor's refusal."""
    with pytest.raises(error):
        await hand_in(make(Mini, Transport(session(**answer))), parameters={"openid": "of-the-client"})


async def test_without_a_code_url_the_token_call_redeems() -> None:
    """Then it has no redirect_uri and no verifier either, and nothing that the client made up."""
    token = json.dumps({"access_token": TOKEN, "openid": "o-1"}).encode()
    transport = Transport({"/token": token})
    provider = make(Mini, transport, code_url="", quirks=quirky(token_from_callback=("device_id",)))
    identity = await hand_in(provider, parameters={"device_id": "d-1", "openid": "of-the-client"})
    assert (identity.ids, identity.grant) == ((PersonId.open_id("o-1", "c-1"),), TOKEN)
    assert transport.parameters(0).keys() == {"grant_type", "code", "client_id", "client_secret"}


async def test_redirects_do_not_use_the_code_url() -> None:
    """A browser's code goes to `token_url` as before."""
    transport = Transport({"/token": json.dumps({"access_token": TOKEN, "openid": "o-1"}).encode()})
    await hand_in(make(Mini, transport), ClientType.PC)
    assert transport.paths == ["/token"]


async def test_only_redirects_get_a_code_challenge() -> None:
    """What an app hands in is redeemed without a verifier."""
    assert "code_challenge" in query(await login_url(make(Mini), ClientType.H5))
    assert "code_challenge" not in query(await login_url(make(Mini), ClientType.APP))


async def test_a_mini_program_alone_needs_no_other_address() -> None:
    """A vendor without web pages has neither `authorize_url` nor `token_url`; the shop may set `code_url`."""
    data: dict[str, Any] = {"entrances": {ClientType.MINI: Entrance.CLIENT_CODE}, "authorize_url": "", "token_url": ""}
    data |= {"userinfo_url": "", "code_claims": Claims(user_id="uid"), "id_claims": Claims()}
    transport = Transport({"/elsewhere": b'{"uid":7}'})
    provider = make(Mini, transport, settings={"code_url": "https://proxy.example/elsewhere"}, **data)
    assert (await hand_in(provider)).ids == (PersonId.user_id("7"),)
    with pytest.raises(SettingsError) as refused:
        make(Mini, code_url="", **data)
    assert set(refused.value.mistakes) == {
        "token_url: is missing",
        "userinfo_url: is missing",
        "claims: say where an id stands: user_id, union_id or open_id",
    }


@pytest.mark.parametrize("key", ["code_url", "phone_url", "app_token_url"])
def test_addresses_need_settings_of_their_names(key: str) -> None:
    """A provider that its sandbox could not lead to itself is refused when it is defined."""
    with pytest.raises(TypeError, match=f"Wrong has {key}: derive its Settings from MiniProgramSettings"):
        type("Wrong", (Acme,), {key: "https://acme.example/call"})


@pytest.mark.parametrize(
    "quirks",
    [
        {"code_parameters": {"code": "{access_token}"}},
        {"app_token_parameters": {"code": "{code}"}},
        {"phone_parameters": {"secret": "{client_secret}"}},
        {"phone_query": {"token": "{token}"}},
        {"answer": {"tokens": "form"}},
        {"answer": {"token": "xml"}},
        {"token_from_callback": ["code"]},
        {"token_from_callback": ["redirect_uri"], "names": {"redirect_uri": "back"}},
        {"token_from_callback": ["back"], "names": {"redirect_uri": "back"}},
        {"token_from_callback": ["client_secret"], "client_auth": "basic"},
        {"token_from_callback": ["fmt"], "token_parameters": {"fmt": "json"}},
    ],
)
def test_wrong_quirks_are_refused(quirks: dict[str, Any]) -> None:
    """Placeholders, calls and forms that do not exist, and callback parameters that would replace others."""
    with pytest.raises(ValidationError):
        quirky(**quirks)


async def test_parameters_of_the_callback_in_the_token_call() -> None:
    """Those that the quirk names are repeated, if they came; no other parameter of the callback is."""
    transport = Transport({"/token": TOKENS, "/me": b'{"id":1}'})
    provider = make(Acme, transport, quirks=quirky(token_from_callback=["device_id", "state", "ext_id"]))
    response = AuthorizationResponse.of_spent_flow(
        client_type=ClientType.PC,
        code=CODE,
        parameters={"code": CODE, "state": "s-1", "device_id": "d&1", "iss": "x"},
        redirect_uri="https://shop.example/cb",
        code_verifier="v",
    )
    await provider.login_callback(response)
    sent = transport.parameters(0)
    assert (sent["device_id"], sent["state"], sent["code"]) == ("d&1", "s-1", CODE)
    assert not {"ext_id", "iss"} & sent.keys()


async def test_every_answer_passes_one_method() -> None:
    """An author who overrides `read_answer` reads every call's answer, envelope included."""
    operations = []

    class Wrapped(Mini):
        id_url = "https://acme.example/id"

        def read_answer(self, operation: str, answer: Answer) -> Mapping[str, Any]:
            operations.append(operation)
            if answer.content.startswith(b"<"):
                raise ProviderRefused("an error in XML")
            return {"access_token": TOKEN, "openid": answer.content.decode(), "name": "Maria"}

    transport = Transport({"/token": b"a", "/id": b"b", "/me": b"c", "/session": b"d"})
    provider = make(Wrapped, transport)
    identity = await provider.fetch_profile(await hand_in(provider, ClientType.PC))
    assert (identity.ids, operations) == ((PersonId.open_id("b", "c-1"),), ["token", "id", "userinfo"])
    assert (await hand_in(provider)).ids == (PersonId.open_id("d", "c-1"),)
    transport.answers["/session"] = b"<error/>"
    with pytest.raises(ProviderRefused):
        await hand_in(provider)
    assert operations[3:] == ["code", "code"]


async def test_openid_providers_have_the_same_method() -> None:
    """An override reads their token answer and user-info; by default both are JSON, read as the standard says."""
    operations = []

    class Wrapped(openid.Acme):
        def read_answer(self, operation: str, answer: Answer) -> Mapping[str, Any]:
            operations.append(operation)
            return super().read_answer(operation, replace(answer, content=answer.content.removeprefix(b"OK ")))

    plain = openid.Vendor()
    wrapped = {name: b"OK " + json.dumps(plain.documents[name]).encode() for name in ("token", "userinfo")}
    openid_provider = openid.make(openid.Vendor(**wrapped), Wrapped)
    await openid_provider.fetch_profile(await openid.log_in(openid_provider))
    assert operations == ["token", "userinfo"]
    provider = openid.make()
    assert provider.read_answer("token", Answer(200, {}, b'{"id_token":"t"}')) == {"id_token": "t"}
    with pytest.raises(CodeInvalid):
        provider.read_answer("token", Answer(400, {}, b'{"error":"invalid_grant"}'))
