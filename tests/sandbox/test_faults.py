"""The parts that sandboxes are made of: the fault script, each fault as a client meets it, and the server."""

import gzip
import json
from collections.abc import Iterator

import pytest

from connect_core.errors import ProviderBadResponse, ProviderFault, ProviderRefused, ProviderTimeout
from connect_core.limits import ANSWER_LIMIT
from connect_core.providers.oauth2 import Quirks, read_answer
from connect_core.sandbox import PEOPLE, TRANSPORT_FAULTS, Fault, FaultScript, Person, sandbox_app, serving

from ..kit.canaries import CANARY
from ..kit.html_pages import ParsedPage
from ..kit.peers import get
from ..kit.plain_sandbox import PLAIN, PlainSandbox, Reply, ask

SANDBOX = PlainSandbox()


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """One server for all tests of this file."""
    with serving(sandbox_app({"acme": SANDBOX})) as base:
        yield base


@pytest.fixture
def sandbox() -> PlainSandbox:
    """The sandbox, knowing nothing of earlier tests."""
    SANDBOX.faults.clear()
    SANDBOX.calls.clear()
    return SANDBOX


@pytest.fixture
def url(sandbox: PlainSandbox, base_url: str) -> str:
    """Where the sandbox's one operation is served."""
    return f"{base_url}/acme/user"


# the script


def test_faults_are_met_in_order_as_often_as_asked() -> None:
    """First asked, first met; a fault for another operation is passed over and waits."""
    script = FaultScript(["error"])
    script.add("error", "a", on="token", times=2)
    script.add("error", "b")
    script.add("error", 3, on="user")
    met = [script.take(operation) for operation in ("user", "user", "token", "user", "token", "token")]
    assert met == [Fault("error", "b"), Fault("error", "3"), Fault("error", "a"), None, Fault("error", "a"), None]


def test_faults_that_nobody_met_are_counted() -> None:
    """A test can see that what it prepared never happened."""
    script = FaultScript(["unsigned"])
    script.add("unsigned", times=2)
    script.add("delay", on="profile")
    script.take("token")
    assert script.unused == 2
    script.take("token")
    assert script.unused == 1
    script.clear()
    assert (script.unused, script.take("profile")) == (0, None)


@pytest.mark.parametrize("times", [0, -1])
def test_a_fault_is_met_at_least_once(times: int) -> None:
    """Asking for a fault that never happens is a mistake in a test."""
    with pytest.raises(ValueError, match="times"):
        FaultScript(["error"]).add("error", times=times)


# each fault, over the network


def test_without_a_fault_the_sandbox_answers(sandbox: PlainSandbox, url: str) -> None:
    """Calls are noted with their operation and parameters; values stay out of reprs."""
    assert json.loads(ask(f"{url}?code={CANARY}").body) == PLAIN
    assert sandbox.called("user.get") == 1
    assert sandbox.called("token") == 0
    assert sandbox.calls[0].parameters == {"code": CANARY}
    assert CANARY not in repr(sandbox.calls)


def test_a_fault_of_the_vendors_own_is_left_to_the_sandbox(sandbox: PlainSandbox, url: str) -> None:
    """Only transport faults are played by the kit; each for one request."""
    sandbox.faults.add("unsigned", "x", on="user.get")
    assert json.loads(ask(url).body)["fault"] == ["unsigned", "x"]
    assert json.loads(ask(url).body) == PLAIN


def play(sandbox: PlainSandbox, url: str, kind: str, value: object = "") -> Reply:
    """Make one request that meets the fault; the next one meets none."""
    sandbox.faults.add(kind, value)
    reply = ask(url)
    assert sandbox.faults.unused == 0
    return reply


def test_delay_answers_late(sandbox: PlainSandbox, url: str) -> None:
    """`delay` holds a good answer back for so many seconds."""
    reply = play(sandbox, url, "delay", 0.2)
    assert reply.first >= 0.2
    assert json.loads(reply.body) == PLAIN


def test_drip_answers_byte_by_byte(sandbox: PlainSandbox, url: str) -> None:
    """`drip` begins at once and pauses so many seconds behind each byte of a good answer."""
    reply = play(sandbox, url, "drip", 0.01)
    assert json.loads(reply.body) == PLAIN
    assert reply.last - reply.first >= 0.01 * (len(reply.body) - 1)


