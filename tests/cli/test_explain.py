"""`connect-login explain`: the story of real logins, from the service's own log and the events that it stored."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from connect_core.cli import app
from connect_core.harness import Visitor
from connect_core.store import Database, bulk

from ..kit.web_shops import HTML, TOKEN, served


@dataclass
class History:
    """A shop's logins: the request id of each by what became of it, the configuration, and the log."""

    config: str
    log: str
    ids: dict[str, str] = field(default_factory=dict)
    spendable: set[str] = field(default_factory=set)

    def explain(self, *arguments: str, **options: Any) -> Result:
        """Run the command in this process."""
        return CliRunner().invoke(app, ["explain", *arguments, "--config", self.config], **options)

    def tell(self, name: str, *arguments: str) -> str:
        """The story of a login, which must be known."""
        result = self.explain(self.ids[name], "--log", self.log, *arguments)
        assert result.exit_code == 0, result.output
        return result.stdout


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Logins with Alipay: chosen, seen again, refused, during an outage, and one that nobody came back from."""
    folder = tmp_path_factory.mktemp("explained")
    past = History(str(folder / "connect.toml"), str(folder / "told"))
    with served(folder, service={"first_login": "choose"}) as service:
        with Visitor(service) as visitor:  # type: ignore[arg-type]  # url is all that it reads here
            past.ids["asked"] = _come_back(past, visitor)
            form = {"decision": "register"}
            chosen = visitor.http.post("/connect/first-login", data=form, headers={"origin": service.url})
            past.ids["chosen"] = chosen.headers["x-request-id"]
            past.ids["again"] = _come_back(past, visitor)
            service.sandboxes["alipay"].faults.add("error", "isv.app-auth-invalid", on=TOKEN)
            past.ids["vendor"] = _come_back(past, visitor)
            begun = visitor.http.get("/connect/alipay/pc/login")
            past.ids["left"] = begun.headers["x-request-id"]
        with Visitor(service) as stranger:  # type: ignore[arg-type]  # as above
            callback = f"/connect/alipay/pc/callback?state={'x' * 32}&auth_code=somecode"
            refused = stranger.http.get(callback, headers=HTML)
            past.ids["refused"] = refused.headers["x-request-id"]
            assert past.ids["refused"] in refused.text
    return past


def _come_back(past: History, visitor: Visitor) -> str:
    callback = visitor.consent(visitor.begin("alipay", "pc"))
    past.spendable |= set(callback.partition("?")[2].replace("&", "=").split("=")[1::2])
    return str(visitor.http.get(callback).headers["x-request-id"])


def test_a_login_is_told_from_its_start(history: History) -> None:
    """Start, callback, and the choice at a first login are three requests and one story, from each of them."""
    stories = {history.tell(name) for name in ("asked", "chosen")}
    [story] = stories
    lines = [line for line in story.splitlines() if not line.startswith(" ")]
    assert [line[21:].partition(",")[0].partition(":")[0] for line in lines] == [
        "A login with alipay on pc was started",
        "Nobody was known by this identity with alipay on pc",
        "Nobody was known by this identity",
        "The ALIPAY identity was linked to member 1.",
        "Member 1 was logged in with alipay on pc",
    ]


def test_a_returning_member_has_a_story_of_their_own(history: History) -> None:
    """Two logins of one browser and one person are not mixed up."""
    story = history.tell("again")
    assert "was registered" not in story
    assert story.count("was started") == 1
    assert story.count("If you ask the vendor, quote: trace=") == 1
    assert f"(request {history.ids['again']})" in story


def test_a_refusal_says_what_it_means_and_what_to_do(history: History) -> None:
    """The code, its meaning, the reason, and the operator's part, as the page of errors has them."""
    story = history.tell("refused")
    assert "refused with state_invalid (400)" in story
    assert "issued to another browser" in story
    assert "Reason: the flow of this state is not this browser's: it sent no cookie." in story
    assert "Check that `public_url` is the address in the browser" in story
    assert "was started" not in story


def test_a_vendors_refusal_can_be_quoted_to_the_vendor(history: History) -> None:
    """Its code and its trace id stand in the story, after the start of the same login."""
    story = history.tell("vendor")
    assert "was started" in story
    assert "If you ask the vendor, quote: " in story
    assert "isv.app-auth-invalid" in story


def test_a_login_that_nobody_came_back_from(history: History) -> None:
    """Silence is told as what it is."""
    assert "nobody came back from the vendor" in history.tell("left")


def test_nothing_spendable_is_told(history: History) -> None:
    """No code and no state of any login, in words or in JSON."""
    told = "".join(history.tell(name, "--json") + history.tell(name) for name in history.ids)
    assert [text for text in history.spendable if len(text) >= 8 and text in told] == []


