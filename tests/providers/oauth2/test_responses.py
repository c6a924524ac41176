"""Reading OAuth 2.0 vendors: formats, the ways to say no, and where an answer says who a person is."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_core.errors import (
    CodeInvalid,
    ConnectError,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderRefused,
)
from connect_core.http import Answer
from connect_core.plugin import Claims, PersonId
from connect_core.providers.oauth2 import find_value, read_answer
from connect_core.providers.oauth2.responses import ERRORS, open_envelope

from ...kit.vendor_transport import quirky

FINE = b'{"access_token":"t"}'


def read(content: bytes, status: int = 200, *, operation: str = "userinfo", **quirks: Any) -> dict[str, Any]:
    """Read one answer."""
    return read_answer(Answer(status, {}, content), quirky(**quirks), operation)


def refusal(content: bytes, status: int = 200, **quirks: Any) -> ConnectError:
    """Return the error that an answer is."""
    with pytest.raises(ConnectError) as refused:
        read(content, status, **quirks)
    return refused.value


@pytest.mark.parametrize(
    ("content", "quirks"),
    [
        (FINE, {}),
        (b"access_token=t", {"answer": "form"}),
        (FINE, {"answer": "form"}),
        (b'callback( {"access_token":"t"} );\n', {"answer": "jsonp"}),
        (b'a.b$c({"access_token":"t"})', {"answer": "jsonp"}),
        (FINE, {"answer": "jsonp"}),
        (b"&&&START&&&" + FINE, {"prefix": "&&&START&&&"}),
        (b"\xef\xbb\xbf" + FINE, {}),
    ],
)
def test_formats(content: bytes, quirks: dict[str, Any]) -> None:
    """JSON, forms, JSON wrapped as for a script, and what some vendors put in front are one object to us."""
    assert read(content, **quirks) == {"access_token": "t"}


@pytest.mark.parametrize(
    ("content", "quirks"),
    [
        (b"", {}),
        (b"<html>", {}),
        (b"[]", {}),
        (b"\xff{}", {}),
        (b'{"a":1,"a":2}', {}),
        (b"access_token=t", {}),
        (b'callback({"access_token":"t"})', {}),
        (b'evil();callback({"access_token":"t"});', {"answer": "jsonp"}),
        (b"", {"answer": "form"}),
        (b"<html>", {"answer": "form"}),
        (b"access_tok", {"answer": "form"}),
        (b"access_token=&expires_in=", {"answer": "form"}),
        (b"access_token=t&access_token=u", {"answer": "form"}),
        (b"access_token=%ff", {"answer": "form"}),
        (b"&".join(b"a%d=1" % n for n in range(65)), {"answer": "form"}),
    ],
)
def test_what_is_no_answer(content: bytes, quirks: dict[str, Any]) -> None:
    """Another format than the vendor's is not guessed at."""
    assert type(refusal(content, **quirks)) is ProviderBadResponse


def test_form_of_every_call() -> None:
    """One word holds for every call; a table holds for the calls that it names, and the others are JSON."""
    assert read(b"id=9007199254740993&name=", answer="form") == {"id": "9007199254740993", "name": ""}
    table = {"token": "form", "phone": "jsonp"}
    assert read(b"access_token=t", operation="token", answer=table) == {"access_token": "t"}
    assert read(b'callback({"phone":1})', operation="phone", answer=table) == {"phone": 1}
    for operation in ("id", "userinfo", "code", "phone", "app_token"):
        with pytest.raises(ProviderBadResponse):
            read(b"id=1", operation=operation, answer=table)


def test_exact_digits_and_control_characters() -> None:
    """A whole number keeps its digits; a nickname with raw control characters does not end a login."""
    assert read(b'{"id":98765432109876543210987,"name":"a\tb"}') == {"id": 98765432109876543210987, "name": "a\tb"}


