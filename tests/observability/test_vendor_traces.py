"""The vendor's own ids of its calls: in the lines of the login that made them, cleaned, few, and in no other's."""

import json
import logging

import pytest

from connect_core.harness import Visitor
from connect_core.http import Answer
from connect_core.log_fields import current
from connect_core.observability.login_story import tell
from connect_core.observability.logs import JsonFormatter
from connect_core.observability.request_context import logging_request
from connect_core.plugin import Quirks, note_trace
from connect_core.providers.oauth2 import read_answer

from ..kit.databases import run_shop


def note(*traces: object) -> object:
    """Return the field of a request in which calls had these trace ids."""
    with logging_request("r1", lambda: ""):
        for trace in traces:
            note_trace(trace)
        request = current.get()
        assert request is not None
        return request.fields.get("vendor_trace")


def test_each_call_is_noted_once_and_in_order() -> None:
    """At most four: a plugin that calls its vendor often fills no line."""
    assert note("a1", 17, "a1") == "a1 17"
    assert note(*"abcdef") == "a b c d"


def test_what_is_no_trace_id_is_left_out() -> None:
    """Nothing that a vendor sends can break a line, or look like two ids."""
    assert note(None, "", True, ["a"], {"a": 1}) is None
    assert note("a\n\u001b b\u202e") == "ab"
    [long] = str(note("x" * 1000)).split()
    assert len(long) == 64


def test_outside_of_a_request_nothing_is_noted() -> None:
    """The doctor calls vendors too."""
    assert current.get() is None
    note_trace("a1")
    assert note() is None


def test_the_base_provider_notes_the_vendors_member() -> None:
    """Of a success as of an error: `error_trace` says where it stands."""
    with logging_request("r1", lambda: ""):
        answer = Answer(200, {}, b'{"data": {"log_id": "L-1"}}')
        read_answer(answer, Quirks(error_trace="data.log_id"), "token")
        read_answer(Answer(200, {}, b'{"log_id": "L-2"}'), Quirks(), "token")
        request = current.get()
        assert request is not None
        assert request.fields == {"vendor_trace": "L-1"}


def test_a_login_that_worked_can_be_quoted_to_the_vendor(caplog: pytest.LogCaptureFixture) -> None:
    """Alipay's header is in the line about the login, and the story of the login says it; another login has its own."""
    caplog.set_level(logging.INFO, "connect_login")
    with run_shop() as shop, Visitor(shop) as first, Visitor(shop) as second:
        assert first.log_in("alipay", "pc").status_code == 303
        assert second.log_in("alipay", "pc").status_code == 303
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == "connect_login"]
    logged_in = [line for line in lines if line["event"] == "logged_in"]
    traces = [line["vendor_trace"].split() for line in logged_in]
    assert [len(ids) for ids in traces] == [2, 1], "the first login fetches the profile too"
    assert len({trace for ids in traces for trace in ids}) == 3
    story = "\n".join(tell([logged_in[1]], []))
    assert f"If you ask the vendor, quote: trace={traces[1][0]}." in story
