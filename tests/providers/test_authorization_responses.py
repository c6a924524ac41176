"""What came back through the browser: a code, a person's refusal, an error, or nothing of use."""

import pytest

from connect_core.errors import (
    AuthorizationRefused,
    BadRequest,
    CodeMissing,
    ConnectError,
    ProviderConfig,
    ProviderDenied,
    ProviderRefused,
)
from connect_core.http import HttpPool
from connect_core.providers.calls import ReceivedCode, Refusal, parse_response
from connect_core.providers.provider import Entrance, Provider

from ..kit.acme import AcmeProvider, AcmeSettings

HTTP = HttpPool().for_provider("acme")


def provider(**attributes: object) -> Provider:
    """Acme with other class attributes."""
    kind: type[AcmeProvider] = type("Other", (AcmeProvider,), attributes)
    return kind(AcmeSettings(), HTTP)


ACME = provider()
OWN_WORD = provider(denial_words=("own_word",))
SET_WORD = provider()
SET_WORD.settings = AcmeSettings(denial_words=("set_word",))
SILENT = provider(refuses_without_code=True)
SILENT_OWN_NAME = provider(refuses_without_code=True, code_names=("response_nonce",))
TWO_NAMES = provider(code_names=("auth_code", "code"))

REFUSALS: list[tuple[Provider, dict[str, str], type[ConnectError] | None]] = [
    (ACME, {"code": "c"}, None),
    (ACME, {"state": "s"}, CodeMissing),
    (ACME, {"code": ""}, CodeMissing),
    (ACME, {"error": "access_denied"}, ProviderDenied),
    (ACME, {"error": "user_cancelled_login", "error_description": "x"}, ProviderDenied),
    (ACME, {"error": "login_required"}, ProviderDenied),
    (ACME, {"error": "server_error"}, ProviderRefused),
    (ACME, {"error": "temporarily_unavailable"}, ProviderRefused),
    (ACME, {"error": "unauthorized_client"}, ProviderConfig),
    (ACME, {"error": "invalid_scope"}, ProviderConfig),
    (ACME, {"error": "redirect_mismatch"}, ProviderConfig),
    (ACME, {"error": ""}, CodeMissing),
    (ACME, {"error": "", "error_description": "", "code": "c"}, None),
    (ACME, {"error_code": "0", "code": "c"}, None),
    (ACME, {"error": "", "error_code": "user_denied"}, ProviderDenied),
    (ACME, {"error": "ACCESS_DENIED"}, ProviderDenied),
    (ACME, {"error": "user_cancelled_authorize"}, ProviderDenied),
    (ACME, {"error": "interaction_required"}, ProviderDenied),
    (ACME, {"error": "cancel"}, ProviderDenied),
    (ACME, {"error": "USER_REFUSED", "error_description": "x"}, ProviderDenied),
    (ACME, {"error_code": "declined", "code": ""}, ProviderDenied),
    (ACME, {"error": "account_selection_required"}, ProviderDenied),
    (ACME, {"error": "the_moon_is_full"}, AuthorizationRefused),
    (ACME, {"error": "own_word"}, AuthorizationRefused),
    (OWN_WORD, {"error": "Own_Word"}, ProviderDenied),
    (OWN_WORD, {"code": "own_word"}, ProviderDenied),
    (SET_WORD, {"error": "set_word"}, ProviderDenied),
    (SET_WORD, {"code": "set_word", "state": "s"}, ProviderDenied),
    (ACME, {"code": "authdeny", "state": "s"}, ProviderDenied),
    (ACME, {"error": "request_not_supported"}, ProviderConfig),
    (ACME, {"error_code": "user_denied"}, ProviderDenied),
    (ACME, {"errorCode": "isv.invalid"}, AuthorizationRefused),
    (ACME, {"error": "access_denied", "code": "c"}, BadRequest),
    (ACME, {"error": "access_denied", "code": ""}, ProviderDenied),
    (SILENT_OWN_NAME, {"state": "s", "response_nonce": "n"}, None),
    (SILENT_OWN_NAME, {"state": "s", "mode": "cancel"}, ProviderDenied),
    (SILENT, {"state": "s"}, ProviderDenied),
    (SILENT, {}, ProviderDenied),
    (SILENT, {"state": "s", "code": ""}, ProviderDenied),
    (SILENT, {"state": "s", "auth_code": ""}, ProviderDenied),
    (SILENT, {"state": "s", "auth_code": "c"}, CodeMissing),
    (SILENT, {"code": "c"}, None),
    (TWO_NAMES, {"auth_code": "c"}, None),
    (TWO_NAMES, {"auth_code": "c", "error": "x"}, BadRequest),
]