def test_a_name_that_was_cut_inside_a_character() -> None:
    """Its broken byte goes, and with it nothing else; an id with one is refused."""
    answer = read('{"id":7,"name":"李华'.encode() + b'\xe6\x9d"}')
    claims = Claims(user_id="id", nickname="name")
    assert claims.read_profile(answer).nickname == "李华"
    assert claims.read_ids(answer, "") == (PersonId.user_id("7"),)
    with pytest.raises(ProviderBadResponse):
        claims.read_ids(read(b'{"id":"a\xff"}'), "")


@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize("word", sorted(ERRORS))
def test_standard_errors(word: str, status: int) -> None:
    """RFC 6749 §5.2 and RFC 6750 §3.1 are mapped once, whatever the HTTP status."""
    error = refusal(json.dumps({"error": word}).encode(), status)
    assert (type(error), error.vendor) == (ERRORS[word], {"error": word})


@pytest.mark.parametrize(
    ("word", "kind"),
    [("invalid_grant", CodeInvalid), ("invalid_client", ProviderConfig), ("access_denied", ProviderDenied)],
)
def test_standard_errors_that_matter_most(word: str, kind: type[ConnectError]) -> None:
    """A dead code, a wrong secret and a refusal are what they are."""
    assert type(refusal(json.dumps({"error": word}).encode(), 400)) is kind


@pytest.mark.parametrize(
    ("content", "quirks", "kind", "word"),
    [
        (b'{"ret":1002}', {"error_signs": {"ret": "0"}}, ProviderRefused, "1002"),
        (b'{"result":0}', {"error_signs": {"result": "1"}}, ProviderRefused, "0"),
        (b'{"ok":false}', {"error_signs": {"ok": "true"}}, ProviderRefused, "false"),
        (b'{"resultcode":"024"}', {"error_signs": {"resultcode": "00"}}, ProviderRefused, "024"),
        (b'{"error":{"code":"gone"}}', {"error_signs": {"error.code": "ok"}}, ProviderRefused, "gone"),
        (b'{"data":{"error_code":10008}}', {"error_signs": {"data.error_code": "0"}}, ProviderRefused, "10008"),
        (b'{"error":100020}', {"errors": {"code_invalid": ("100020",)}}, CodeInvalid, "100020"),
        (b'{"error":{"message":"x"}}', {}, ProviderRefused, "object"),
        (b'{"error":true}', {}, ProviderRefused, "true"),
        # the vendor's own word decides before the standard's, and the standard's where it has no entry
        (
            b'{"error_code":1,"error":"invalid_grant"}',
            {"error_signs": {"error_code": "0"}, "errors": {"provider_config": ("1",)}},
            ProviderConfig,
            "1 invalid_grant",
        ),
        (
            b'{"error_code":2,"error":"invalid_grant"}',
            {"error_signs": {"error_code": "0"}},
            CodeInvalid,
            "2 invalid_grant",
        ),
    ],
)
def test_errors_inside_http_200(content: bytes, quirks: dict[str, Any], kind: type, word: str) -> None:
    """An error shows at its path by any other value than the one that is fine."""
    error = refusal(content, **quirks)
    assert (type(error), error.vendor["error"]) == (kind, word)


@pytest.mark.parametrize(
    ("content", "quirks"),
    [
        (b'{"error":null}', {}),
        (b'{"error":""}', {}),
        (b'{"error":0}', {}),
        (b'{"error":false}', {}),
        (b'{"error":{}}', {}),
        (b'{"ret":0}', {"error_signs": {"ret": "0"}}),
        (b'{"ret":"0"}', {"error_signs": {"ret": "0"}}),
        (b'{"error":{"code":"ok"}}', {"error_signs": {"error.code": "ok"}}),
        (b'{"result":1}', {"error_signs": {"result": "1"}}),
        (b'{"error":10000}', {"error_signs": {"error": "10000"}}),
    ],
)
def test_what_means_no_error(content: bytes, quirks: dict[str, Any]) -> None:
    """Vendors write "no error" in many ways."""
    assert read(content, **quirks)


