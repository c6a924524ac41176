"""Huawei: the finer number of an error decides; the one-tap login, whose one code is that of the number too."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from connect_core.plugin import (
    AuthorizationResponse,
    ClientType,
    CodeInvalid,
    ConnectError,
    ContradictingAnswer,
    Identity,
    OAuth2Provider,
    Profile,
    ProviderConfig,
    ProviderDenied,
    ProviderRefused,
)
from connect_core.sandbox import Person
from connect_core.testing import ProviderContract, Visitor, run_shop
from connect_huawei import HuaweiProvider
from connect_huawei.sandbox import ONE_TAP, HuaweiSandbox

from ..kit.vendor_transport import TOKENS, Said, Transport, log_in, make

TOKEN, PERSON, QUICK_LOGIN = "/oauth2/v3/token", "/rest.php", "/oauth2/v6/quickLogin/getPhoneNumber"
LIHUA = {"openID": "o1", "unionID": "u1", "displayName": "a", "displayNameFlag": 0}
ONE_TAP_ANSWER = {
    "openId": "o1",
    "unionId": "u1",
    "phoneNumber": "008619100000008",
    "phoneNumberValid": 1,
    "purePhoneNumber": "19100000008",
    "phoneCountryCode": "0086",
}


class OneTapSandbox(HuaweiSandbox):
    """An app that has the one-tap button alone."""

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Return what the app posts after a press on it."""
        return self.press_one_tap(person)

    def phone_parameters(self, client_type: ClientType, person: str) -> dict[str, str]:
        """Return nothing: the number has come with the login."""
        return {}


class TestOneTap(ProviderContract):
    """The one-tap login in an app under the contract: one call, which has the number and no name."""

    plugin = "huawei"
    clients = (ClientType.APP,)
    token_operation = "code"
    documented: ClassVar = (ONE_TAP,)
    documented_profile = Profile(mobile="19100000008")
    untrusted = ("missing_id",)

    @classmethod
    def make_sandbox(cls) -> HuaweiSandbox:
        """Return the sandbox whose app has the button."""
        return OneTapSandbox()


def refused(sub_error: int) -> Said:
    """An answer of the token call."""
    return 400, json.dumps({"error": 1101, "sub_error": sub_error, "error_description": "x"}).encode()


def written(content: Mapping[str, Any]) -> bytes:
    """An answer with this content."""
    return json.dumps(content).encode()


def posted(code: str, **parameters: str) -> AuthorizationResponse:
    """What an app hands in."""
    return AuthorizationResponse.of_spent_flow(
        client_type=ClientType.APP, code=code, parameters={"code": code, **parameters}
    )


async def tap(answer: Mapping[str, Any], transport: Transport | None = None) -> Identity:
    """Log in by one tap, which Huawei answers with `answer`."""
    transport = transport or Transport({QUICK_LOGIN: written(answer)})
    return await make(HuaweiProvider, transport).login_callback(posted("c1", phone_code="c1"))


@pytest.mark.parametrize(
    ("token", "person", "error"),
    [
        (refused(20156), b"", CodeInvalid),
        (refused(12304), b"", ProviderConfig),
        (refused(99999), b"", ProviderRefused),
        (TOKENS, b'{"error":"session timeout"}', CodeInvalid),
        (TOKENS, b'{"NSP_STATUS":6}', CodeInvalid),
        (TOKENS, b'{"error":"something else"}', ProviderRefused),
    ],
)
async def test_errors(token: Said, person: bytes, error: type[ConnectError]) -> None:
    """Both numbers are told to the operator; the finer one says what it is to the visitor."""
    transport = Transport({TOKEN: token, PERSON: person})
    with pytest.raises(error):
        await log_in(make(HuaweiProvider, transport))


async def test_user_info_is_a_form_behind_a_query() -> None:
    """The name of the service stands in the address, the token in the form."""
    transport = Transport({TOKEN: TOKENS, PERSON: written(LIHUA)})
    identity = await log_in(make(HuaweiProvider, transport))
    assert [person_id.value for person_id in identity.ids] == ["u1", "o1"]
    assert transport.requests[1].url.query == b"nsp_svc=GOpen.User.getInfo"
    assert b"access_token=" in transport.requests[1].content