def test_truncate_answers_half(sandbox: PlainSandbox, url: str) -> None:
    """`truncate` is the beginning of a good answer and no JSON."""
    whole = ask(url).body
    half = play(sandbox, url, "truncate").body
    assert half == whole[: len(whole) // 2]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_status_answers_with_it(sandbox: PlainSandbox, url: str, status: int) -> None:
    """`status` answers with a page and a hint when to come back."""
    reply = play(sandbox, url, "status", status)
    assert (reply.status, reply.headers["retry-after"]) == (status, "7")
    assert reply.body.startswith(b"<h1>")


def test_html_answers_with_a_page(sandbox: PlainSandbox, url: str) -> None:
    """`html` is a page that says busy, under a status that says fine."""
    reply = play(sandbox, url, "html")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "系统繁忙" in reply.body.decode()


def test_huge_answers_without_end(sandbox: PlainSandbox, url: str) -> None:
    """`huge` goes on beyond what anybody should read."""
    assert len(play(sandbox, url, "huge").body) == 2 * ANSWER_LIMIT + 1


def test_gzip_answers_compressed(sandbox: PlainSandbox, url: str) -> None:
    """`gzip` is a good answer for whoever decompresses, which nobody asked for."""
    reply = play(sandbox, url, "gzip")
    assert reply.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(reply.body)) == PLAIN


def test_redirect_answers_with_another_place(sandbox: PlainSandbox, url: str) -> None:
    """`redirect` points where it is told to, else to a port where nobody listens."""
    assert play(sandbox, url, "redirect", "http://10.0.0.1/").headers["location"] == "http://10.0.0.1/"
    reply = play(sandbox, url, "redirect")
    assert (reply.status, reply.headers["location"]) == (302, "http://127.0.0.1:1/")


def test_empty_and_garbage_answer_as_told(sandbox: PlainSandbox, url: str) -> None:
    """`empty` has no body, `garbage` the one given, lone surrogates and all."""
    assert (play(sandbox, url, "empty").status, play(sandbox, url, "empty").body) == (200, b"")
    assert play(sandbox, url, "garbage", '{"id": "\ud800"}').body == b'{"id": "\xed\xa0\x80"}'


def test_bomb_answers_compressed_beyond_bearing(sandbox: PlainSandbox, url: str) -> None:
    """`bomb` is small enough to be read, and far too large once it is unpacked."""
    reply = play(sandbox, url, "bomb")
    assert reply.headers["content-encoding"] == "gzip"
    assert len(reply.body) < ANSWER_LIMIT < 100 * ANSWER_LIMIT < len(gzip.decompress(reply.body))


def test_drop_hangs_up_half_way(sandbox: PlainSandbox, url: str) -> None:
    """`drop` promises a whole answer and sends half of it."""
    reply = play(sandbox, url, "drop")
    assert len(reply.body) == int(reply.headers["content-length"]) // 2


def test_charset_answers_in_another_one(sandbox: PlainSandbox, url: str) -> None:
    """`charset` is a good answer in the codec that was named."""
    assert json.loads(play(sandbox, url, "charset", "utf-16").body.decode("utf-16")) == PLAIN


def test_echo_answers_with_what_it_was_sent(sandbox: PlainSandbox, url: str) -> None:
    """`echo` is an error whose text repeats every parameter, as chatty vendors do."""
    reply = play(sandbox, f"{url}?code={CANARY}", "echo")
    assert CANARY in json.loads(reply.body)["error_description"]


def test_repeat_names_every_member_twice(sandbox: PlainSandbox, url: str) -> None:
    """`repeat` is a good answer to whoever does not look closely."""
    pairs: list[tuple[str, object]] = json.loads(play(sandbox, url, "repeat").body, object_pairs_hook=list)
    assert pairs == [*PLAIN.items(), *PLAIN.items()]


@pytest.mark.parametrize("new", ["7", '"\\ud800"', "[]"])
def test_replace_puts_json_in_the_place_of_a_text(sandbox: PlainSandbox, url: str, new: str) -> None:
    """`replace` changes one value of a good answer, whatever its place."""
    reply = play(sandbox, url, "replace", json.dumps(["2088", new]))
    assert json.loads(reply.body) == {**PLAIN, "id": json.loads(new)}


def test_a_fault_that_finds_nothing_to_spoil_is_told(sandbox: PlainSandbox, url: str) -> None:
    """A test sees that what it prepared could not happen; the vendor is out of order meanwhile."""
    assert play(sandbox, url, "replace", '["nowhere", "1"]').status == 500
    assert [fault.kind for fault in sandbox.faults.misfired] == ["replace"]


