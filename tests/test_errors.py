"""The one list of codes: what each error is called, under which status it is answered, and what it carries."""

import re
from collections.abc import Iterator

import pytest

from connect_core.errors import (
    ConnectError,
    PluginError,
    ProviderFault,
    ProviderRefused,
    RequestRefused,
    SettingsError,
    every_error,
)

CODES = {
    400: "bad_request state_missing state_invalid state_expired redirect_not_allowed provider_denied code_missing "
    "code_seen code_invalid",
    401: "not_logged_in token_invalid client_invalid",
    403: "consent_required member_disabled forbidden",
    404: "unsupported",
    409: "already_bound last_connection changed_meanwhile",
    429: "rate_limited",
    502: "provider_unsigned provider_bad_response provider_refused provider_config",
    503: "unavailable",
    504: "provider_timeout",
}


def get_classes(root: type[ConnectError]) -> Iterator[type[ConnectError]]:
    """Every class of the tree."""
    yield root
    for child in root.__subclasses__():
        yield from get_classes(child)


def test_the_codes_are_the_closed_list() -> None:
    """Clients branch on these codes and statuses; none is added, renamed or moved unnoticed."""
    told = sorted((error.status, error.code) for error in every_error())
    assert told == sorted((status, code) for status, codes in CODES.items() for code in codes.split())


def test_a_code_means_one_error() -> None:
    """No two errors that a visitor can meet share a code, and a code is the error's own name."""
    names = {error.code: error.__name__ for error in every_error()}
    assert len(names) == len(list(every_error()))
    for code, name in names.items():
        assert code == re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_families_say_whose_turn_it_is() -> None:
    """The visitor's mistakes are 4xx and the vendor's 5xx; start-up errors are neither."""
    for error in get_classes(RequestRefused):
        assert 400 <= error.status < 500
    for fault in get_classes(ProviderFault):
        assert fault.status in (502, 504)
    for start_up in (SettingsError, PluginError):
        assert start_up not in list(every_error())


@pytest.mark.parametrize("error", [*every_error()])
def test_an_error_carries_what_the_answer_and_the_log_need(error: type[ConnectError]) -> None:
    """Without a text an error tells its code; the vendor's words never stand in its text."""
    bare = error()
    assert (str(bare), bare.vendor, bare.retry_after) == (error.code, {}, None)
    full = error("app_id is wrong", vendor={"sub_code": "isv.invalid-app-id"}, retry_after=7)
    assert (str(full), full.retry_after) == ("app_id is wrong", 7)
    assert "isv" not in repr(full)
    assert full.vendor == {"sub_code": "isv.invalid-app-id"}


def test_a_settings_error_lists_every_mistake() -> None:
    """One line each, in order, as they were found."""
    error = SettingsError(["a.b: is missing", "c: unknown key"])
    assert error.mistakes == ("a.b: is missing", "c: unknown key")
    assert str(error) == "a.b: is missing\nc: unknown key"


@pytest.mark.parametrize("own", [{"code": "mine"}, {"status": 418}, {"code": "mine", "status": 418}])
def test_the_list_of_codes_is_closed(own: dict[str, object]) -> None:
    """A plugin's own error may say more in its text; a front end that knows the list meets no other code."""
    with pytest.raises(TypeError, match="the list of error codes is closed"):
        type("Mine", (ProviderRefused,), own)
    assert type("Mine", (ProviderRefused,), {}).code == "provider_refused"