def test_refusals_without_a_word() -> None:
    """A 4xx is a refusal, in JSON or not; 5xx and 429 are outages; anything else is no answer."""
    assert refusal(b'{"title":"Forbidden"}', 403).vendor == {"status": "403"}
    assert type(refusal(b"<h1>403</h1>", 403)) is ProviderRefused
    assert type(refusal(b'{"error":"invalid_grant"}', 503)) is ProviderRefused
    assert type(refusal(FINE, 302)) is ProviderBadResponse
    assert type(refusal(FINE, 199)) is ProviderBadResponse
    assert read(FINE, 201)


def test_vendors_words_reach_the_log_short() -> None:
    """Code and trace are cut to printable ASCII; descriptions stay out."""
    content = {"error": "x\n\u202e" + "y" * 100, "error_description": "code abc", "log": {"id": "2026\x1b[31m"}}
    error = refusal(json.dumps(content).encode(), error_trace="log.id")
    assert error.vendor == {"error": "x" + "y" * 61, "trace": "2026[31m"}
    assert "abc" not in str(error)


def test_paths() -> None:
    """A path leads through objects; a name that has dots itself is found as it is, or after two dots."""
    found = {"a": {"b": {"c": 1}, ".tag": 3, "d": {".tag": {"e": 4}}}, "https://acme.example/id": 2, ".tag": 5}
    paths = {
        "a.b.c": 1,
        "https://acme.example/id": 2,
        "a..tag": 3,
        "a.d..tag.e": 4,
        ".tag": 5,
        **dict.fromkeys(("a.x.c", "a.b.c.d", "x", "a.b..c", "a...tag", "..tag")),
    }
    assert {path: find_value(found, path) for path in paths} == paths


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("l.0", 3),
        ("l.1.id", 4),
        ("o.0.id", 5),
        ("l.2", None),
        ("l.-1", None),
        ("l.+1", None),
        ("l.1_0", None),
        ("l.", None),
        ("l.x", None),
        ("l.²", None),
        ("l.٠", None),
        ("l.0.0", None),
        (f"l.{'9' * 5000}", None),
    ],
)
def test_paths_through_lists(path: str, value: object) -> None:
    """A list counts from 0; what is no place in it finds nothing, and an object may have a member called `0`."""
    assert find_value({"l": [3, {"id": 4}], "o": {"0": {"id": 5}}}, path) == value


def test_lists_in_every_path() -> None:
    """Envelopes, signs of errors and the trace lead through lists as ids do."""
    content = b'{"errors":[{"code":"gone","trace":"t-1"}],"data":[{"id":7}]}'
    error = refusal(content, error_signs={"errors.0.code": ""}, error_trace="errors.0.trace")
    assert error.vendor == {"error": "gone", "trace": "t-1"}
    assert open_envelope({"data": [{"id": 7}]}, "data.0") == {"id": 7}
    assert Claims(user_id="data.0.id").read_ids({"data": [{"id": 7}]}, "") == (PersonId.user_id("7"),)


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ({"n": "13800000001"}, "13800000001"),
        ({"n": "13800000001", "c": "+86"}, "13800000001"),
        ({"n": "+8613800000001", "c": ""}, "13800000001"),
        ({"n": "61234567", "c": 852}, "852-61234567"),
        ({"n": "61234567", "c": "+852"}, "852-61234567"),
        ({"n": 61234567, "c": 852}, "852-61234567"),
        ({"n": 13800000001, "c": 86}, "13800000001"),
        ({"n": "61234567", "c": "00852"}, "852-61234567"),
        ({"n": "13800000001", "c": None}, "13800000001"),
        ({}, None),
        ({"n": ""}, None),
        ({"n": True}, None),
        ({"n": 1380000000.0}, None),
        ({"n": ["13800000001"]}, None),
        ({"n": "1234"}, None),
        ({"n": "1" * 16}, None),
        ({"n": "138 0000 0001"}, None),
        ({"n": "１３８００００００１"}, None),
        ({"n": "61234567\n", "c": "852"}, None),
        ({"n": "61234567", "c": True}, None),
        ({"n": "61234567", "c": "0852"}, None),
        ({"n": "61234567", "c": "85212"}, None),
        ({"n": "+8613800000001", "c": "852"}, None),
    ],
)
def test_phone_numbers(answer: dict[str, Any], number: str | None) -> None:
    """A mainland number stands alone, any other after its country's code; nothing else is one."""
    claims = Claims(phone="n", phone_country="c")
    if number is None:
        with pytest.raises(ProviderBadResponse):
            claims.read_phone(answer)
    else:
        assert claims.read_phone(answer) == number