def test_a_fault_that_nobody_knows_is_refused(sandbox: PlainSandbox, url: str) -> None:
    """A misspelt word never waits for a request that would use it up in silence."""
    with pytest.raises(ValueError, match=r"no fault unsinged; it knows .*unsigned"):
        sandbox.faults.add("unsinged")
    reply = ask(url.replace("/user", "/_sandbox/faults"), "POST", '{"kind": "unsinged"}')
    assert (reply.status, "unsinged" in json.loads(reply.body)["error"]) == (400, True)
    assert sandbox.faults.unused == 0


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        ("bomb", "", ProviderBadResponse),
        ("charset", "utf-16", ProviderBadResponse),
        ("drop", "", ProviderBadResponse),
        ("repeat", "", ProviderBadResponse),
        ("replace", '["2088", "{"]', ProviderBadResponse),
        ("delay", 0.5, ProviderTimeout),
        ("drip", 0.02, ProviderTimeout),
        ("truncate", "", ProviderBadResponse),
        ("status", 503, ProviderRefused),
        ("html", "", ProviderBadResponse),
        ("huge", "", ProviderBadResponse),
        ("gzip", "", ProviderBadResponse),
        ("redirect", "", ProviderBadResponse),
        ("empty", "", ProviderBadResponse),
        ("echo", "", ProviderRefused),
        ("garbage", "[" * 5000, ProviderBadResponse),
    ],
)
async def test_every_transport_fault_is_a_fault_for_the_way_out(
    sandbox: PlainSandbox, url: str, kind: str, value: object, error: type[ProviderFault]
) -> None:
    """A call through the pool that meets the fault ends with the error that it stands for."""
    assert kind in TRANSPORT_FAULTS
    sandbox.faults.add(kind, value)
    with pytest.raises(error):
        read_answer(await get(url, deadline=0.25), Quirks(), "token")
    assert sandbox.called("user.get") == 1


def test_no_transport_fault_lacks_a_test() -> None:
    """The list above is the kit's list."""
    marks = test_every_transport_fault_is_a_fault_for_the_way_out.pytestmark  # type: ignore[attr-defined]
    [parametrize] = [mark for mark in marks if mark.name == "parametrize"]
    assert {case[0] for case in parametrize.args[1]} == TRANSPORT_FAULTS


# the control routes and the pages


def test_faults_are_ordered_over_http(sandbox: PlainSandbox, url: str) -> None:
    """A browser test or a person at a terminal asks for faults as a test does."""
    control = url.replace("/user", "/_sandbox/faults")
    reply = ask(control, "POST", json.dumps({"kind": "status", "value": 503, "on": "user.get", "times": 2}))
    assert (reply.status, json.loads(reply.body)) == (201, {"waiting": 1})
    assert [ask(url).status for _ in range(3)] == [503, 503, 200]


@pytest.mark.parametrize(
    "order", ["", "[]", "{}", '{"kind": "status", "times": 0}', '{"kind": "status", "times": "x"}']
)
def test_an_order_that_makes_no_sense_is_refused(sandbox: PlainSandbox, url: str, order: str) -> None:
    """A misspelt order is told, and leaves nothing waiting."""
    assert ask(url.replace("/user", "/_sandbox/faults"), "POST", order).status == 400
    assert sandbox.faults.unused == 0


def test_calls_are_told_without_values(url: str) -> None:
    """What the sandbox was asked can be looked up; codes and tokens cannot."""
    ask(f"{url}?state=1&code={CANARY}")
    reply = ask(url.replace("/user", "/_sandbox/calls"))
    assert json.loads(reply.body) == [{"operation": "user.get", "parameters": ["code", "state"]}]


def test_the_consent_page_shows_everybody_escaped() -> None:
    """Names and titles are text on the page, whatever they hold."""
    sandbox = PlainSandbox(people=[Person("a", "<b>{0}"), Person('"b', "李华")])
    with serving(sandbox.app()) as base:
        page = ask(f"{base}/consent").body.decode()
    assert "<title>Acme &amp; &lt;Sons&gt;</title>" in page
    assert "&lt;b&gt;{0}" in page
    assert 'value="&quot;b"' in page
    assert "<b>" not in page
    assert "<script>" not in page


def test_what_people_see_can_be_read_by_everybody() -> None:
    """A language, a title, a main part with one heading, a name for every field; the error's text is text."""
    sandbox = PlainSandbox()
    with serving(sandbox.app()) as base:
        consent = ask(f"{base}/consent").body.decode()
    error = sandbox.error_page("系统错误", "<b>invalid-app-id")
    assert error.status_code == 400
    for text in (consent, bytes(error.body).decode()):
        page = ParsedPage(text)
        tags = [tag for tag, _ in page.elements]
        assert [tags.count(tag) for tag in ("title", "main", "h1")] == [1, 1, 1]
        assert (page.values("html", "lang"), page.unnamed) == (["zh-CN"], [])
        assert "<b>" not in text


def test_people_are_known_or_made_up(sandbox: PlainSandbox) -> None:
    """Everybody has an account at a sandbox's vendor; those it ships differ in what a shop must cope with."""
    assert sandbox.find_person("lihua") is PEOPLE[0]
    assert sandbox.find_person("somebody") == Person("somebody", "somebody")
    assert {person.sex for person in PEOPLE} == {0, 1, None}


def test_a_fault_for_no_operation_of_the_sandbox_is_refused() -> None:
    """It would wait for ever; a sandbox that names no operations takes any name."""
    with pytest.raises(ValueError, match="this sandbox has no operation tokn; it has token, userinfo"):
        FaultScript(["error"], ["token", "userinfo"]).add("error", on="tokn")
    FaultScript(["error"]).add("error", on="tokn")
    FaultScript(["error"], ["token"]).add("error", on="token")
