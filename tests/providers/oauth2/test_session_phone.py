"""The phone number that a mini program hands in encrypted: what counts, and what is passed over."""

import base64
import json
import logging
from typing import Any, ClassVar

import pytest

from connect_core.crypto import encrypt_aes_cbc
from connect_core.errors import SettingsError
from connect_core.identity import Identity, PersonId, VerifiedPhone
from connect_core.plugin import AuthorizationResponse, Claims, ClientType, Entrance, MiniProgramSettings, OAuth2Provider
from connect_core.providers import calls

from ...kit.vendor_transport import CODE, Acme, Transport, make, quirky

KEY, IV = bytes(range(16)), bytes(range(16, 32))
SESSION = {"session_key": base64.b64encode(KEY).decode(), "open_id": "o-1"}
NUMBER = {"purePhoneNumber": "61234567", "countryCode": 852, "watermark": {"appid": "c-1", "timestamp": 1}}


class Mini(Acme):
    """Acme's mini program, whose phone button encrypts."""

    entrances: ClassVar = {ClientType.PC: Entrance.REDIRECT, ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = MiniProgramSettings
    code_url = "https://acme.example/session"
    code_claims = Claims(open_id="open_id")
    claims = Claims(user_id="id")
    quirks = quirky(session_key="session_key", phone_app_id="watermark.appid")


class Framed(Mini):
    """The same, with the number between random bytes and the client id."""

    quirks = quirky(session_key="session_key", phone_frame=True)


def encode(data: bytes) -> str:
    """Return base64."""
    return base64.b64encode(data).decode()


def pressed(answer: object = NUMBER, key: bytes = KEY, iv: bytes = IV) -> dict[str, str]:
    """Return what the phone button gives."""
    return {"encryptedData": encode(encrypt_aes_cbc(key, json.dumps(answer).encode(), iv)), "iv": encode(iv)}


def framed(receiver: str, answer: object = NUMBER) -> dict[str, str]:
    """Return what the phone button gives, for the client id `receiver`."""
    content = json.dumps(answer).encode()
    frame = bytes(16) + len(content).to_bytes(4, "big") + content + receiver.encode()
    return {"encryptedData": encode(encrypt_aes_cbc(KEY, frame, IV)), "iv": encode(IV)}


async def log_in(provider: OAuth2Provider, posted: dict[str, str]) -> tuple[Identity, VerifiedPhone | None]:
    """Redeem the code and read the number, as the core does."""
    response = AuthorizationResponse.of_spent_flow(
        client_type=ClientType.MINI, code=CODE, parameters={"code": CODE, **posted}
    )
    identity = await calls.login_callback(provider, response)
    return identity, await calls.fetch_phone(provider, response, identity)


def acme(kind: type[OAuth2Provider] = Mini, answer: dict[str, Any] | None = None) -> OAuth2Provider:
    """Return the provider of a vendor that answers the code with `answer`."""
    return make(kind, Transport({"/session": json.dumps(SESSION if answer is None else answer).encode()}))


async def test_the_number_is_the_one_that_the_sessions_key_opens() -> None:
    """No further call is made. One cipher text has several spellings in base64, and is one proof."""
    provider, posted = acme(), pressed()
    identity, phone = await log_in(provider, posted)
    assert identity.ids == (PersonId.open_id("o-1", "c-1"),)
    assert phone == VerifiedPhone("852-61234567", posted["encryptedData"])


async def test_the_frame_says_for_which_app_the_number_is() -> None:
    """As Baidu has it: the client id follows the number."""
    assert (await log_in(acme(Framed), framed("c-1")))[1] is not None
    assert (await log_in(acme(Framed), framed("c-2")))[1] is None
    assert (await log_in(acme(Framed), framed("")))[1] is None
    assert (await log_in(acme(Framed), pressed()))[1] is None


def spoilt() -> dict[str, dict[str, str]]:
    """Return what a client may hand in that is no number of this session."""
    good = pressed()
    data = base64.b64decode(good["encryptedData"])
    return {
        "another session": pressed(key=bytes(16)),
        "another vector": good | {"iv": encode(bytes(16))},
        "no vector": {"encryptedData": good["encryptedData"]},
        "a short vector": good | {"iv": encode(IV[:15])},
        "cut off": good | {"encryptedData": encode(data[:-3])},
        "a block less": good | {"encryptedData": encode(data[:-16])},
        "a bit changed": good | {"encryptedData": encode(data[:-1] + bytes([data[-1] ^ 1]))},
        "no base64": good | {"encryptedData": "!"},
        "no ASCII": good | {"encryptedData": "\xe9", "iv": "\u0663"},
        "another app": pressed(NUMBER | {"watermark": {"appid": "c-2"}}),
        "no app": pressed({"purePhoneNumber": "13800000001"}),
        "an app that is none": pressed(NUMBER | {"watermark": {"appid": ["c-1"]}}),
        "no number": pressed({"watermark": {"appid": "c-1"}}),
        "a number that is none": pressed(NUMBER | {"purePhoneNumber": "six"}),
        "no object": pressed([NUMBER]),
        "no UTF-8": {"encryptedData": encode(encrypt_aes_cbc(KEY, b"\xff", IV)), "iv": encode(IV)},
    }


@pytest.mark.parametrize("posted", spoilt().values(), ids=spoilt().keys())
async def test_what_does_not_open_leaves_the_login_without_a_number(
    posted: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is wrong, the login stands, and the log has one and the same reason: no padding oracle."""
    with caplog.at_level(logging.INFO, "connect_login"):
        identity, phone = await log_in(acme(), posted)
    assert identity.ids
    assert phone is None
    [record] = [record for record in caplog.records if record.msg == "phone_refused"]
    assert vars(record)["reason"].startswith("encryptedData: this login's session key does not open it")
    assert SESSION["session_key"] not in caplog.text


@pytest.mark.parametrize("key", [None, "", "!", "c2hvcnQ=", ["x"], "\xe9"])
async def test_a_session_without_a_usable_key_gives_no_number(key: object) -> None:
    """The key is the vendor's, and no reason to refuse the person."""
    identity, phone = await log_in(acme(answer={**SESSION, "session_key": key}), pressed())
    assert (identity.strongest.value, phone) == ("o-1", None)


async def test_nothing_handed_in_is_nothing() -> None:
    """Without data there is neither a number nor a line in the log."""
    for posted in ({}, {"encryptedData": ""}, {"iv": encode(IV)}):
        assert (await log_in(acme(), posted))[1] is None


async def test_the_key_is_no_access_token_and_is_not_shown() -> None:
    """No profile is asked for with it, and no text of the identity has it."""
    provider = acme()
    identity, _ = await log_in(provider, {})
    assert await provider.fetch_profile(identity) is identity
    assert identity.session_key == SESSION["session_key"]
    assert identity.session_key not in repr(identity)


@pytest.mark.parametrize(
    ("claims", "answer", "number"),
    [
        (Claims(user_id="id"), {"phoneNumber": "13800000001"}, "13800000001"),
        (Claims(user_id="id"), {"phoneNumber": "+8613800000001", "purePhoneNumber": 13800000001}, "13800000001"),
        (Claims(user_id="id"), {"mobile": "13800000001"}, "13800000001"),
        (Claims(user_id="id", phone="number"), {"number": "13800000001", "mobile": "1"}, "13800000001"),
        (Claims(user_id="id", phone="number"), {"mobile": "13800000001"}, None),
    ],
)
async def test_the_number_has_wechats_names_unless_the_claims_have_others(
    claims: Claims, answer: dict[str, Any], number: str | None
) -> None:
    """A vendor that copies WeChat's button needs no mapping; names of its own replace WeChat's."""
    kind = type("Named", (Mini,), {"claims": claims, "quirks": quirky(session_key="session_key")})
    _, phone = await log_in(acme(kind), pressed(answer))
    assert (phone.number if phone else None) == number


def test_a_provider_without_the_call_for_the_key_does_not_start() -> None:
    """The key stands in the answer of `code_url`."""
    with pytest.raises(SettingsError) as refused:
        make(type("Bare", (Mini,), {"code_url": ""}), Transport({}))
    assert "session_key: code_url is missing, in whose answer it stands" in str(refused.value)