def test_ids_strongest_first() -> None:
    """Each kind has its scope: the client's own id holds for the client alone."""
    claims = Claims(user_id="user.id", union_id="union", open_id="open")
    found = {"open": "o", "union": "u", "user": {"id": 7}}
    expected = (PersonId.user_id("7"), PersonId.union_id("u"), PersonId.open_id("o", "c-1"))
    assert claims.read_ids(found, "c-1") == expected


@pytest.mark.parametrize("value", [None, "", "  ", True, False, 1.0, 1.5, [], {}, ["1"], "x" * 256, "a\0"])
@pytest.mark.parametrize("kind", ["user_id", "open_id", "union_id"])
def test_what_is_no_id_fails(kind: str, value: object) -> None:
    """A missing, blank, boolean, fractional or endless id is no id; nothing is trimmed or made up."""
    with pytest.raises(ProviderBadResponse):
        Claims.model_validate({kind: "id"}).read_ids({"id": value}, "c-1")


def test_union_id_may_be_absent_beside_another() -> None:
    """Vendors give it only to apps that were bound; an empty one is absent, and one that is there must be one."""
    claims = Claims(union_id="unionid", open_id="openid")
    for absent in ({}, {"unionid": None}, {"unionid": ""}):
        assert claims.read_ids({"openid": "o", **absent}, "c-1") == (PersonId.open_id("o", "c-1"),)
    for wrong in (True, 1.5, [], {}, " "):
        with pytest.raises(ProviderBadResponse):
            claims.read_ids({"openid": "o", "unionid": wrong}, "c-1")
    with pytest.raises(ProviderBadResponse):
        claims.read_ids({"unionid": "u"}, "c-1")


def test_first_path_that_is_there_counts() -> None:
    """A path leads to nothing where its value is null or empty, for ids and for what is shown."""
    claims = Claims(user_id=("sub", "id"), nickname=("name", "login"))
    assert claims.read_ids({"id": 5}, "") == (PersonId.user_id("5"),)
    assert claims.read_ids({"sub": "s", "id": 5}, "") == (PersonId.user_id("s"),)
    assert claims.read_ids({"sub": "", "id": 5}, "") == (PersonId.user_id("5"),)
    with pytest.raises(ProviderBadResponse):
        claims.read_ids({"sub": "", "id": " "}, "")
    with pytest.raises(ProviderBadResponse):
        claims.read_ids({"sub": True, "id": 5}, "")
    assert claims.read_profile({"name": "", "login": "maria"}).nickname == "maria"


@pytest.mark.parametrize(
    ("told", "sex"), [("男", 1), ("m", 1), ("Male", 1), (1, 1), ("女", 0), ("F", 0), (2, 0), ("0", None), (None, None)]
)
def test_sex(told: object, sex: int | None) -> None:
    """Words, letters and numbers of the vendors; everything else is unknown."""
    assert Claims(sex="s").read_profile({"s": told}).sex == sex


@given(st.binary(max_size=200), st.sampled_from(["json", "form", "jsonp"]), st.sampled_from([200, 400, 500]))
def test_no_bytes_crash_the_reader(content: bytes, answer: str, status: int) -> None:
    """Whatever a vendor sends is an object or an error of ours."""
    with contextlib.suppress(ConnectError):
        assert isinstance(read(content, status, answer=answer), dict)
