"""What came back through the browser: a code, a person's refusal, an error, or nothing of use."""

import pytest

from connect_core.errors import (
    BadRequest,
    CodeMissing,
    ConnectError,
    ProviderConfig,
    ProviderDenied,
    ProviderRefused,
)
from connect_core.http import HttpPool
from connect_core.providers import calls
from connect_core.providers.provider import Provider

from ..kit.acme import AcmeProvider, AcmeSettings

HTTP = HttpPool().for_provider("acme")


def provider(**attributes: object) -> Provider:
    """Acme with other class attributes."""
    kind: type[AcmeProvider] = type("Other", (AcmeProvider,), attributes)
    return kind(AcmeSettings(), HTTP)


ACME = provider()
SILENT = provider(refuses_without_code=True)
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
    (ACME, {"error": ""}, ProviderConfig),
    (ACME, {"error": "ACCESS_DENIED"}, ProviderConfig),
    (ACME, {"error_code": "user_denied"}, ProviderDenied),
    (ACME, {"errorCode": "isv.invalid"}, ProviderConfig),
    (ACME, {"error": "access_denied", "code": "c"}, BadRequest),
    (ACME, {"error": "access_denied", "code": ""}, ProviderDenied),
    (SILENT, {"state": "s"}, ProviderDenied),
    (SILENT, {}, ProviderDenied),
    (SILENT, {"state": "s", "code": ""}, CodeMissing),
    (SILENT, {"state": "s", "auth_code": ""}, CodeMissing),
    (SILENT, {"code": "c"}, None),
    (TWO_NAMES, {"auth_code": "c"}, None),
    (TWO_NAMES, {"auth_code": "c", "error": "x"}, BadRequest),
]


@pytest.mark.parametrize(("one", "parameters", "refusal"), REFUSALS)
def test_what_a_response_without_a_code_stands_for(
    one: Provider, parameters: dict[str, str], refusal: type[ConnectError] | None
) -> None:
    """RFC 6749 §4.1.2.1 and what vendors make of it; an answer that says both yes and no is malformed."""
    found = calls.get_refusal(one, parameters)
    assert type(found) is (refusal or type(None))


def test_a_vendors_word_reaches_the_log_cut_and_printable() -> None:
    """Whatever stands in `error` is the browser's to say."""
    found = calls.get_refusal(ACME, {"error": "x\r\n\x1b[31m é" + "y" * 500})
    assert found is not None
    assert found.vendor == {"error": "x[31m " + "y" * 54}
    assert "[31m" not in str(found)


@pytest.mark.parametrize(
    ("one", "parameters", "code"),
    [
        (ACME, {"code": "c-1"}, "c-1"),
        (ACME, {"auth_code": "c-1"}, None),
        (TWO_NAMES, {"auth_code": "c-1"}, "c-1"),
        (TWO_NAMES, {"auth_code": "c-1", "code": ""}, "c-1"),
        (ACME, {"code": "c" * 2048}, "c" * 2048),
    ],
)
def test_a_code_is_read_under_its_names(one: Provider, parameters: dict[str, str], code: str | None) -> None:
    """`code` and whatever else the vendor calls it; a blank one is missing."""
    if code is None:
        with pytest.raises(CodeMissing):
            calls.get_code(one, parameters)
    else:
        assert calls.get_code(one, parameters) == code


@pytest.mark.parametrize("code", ["c" * 2049, "c\r\nx", "c\x00", "ｃ１", "\ud800", "c\x7f"])
def test_a_malformed_code_is_refused(code: str) -> None:
    """Too long, or of characters no vendor uses."""
    with pytest.raises(BadRequest):
        calls.get_code(ACME, {"code": code})


def test_two_codes_are_none() -> None:
    """Which of them counts would be anybody's guess."""
    with pytest.raises(BadRequest):
        calls.get_code(TWO_NAMES, {"auth_code": "c-1", "code": "c-2"})