@pytest.mark.parametrize(
    ("changed", "mobile"),
    [
        ({}, "19100000008"),
        ({"phoneCountryCode": "00852", "purePhoneNumber": "61234567"}, "852-61234567"),
        ({"phoneNumberValid": 0}, ""),
        ({"phoneNumberValid": None}, ""),
        ({"purePhoneNumber": "191******08"}, ""),
    ],
)
async def test_one_tap_answers_ids_and_a_number_in_one_call(changed: dict[str, Any], mobile: str) -> None:
    """A number counts only if Huawei verified it in the last 90 days; without one the login goes on."""
    transport = Transport({QUICK_LOGIN: written({**ONE_TAP_ANSWER, **changed})})
    identity = await tap({}, transport)
    assert [person_id.value for person_id in identity.ids] == ["u1", "o1"]
    assert (identity.profile.mobile if identity.profile else "") == mobile
    provider = make(HuaweiProvider, transport)
    assert await provider.fetch_profile(identity) == identity
    assert await provider.fetch_phone(posted("c1", phone_code="c1"), identity) is None
    assert transport.paths == [QUICK_LOGIN]
    assert json.loads(transport.requests[0].content)["code"] == "c1"


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (60180005, CodeInvalid),
        (60180003, ProviderConfig),
        (60180007, ProviderConfig),
        (60180008, ProviderDenied),
        (60010001, ProviderRefused),
    ],
)
async def test_one_tap_errors_stand_in_a_successful_answer(number: int, error: type[ConnectError]) -> None:
    """Huawei's numbers come with HTTP 200."""
    with pytest.raises(error) as raised:
        await tap({"resultCode": number, "resultDesc": "x"})
    assert raised.value.vendor["error"] == str(number)


async def fetch(person: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the number for the code of the phone button, with the calls, when user-info has `person` by it."""
    transport = Transport({TOKEN: TOKENS, PERSON: written(LIHUA)})
    provider: OAuth2Provider = make(HuaweiProvider, transport)
    response = posted("c1", phone_code="p1")
    identity = await provider.login_callback(response)
    transport.answers = {**transport.answers, PERSON: written({**LIHUA, **person})}
    phone = await provider.fetch_phone(response, identity)
    assert phone is not None
    assert transport.parameters(2)["code"] == phone.proof == "p1"
    return phone.number, transport.paths


async def test_the_phone_button_has_a_code_of_its_own() -> None:
    """It is redeemed as that of a login is, and user-info has the number then."""
    number = {"mobileNumber": "0085261234567", "purePhoneNumber": "61234567", "phoneCountryCode": "00852"}
    assert await fetch(number) == ("852-61234567", [TOKEN, PERSON] * 2)


async def test_no_number_does_not_fail_a_login_and_another_persons_does() -> None:
    """Without the right to it Huawei leaves the number out, which is a refusal; a stranger's is no answer."""
    with pytest.raises(ProviderRefused):
        await fetch({})
    with pytest.raises(ContradictingAnswer):
        await fetch({"openID": "o2", "unionID": "u2", "purePhoneNumber": "19100000008", "phoneCountryCode": "0086"})


def test_a_number_of_one_tap_links_nobody() -> None:
    """Somebody with the number of another member is a member of their own; a code works once."""
    sandbox = HuaweiSandbox(people=[Person(key, key, mobile="19100000008") for key in ("lihua", "wanglei")])
    with run_shop({"huawei": sandbox}) as shop, Visitor(shop) as visitor:
        address = "/connect/huawei/app/token"
        assert visitor.http.post(address, json=sandbox.press_one_tap("lihua")).status_code == 200
        used = sandbox.press_one_tap("lihua")
        assert visitor.http.post(address, json=used).json()["is_new_member"] is False
        assert visitor.http.post(address, json=used).status_code == 400
        assert visitor.http.post(address, json=sandbox.press_one_tap("wanglei")).json()["is_new_member"] is True
        assert [row["mobile"] for row in shop.rows("es_member")] == ["19100000008"] * 2
