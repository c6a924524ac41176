"""What a provider sends is held against the vendor's documentation, and wrong providers are found."""

import pytest
from yarl import URL

from connect_core.http import Request
from connect_core.sandbox import DocumentedRequest
from connect_core.testing.wire import WireRequest, find_differences, find_documented, fits, list_members, read_body

from ..kit import dingtalk
from ..kit.contract_runs import Verdicts, find_failed, run_contracts

UNKNOWN = "(no value of this login is called cod; {*} stands for any text)"
RULES = (
    "test_documented_requests_are_what_is_sent",
    "test_documented_requests_are_all_sent",
    "test_documented_answers_match_the_sandbox",
    "test_documented_answers_name_the_documented_person",
)


@pytest.fixture(scope="module")
def verdicts() -> Verdicts:
    """What the rules about documentation say of the right DingTalk and the wrong ones."""
    plugins = ("dingtalk", *dingtalk.WRONG, *dingtalk.MORE_WRONG)
    return run_contracts("tests.kit.dingtalk:WrongWires", dict.fromkeys(plugins, RULES))


def test_the_right_provider_passes(verdicts: Verdicts) -> None:
    """Every rule is run, for both client types where it has one, and holds."""
    assert [result for _, _, result, _ in verdicts["dingtalk"]] == ["passed"] * 7


@pytest.mark.parametrize("wrong", [*dingtalk.WRONG, *dingtalk.MORE_WRONG])
def test_wrong_providers_are_found(verdicts: Verdicts, wrong: str) -> None:
    """Each breaks a rule, and the reason has no value that was sent."""
    failed = find_failed(verdicts, wrong)
    assert failed
    assert not [reason for reason in failed.values() if "sandbox-secret" in reason]


def documented(**attributes: object) -> DocumentedRequest:
    """A documented request with defaults."""
    return DocumentedRequest("POST", "https://vendor.example/token", **attributes)  # type: ignore[arg-type]


def sent(content: bytes = b"", query: str = "", **headers: str) -> WireRequest:
    """A request as the core's client sends it."""
    url = URL(f"https://vendor.example/token{query}", encoded=True)
    return WireRequest.of(Request("POST", url, headers, content))


@pytest.mark.parametrize(
    ("stated", "wire", "differences"),
    [
        (documented(form={"code": "{code}"}), sent(b"code=abc"), []),
        (documented(form={"code": "{code}"}), sent(b"code=other"), ["form: code is not '{code}'"]),
        (
            documented(form={"code": "{code}"}),
            sent(b"", "?code=abc"),
            ["query: code is not documented", "form: code is missing"],
        ),
        (documented(json={"a": {"b": ["{code}", 1]}}), sent(b'{"a":{"b":["abc",1]}}'), []),
        (
            documented(json={"a": {"b": ["{code}"]}}),
            sent(b'{"a":{"b":["abc",1]}}'),
            ["json: a is not {'b': ['{code}']}"],
        ),
        (documented(query={"t": "{*}"}), sent(b"", "?t=12"), []),
        (documented(query={"t": "{*}"}), sent(b"", "?t="), ["query: t is not '{*}'"]),
        (documented(query={"t": "{cod}"}), sent(b"", "?t=abc"), [f"query: t is not '{{cod}}' {UNKNOWN}"]),
        (documented(optional=("lang",)), sent(b"", "?lang=zh"), []),
        (documented(query={"lang": "zh"}, optional=("lang",)), sent(), []),
        (documented(query={"lang": "zh"}, optional=("lang",)), sent(b"", "?lang=en"), ["query: lang is not 'zh'"]),
        (documented(headers={"X-Token": "Bearer {code}"}), sent(**{"x-token": "Bearer abc"}), []),
        (documented(headers={"X-Token": "{code}"}), sent(), ["header: x-token is missing"]),
        (documented(), sent(Authorization="Basic x"), ["header: authorization is not documented"]),
    ],
)
def test_differences_are_named(stated: DocumentedRequest, wire: WireRequest, differences: list[str]) -> None:
    """What is missing, in surplus, in another place, or has another value."""
    assert list(find_differences(stated, wire, {"code": {"abc"}})) == differences


def test_the_closest_of_several_is_taken() -> None:
    """A gateway has one address for many calls; a client type may have its own."""
    wire = sent(b"method=b&x=1")
    stated = (documented(form={"method": "a", "x": "1"}), documented(form={"method": "b"}))
    assert find_documented(wire, stated, {}, "pc") == (stated[0], ["form: method is not 'a'"])
    assert find_documented(wire, (documented(form={"method": "b", "x": "1"}, clients=("mini",)),), {}, "pc")[0] is None


def test_values_are_compared_to_the_letter() -> None:
    """Signs of regular expressions mean nothing, numbers are no texts, and a known value is that value."""
    assert fits("a.b", "a.b", {})
    assert not fits("a.b", "axb", {})
    assert not fits("1", 1, {})
    assert not fits("{code}", "abcd", {"code": {"abc"}})
    assert fits("{code}{code}", "abcabc", {"code": {"abc"}})


@pytest.mark.parametrize(
    ("body", "members"),
    [
        (b'{"data":{"user":[{"id":1},{"id":2}]}}', [("data.user.id", "1"), ("data.user.id", "2")]),
        (b"access_token=a&expires_in=7", [("access_token", "a"), ("expires_in", "7")]),
        (b'callback( {"error":1} );', [("error", "1")]),
        (b"<html>", []),
    ],
)
def test_members_of_any_answer_are_listed(body: bytes, members: list[tuple[str, str]]) -> None:
    """JSON, JSON in a script, and forms; a page has none."""
    assert list(list_members(read_body(body))) == members