def refusal_of(
    configured: Provider, parameters: dict[str, str], entrance: Entrance = Entrance.REDIRECT
) -> ConnectError:
    """Return the error of a response that carries no usable code."""
    response = parse_response(configured, parameters, entrance)
    assert isinstance(response, Refusal)
    return response.error


@pytest.mark.parametrize(("configured", "parameters", "refusal"), REFUSALS)
def test_what_a_response_without_a_code_stands_for(
    configured: Provider, parameters: dict[str, str], refusal: type[ConnectError] | None
) -> None:
    """RFC 6749 §4.1.2.1 and what vendors make of it; an answer that says both yes and no is malformed."""
    match parse_response(configured, parameters):
        case ReceivedCode():
            assert refusal is None
        case Refusal(error):
            assert type(error) is refusal


def test_a_vendors_word_reaches_the_log_cut_and_printable() -> None:
    """Whatever stands in `error` is the browser's to say."""
    error = refusal_of(ACME, {"error": "x\r\n\x1b[31m é" + "y" * 500})
    assert error.vendor == {"error": "x[31m " + "y" * 54}
    assert "[31m" not in str(error)


@pytest.mark.parametrize("entrance", [Entrance.REDIRECT, Entrance.CLIENT_CODE, Entrance.TICKETED_CODE])
@pytest.mark.parametrize(
    ("configured", "parameters", "code"),
    [
        (ACME, {"code": "c-1"}, "c-1"),
        (ACME, {"auth_code": "c-1"}, None),
        (TWO_NAMES, {"auth_code": "c-1"}, "c-1"),
        (TWO_NAMES, {"auth_code": "c-1", "code": ""}, "c-1"),
        (ACME, {"code": "c" * 8192}, "c" * 8192),
    ],
)
def test_a_code_is_read_under_its_names(
    configured: Provider, parameters: dict[str, str], code: str | None, entrance: Entrance
) -> None:
    """`code` and whatever else the vendor calls it; a blank one is missing."""
    if code is None:
        assert isinstance(refusal_of(configured, parameters, entrance), CodeMissing)
    else:
        assert parse_response(configured, parameters, entrance) == ReceivedCode(code)


@pytest.mark.parametrize("code", ["c" * 8193, "c\r\nx", "c\x00", "ｃ１", "\ud800", "c\x7f"])
def test_a_malformed_code_is_refused(code: str) -> None:
    """Too long, or of characters no vendor uses."""
    assert isinstance(refusal_of(ACME, {"code": code}), BadRequest)
    assert isinstance(refusal_of(ACME, {"code": code}, Entrance.CLIENT_CODE), BadRequest)


def test_two_codes_are_none() -> None:
    """Which of them counts would be anybody's guess."""
    assert isinstance(refusal_of(TWO_NAMES, {"auth_code": "c-1", "code": "c-2"}), BadRequest)


def test_a_clients_code_counts_whatever_stands_beside_it() -> None:
    """RFC 6749's `error` belongs to redirects; a mini program that sends one hands in its code all the same."""
    assert parse_response(ACME, {"code": "c", "error": "x"}, Entrance.CLIENT_CODE) == ReceivedCode("c")
    assert isinstance(refusal_of(SILENT, {"state": "s"}, Entrance.CLIENT_CODE), CodeMissing)


def test_a_credential_is_the_id_token() -> None:
    """An app's code is not taken for an ID token; a blank, overlong or unprintable one is refused."""
    assert parse_response(ACME, {"id_token": "j" * 65536, "code": "c"}, Entrance.CREDENTIAL) == ReceivedCode(
        "j" * 65536
    )
    for parameters in ({"code": "c"}, {"id_token": ""}):
        assert isinstance(refusal_of(ACME, parameters, Entrance.CREDENTIAL), CodeMissing)
    for token in ("j" * 65537, "j\n", "ｊ"):
        assert isinstance(refusal_of(ACME, {"id_token": token}, Entrance.CREDENTIAL), BadRequest)


@pytest.mark.parametrize("entrance", [Entrance.CLIENT_CODE, Entrance.TICKETED_CODE])
def test_an_app_that_hands_in_a_denial_is_told_so(entrance: Entrance) -> None:
    """WeChat's SDK gives `authdeny` in place of the code."""
    assert isinstance(refusal_of(ACME, {"code": "authdeny"}, entrance), ProviderDenied)


def test_a_received_code_hides_its_value() -> None:
    """A code in a traceback or log line could be redeemed by its reader."""
    assert "c-1" not in repr(parse_response(ACME, {"code": "c-1"}))