def test_json_holds_lines_events_and_story(history: History) -> None:
    """A program gets the fields, and the ids of all requests of the login."""
    told = json.loads(history.tell("chosen", "--json"))
    assert {history.ids["asked"], history.ids["chosen"]} < set(told["requests"])
    assert [event["kind"] for event in told["events"]] == ["registered", "bound", "logged_in"]
    assert {line["event"] for line in told["lines"]} >= {"login_started", "choice_needed", "logged_in"}
    assert len(told["story"]) == 5


def test_the_log_may_come_by_a_pipe(history: History) -> None:
    """As from journalctl, also with another program's prefix and lines in between."""
    text = "\n".join(f"Nov 28 shop[1]: {line}\nsomething else" for line in Path(history.log).read_text().splitlines())
    piped = history.explain(history.ids["asked"], "--log", "-", input=text)
    assert (piped.exit_code, piped.stdout) == (0, history.tell("asked"))


def test_without_a_log_the_events_are_told(history: History) -> None:
    """What succeeded is in the database, and a note says what is missing."""
    told = history.explain(history.ids["again"])
    assert told.exit_code == 0
    assert "Member 1 was logged in" in told.stdout
    assert "--log FILE" in told.stderr
    assert history.explain(history.ids["refused"]).exit_code == 1


def test_an_unknown_request_says_where_was_looked(history: History) -> None:
    """Exit code 1: the log with its times, the events, and what an id looks like."""
    result = history.explain("0" * 16, "--log", history.log)
    assert (result.exit_code, result.stdout) == (1, "")
    for part in ("es_connect_event has no event of it", history.log, "16 hexadecimal digits", "X-Request-ID"):
        assert part in result.stderr


def test_a_database_that_is_away_hides_no_log(history: History, tmp_path: Path) -> None:
    """The story of the log is told, with the reason why the events are missing."""
    url = f"sqlite:///{Path(history.config).parent}/connect.db"
    text = Path(history.config).read_text().replace(url, "postgresql+psycopg://shop@127.0.0.1:1/shop")
    (tmp_path / "connect.toml").write_text(text)
    command = ["explain", history.ids["refused"], "--log", history.log, "--config", str(tmp_path / "connect.toml")]
    result = CliRunner().invoke(app, command)
    assert (result.exit_code, "state_invalid" in result.stdout) == (0, True)
    assert "could not be read" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        ([], "a request id, or --identity"),
        (["8c1f0a7be2d95346", "--identity", "ALIPAY:user_id:1"], "a request id, or --identity"),
        (["8C1F"], "16 hexadecimal digits"),
        (["--identity", "2088123456789012"], "ALIPAY:user_id:2088123456789012"),
        (["--identity", "ALIPAY:userid:2088"], "user_id, union_id, open_id"),
        (["--identity", "ALIPAY:user_id: "], "1 to 255 characters"),
        (["--identity", "ALIPAY:open_id:o1"], "--scope APP_ID"),
        (["--identity", "ALIPAY:user_id:1", "--identity", "WECHAT:union_id:1"], "one union type"),
        (["--identity", "ALIPAY:user_id:1", "--scope", "a", "--scope", "b"], "once for each --identity"),
        (["--identity", "NOBODY:user_id:1"], "no configured provider"),
        (["8c1f0a7be2d95346", "--log", "/no/such/file"], "No such file"),
    ],
)
def test_a_bad_form_is_shown_a_good_one(history: History, arguments: list[str], mistake: str) -> None:
    """One line, which the command's `main` prints with exit code 2."""
    result = history.explain(*arguments)
    assert result.exit_code == 1
    assert mistake in str(result.exception)


def test_a_person_is_told_by_which_rule(history: History) -> None:
    """The member and the id that decides; somebody unknown is asked here, and exit code 1 says that nobody is known."""
    [union_id] = [line["union_id"] for line in _connections(history)]
    known = history.explain("--identity", f"alipay:user_id:{union_id}")
    assert known.exit_code == 0
    assert "This person is member 1" in known.stdout
    assert "Rule: the strongest id that is known decides, in the order user_id, union_id, open_id." in known.stdout
    assert f"Here that is user_id {union_id}, of connection 1 of member 1." in known.stdout
    unknown = history.explain("--identity", "ALIPAY:user_id:2088000000000000", "--json")
    assert unknown.exit_code == 1
    told = json.loads(unknown.stdout)
    assert (told["outcome"], told["people"], told["unknown"][0]["kind"]) == ("unknown", [], "user_id")
    assert 'first_login is "choose"' in told["story"][0]


def _connections(history: History) -> list[dict[str, Any]]:
    database = Database(f"sqlite:///{Path(history.config).parent}/connect.db")
    rows = database.read_blocking(lambda tx: bulk.find_rows(tx, "es_connect"))
    database.close()
    return list(rows)
