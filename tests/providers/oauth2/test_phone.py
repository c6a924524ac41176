"""The verified phone number of a mini program: how it is asked for, with whose token, and what is no number."""

import json
import logging
from typing import Any, ClassVar

import httpx
import pytest

from connect_core.errors import SettingsError
from connect_core.identity import Identity, PersonId, Profile, VerifiedPhone
from connect_core.plugin import AuthorizationResponse, Claims, ClientType, Entrance, MiniProgramSettings, OAuth2Provider
from connect_core.providers import calls

from ...kit.vendor_transport import CODE, SECRET, TOKENS, Acme, Transport, log_in, make, quirky

PERSON = Identity("ACME", (PersonId.open_id("o-1", "c-1"),), "c-1", grant="t0ken-of-the-person")
WITH_APP_TOKEN = {"phone_method": "json", "phone_query": {"access_token": "{app_token}"}}
PHONE_CODE = "ph0ne-code"


class Mini(Acme):
    """Acme's mini program, which asks for phone numbers."""

    entrances: ClassVar = {ClientType.PC: Entrance.REDIRECT, ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = MiniProgramSettings
    phone_url = "https://acme.example/phone"
    app_token_url = "https://acme.example/app"
    claims = Claims(user_id="id", nickname="name", phone="list.0.number", phone_country="list.0.country")


class Vendor(Transport):
    """Issues app tokens one after the other, and tells a number to whoever has the last one."""

    def __init__(self, lifetime: object = 7200) -> None:
        super().__init__({"/app": b"", "/phone": b'{"list":[{"number":61234567,"country":852}]}'})
        self.issued, self.lifetime, self.refusal = 0, lifetime, b'{"error":"invalid_token"}'

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer the call."""
        if request.url.path == "/app":
            self.issued += 1
            token = {"access_token": f"app-token-{self.issued}", "expires_in": self.lifetime}
            self.answers = {**self.answers, "/app": json.dumps(token).encode()}
        elif request.url.params.get("access_token", "") not in ("", f"app-token-{self.issued}"):
            self.requests.append(request)
            return httpx.Response(401, stream=httpx.ByteStream(self.refusal))
        return await super().answer(request)


async def fetch(
    provider: OAuth2Provider, phone_code: str = PHONE_CODE, name: str = "phone_code"
) -> VerifiedPhone | None:
    """Ask for the number of a person whose client posted `phone_code`, as the core does."""
    response = AuthorizationResponse.of_spent_flow(
        client_type=ClientType.MINI, code=CODE, parameters={"code": CODE, name: phone_code}
    )
    return await calls.fetch_phone(provider, response, PERSON)


async def test_number_by_the_persons_token() -> None:
    """A POSTed form with the phone code; a header may carry the token. The code is the proof."""
    vendor = Vendor()
    header = {"phone_header": {"Authorization": "Bearer {access_token}"}}
    assert await fetch(make(Mini, vendor, quirks=quirky(**header))) == VerifiedPhone("852-61234567", PHONE_CODE)
    assert (vendor.paths, vendor.parameters(0)) == (["/phone"], {"code": PHONE_CODE})
    assert vendor.requests[0].headers["authorization"] == f"Bearer {PERSON.grant}"


async def test_number_by_the_apps_token() -> None:
    """It is fetched with the client's credentials (RFC 6749 §4.4.2), once for many people, and only when it is used."""
    vendor = Vendor()
    provider = make(Mini, vendor, quirks=quirky(**WITH_APP_TOKEN))
    assert [await fetch(provider) for _ in range(2)] == [VerifiedPhone("852-61234567", PHONE_CODE)] * 2
    assert vendor.paths == ["/app", "/phone", "/phone"]
    assert vendor.parameters(0) == {"grant_type": "client_credentials", "client_id": "c-1", "client_secret": SECRET}
    assert dict(vendor.requests[1].url.params) == {"access_token": "app-token-1"}
    assert json.loads(vendor.requests[1].content) == {"code": PHONE_CODE}


async def test_everything_that_phone_and_app_token_calls_can_send() -> None:
    """Ids and the client's id in the one, the client's secret in the other, each under the vendor's names."""
    quirks = quirky(
        phone_code_name="code2",
        phone_method="get",
        phone_parameters={"c": "{phone_code}", "who": "{open_id}/{user_id}", "app": "{client_id}"},
        phone_header={"X-Token": "{app_token}"},
        phone_envelope="data",
        app_token_method="json",
        app_token_parameters={"appid": "{client_id}", "secret": "{client_secret}", "grant_type": "client_credential"},
        app_token_envelope="data",
        app_token="appToken",
        answer={"app_token": "jsonp"},
    )
    answers = {
        "/app": b'callback({"data":{"appToken":"a-1"}})',
        "/phone": b'{"data":{"list":[{"number":"13800000001"}]}}',
    }
    transport = Transport(answers)
    provider = make(Mini, transport, quirks=quirks)
    assert await fetch(provider) is None
    assert await fetch(provider, name="code2") == VerifiedPhone("13800000001", PHONE_CODE)
    secret = {"appid": "c-1", "secret": SECRET, "grant_type": "client_credential"}
    assert json.loads(transport.requests[0].content) == secret
    assert transport.requests[1].headers["x-token"] == "a-1"
    assert transport.parameters(1) == {"c": PHONE_CODE, "who": "o-1/", "app": "c-1"}


@pytest.mark.parametrize("refusal", [b'{"error":"invalid_token"}', b"", b'{"error":"40001"}'])
async def test_dead_app_token_is_fetched_again_once(refusal: bytes) -> None:
    """A vendor may end a token early: it says so by HTTP 401 or by one of `app_token_errors`."""
    vendor = Vendor()
    vendor.refusal = refusal
    quirks = quirky(**WITH_APP_TOKEN, app_token_errors=("invalid_token", "40001"))
    provider = make(Mini, vendor, quirks=quirks)
    await fetch(provider)
    vendor.issued = 7
    assert await fetch(provider) == VerifiedPhone("852-61234567", PHONE_CODE)
    assert vendor.paths == ["/app", "/phone", "/phone", "/app", "/phone"]


async def test_rejected_phone_code_is_the_clients(caplog: pytest.LogCaptureFixture) -> None:
    """It is no number, and no reason to drop the app's token, which a client could then do at will."""
    caplog.set_level(logging.INFO, "connect_login")
    vendor = Vendor()
    vendor.answers = {**vendor.answers, "/phone": (400, b'{"error":"invalid_grant"}')}
    provider = make(Mini, vendor, quirks=quirky(**WITH_APP_TOKEN))
    for _ in range(2):
        assert await fetch(provider) is None
    assert vendor.paths == ["/app", "/phone", "/phone"]
    assert [(record.levelname, vars(record)["code"]) for record in caplog.records] == [("INFO", "code_invalid")] * 2


@pytest.mark.parametrize("phone_code", ["x" * 8193, "a\nb", "码"])
async def test_malformed_phone_code_asks_nobody(phone_code: str) -> None:
    """It is the client's mistake, and no number."""
    vendor = Vendor()
    assert await fetch(make(Mini, vendor), phone_code) is None
    assert vendor.paths == []


async def test_no_phone_code_or_no_address_is_no_number() -> None:
    """A client that asks for no number, and a vendor that has none, cost no call."""
    vendor = Vendor()
    assert await fetch(make(Mini, vendor), "") is None
    assert await fetch(make(Mini, vendor, phone_url="")) is None
    assert await fetch(make(Acme, vendor)) is None
    assert vendor.paths == []


@pytest.mark.parametrize("answer", [b"{}", b'{"list":[]}', b'{"list":[{"number":"none"}]}', b"<html>"])
async def test_answer_without_a_number(answer: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """It is the vendor's fault, which the operator reads in the log."""
    assert await fetch(make(Mini, Transport({"/phone": answer}))) is None
    assert [(record.levelname, vars(record)["code"]) for record in caplog.records] == [
        ("WARNING", "provider_bad_response")
    ]


@pytest.mark.parametrize(("lifetime", "seconds"), [(7200, 7200), ("90", 90), (None, 300), (0, 300), ("soon", 300)])
async def test_app_token_is_kept_as_long_as_it_is_valid(lifetime: object, seconds: int) -> None:
    """`expires_in` is a number or, in a form, a text; without one it is kept for five minutes."""
    provider = make(Mini, Vendor(lifetime), quirks=quirky(**WITH_APP_TOKEN))
    assert await provider._fetch_app_token() == ("app-token-1", seconds)


async def test_lifetime_of_an_app_token_has_the_vendors_name() -> None:
    """`ttl` counts, and not `expires_in`, once the quirks say so."""
    vendor = Transport({"/app": b'{"access_token":"at","expires_in":7200,"ttl":60}'})
    provider = make(Mini, vendor, quirks=quirky(**WITH_APP_TOKEN, app_token_expires_in="ttl"))
    assert await provider._fetch_app_token() == ("at", 60)


REFUSALS = {
    "wrong secret": {"/app": (401, b'{"error":"invalid_client"}')},
    "no right": {"/phone": (403, b'{"error":"insufficient_scope"}')},
    "limit": {"/phone": (429, b"")},
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_refused_number_leaves_the_login_standing(case: str, caplog: pytest.LogCaptureFixture) -> None:
    """The number is an extra; the log says why there is none, and shows neither secret nor code."""
    answers = {"/app": b'{"access_token":"app-token-1"}', **REFUSALS[case]}
    provider = make(Mini, Transport(answers), quirks=quirky(**WITH_APP_TOKEN))
    assert await fetch(provider) is None
    [record] = caplog.records
    assert (record.levelno, record.message) == (logging.WARNING, "phone_refused")
    assert vars(record)["code"] == ("provider_refused" if case == "limit" else "provider_config")
    text = repr(vars(record)) + repr(vars(provider))
    assert not [secret for secret in (SECRET, PHONE_CODE, CODE) if secret in text]


@pytest.mark.parametrize(
    ("data", "mistake"),
    [
        (
            {"claims": Claims(user_id="id")},
            "phone_url: claims must say where the number stands in its answer: phone",
        ),
        (
            {"quirks": quirky(phone_parameters={"token": "{access_token}"})},
            "phone_url: quirks must send {phone_code} there, for example in phone_parameters",
        ),
        ({"quirks": quirky(**WITH_APP_TOKEN), "app_token_url": ""}, "app_token_url: is missing"),
    ],
)
def test_incomplete_descriptions_stop_start_up(data: dict[str, Any], mistake: str) -> None:
    """What the call for a number would stumble over is told at start-up."""
    with pytest.raises(SettingsError) as refused:
        make(Mini, **data)
    assert refused.value.mistakes == (mistake,)


@pytest.mark.parametrize(
    ("member", "mobile"),
    [
        ('{"number":"61234567","country":"00852"}', "852-61234567"),
        ('{"number":13800000001}', "13800000001"),
        ('{"number":"138****0001"}', ""),
        ('{"number":null}', ""),
        ("[]", ""),
    ],
)
async def test_a_number_in_user_info_is_read_and_fails_nothing(member: str, mobile: str) -> None:
    """It is the profile's, where `claims` say that the vendor verified it; what is none is left out."""
    person = f'{{"id":"u-1","name":"Li","list":[{member}]}}'.encode()
    vendor = Transport({"/token": TOKENS, "/me": person})
    identity = await log_in(make(Mini, vendor))
    assert identity.profile == Profile(nickname="Li", mobile=mobile)
    unread = await log_in(make(Mini, vendor, claims=Claims(user_id="id", nickname="name"), phone_url=""))
    assert unread.profile == Profile(nickname="Li")


async def test_an_answer_of_code_url_may_have_a_number_and_no_name() -> None:
    """One-tap logins answer ids and number together; nobody is asked for a profile then."""
    vendor = Transport({"/code": b'{"id":"u-1","list":[{"number":"13800000001"}]}'})
    provider = make(Mini, vendor, code_url="https://acme.example/code")
    response = AuthorizationResponse.of_spent_flow(client_type=ClientType.MINI, code=CODE, parameters={"code": CODE})
    identity = await provider.login_callback(response)
    assert identity.profile == Profile(mobile="13800000001")
    assert await provider.fetch_profile(identity) == identity
    assert vendor.paths == ["/code"]
