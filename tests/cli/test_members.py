"""`connect-login members`: what an operator types and reads, with exit codes; the rules are tested in `members`."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from connect_core.cli import app, member_tables, members
from connect_core.cli.serve import init
from connect_core.display import shorten
from connect_core.store import Database, audit, bulk
from connect_core.store.models import Member
from connect_core.store.schema.upgrade import upgrade_schema

from ..kit.acme import execute
from ..kit.commands import run


def plant(url: str) -> None:
    """A member with an Alipay id, as a login leaves it."""
    with closing(Database(url)) as database:
        upgrade_schema(database)
    execute(url, f"INSERT INTO {Member.__tablename__} (uname, nickname, mobile) VALUES ('m_lihua', '李华', '139')")
    execute(
        url,
        "INSERT INTO es_connect (member_id, union_type, union_id, profile) VALUES (1, 'ALIPAY', '2088-lihua', '{}')",
    )
    execute(
        url,
        "INSERT INTO es_connect_alias (connect_id, union_type, kind, value)"
        " VALUES (1, 'ALIPAY', 'user_id', '2088-lihua')",
    )


def test_an_operator_exports_and_erases(config: str, empty: str) -> None:
    """All is printed, then all is gone; erasing again says so; the database is sound on each engine."""
    plant(empty)
    code, told, complaints = run("members", "export", "1", "--config", config)
    assert (code, complaints) == (0, [])
    held = json.loads("\n".join(told))
    assert (held["member"]["mobile"], held["connections"][0]["ids"][0]["value"]) == ("139", "2088-lihua")
    assert run("members", "erase", "1", "--yes", "--config", config) == (0, ["member 1 is erased"], [])
    assert run("members", "erase", "1", "--yes", "--config", config) == (0, ["member 1 was erased before"], [])
    with closing(Database(empty)) as database:
        left = [
            database.read_blocking(lambda tx, name=name: bulk.find_rows(tx, name))
            for name in ("es_connect", "es_member")
        ]
        events = database.read_blocking(lambda tx: bulk.find_rows(tx, "es_connect_event"))
        records = database.read_blocking(lambda tx: audit.find_records(tx, 10))
    assert left[0] == []
    assert "lihua" not in str(left)
    assert [(row["kind"], row["subject_hash"]) for row in events] == [("erased", "")]
    assert [(record.via, record.action, record.target) for record in records] == [
        ("command", "member.erased", "member 1"),
        ("command", "member.exported", "member 1"),
    ]
    assert run("db", "check", "--config", config)[0] == 0


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Callable[..., Result]]:
    """A shop with `plant`'s member, logged in twice, and a function that runs `members` on it in this process."""
    init(tmp_path)
    url = f"sqlite:///{tmp_path / 'connect.db'}"
    plant(url)
    for place, client in enumerate(("pc", "app"), 1):
        execute(
            url,
            "INSERT INTO es_member_session (member_id, connect_id, client_type, family, token_hash, create_time,"
            f" seen_time, expiry_time) VALUES (1, 1, '{client}', 'family-{place}', 'h{place}', 1, 1, 9999999999)",
        )
    runner = CliRunner()
    return lambda line, **options: runner.invoke(
        app, ["members", *line.split(), "--config", str(tmp_path / "connect.toml")], **options
    )


def test_an_operator_finds_shows_and_changes(shop: Callable[..., Result]) -> None:
    """In columns for people, as JSON for programs; each change is one line that says what is so now."""
    assert shop("find 李").output.splitlines()[1].split() == ["1", "m_lihua", "李华", "139", "active"]
    assert [member["id"] for member in json.loads(shop("find 2088-lihua --union-type alipay --json").output)] == [1]
    nobody = shop("find nobody")
    assert (nobody.exit_code, nobody.output) == (1, "nobody was found\n")
    shown = shop("show 1").output
    assert "20…ua" in shown
    assert "2088-lihua" not in shown
    assert "2088-lihua" in shop("show 1 --full").output
    assert "2088-lihua" not in shop("show 1 --json").output
    assert [line.split()[0] for line in shop("sessions 1").output.splitlines()] == ["id", "family-1", "family-2"]
    assert shop("sessions 1 --end family-2").output == "1 session of member 1 ended\n"
    assert json.loads(shop("sessions 1 --end all --json").output) == {"id": 1, "ended": 1}
    assert shop("disable 1 --reason spam --operator li").output == "member 1 is disabled\n"
    assert json.loads(shop("disable 1 --json").output) == {"id": 1, "state": "disabled", "changed": False}
    assert "operator li: spam" in shop("show 1").output
    assert shop("enable 1").output == "member 1 is enabled\n"
    last = shop("unbind 1 ALIPAY")
    assert "--force unbinds it all the same" in str(last.exception)
    assert shop("unbind 1 alipay --force --reason lost").output == "ALIPAY is unbound from member 1\n"


@pytest.fixture
def conflict(tmp_path: Path, shop: Callable[..., Result]) -> str:
    """A second member, whose id a login of the first one brought along; the number of that event."""
    url = f"sqlite:///{tmp_path / 'connect.db'}"
    execute(url, "INSERT INTO es_member (uname, nickname) VALUES ('m_lihua2', '李华')")
    execute(url, "INSERT INTO es_connect (member_id, union_type, union_id) VALUES (2, 'ALIPAY', 'open-of-lihua')")
    execute(
        url,
        "INSERT INTO es_connect_alias (connect_id, union_type, kind, scope, value)"
        " VALUES (2, 'ALIPAY', 'open_id', '2021', 'open-of-lihua')",
    )
    execute(
        url,
        "INSERT INTO es_connect_event (kind, member_id, connect_id, provider, client_type, union_type, subject_hash,"
        " request_id, create_time, detail)"
        " VALUES ('identity_conflict', 1, 1, 'alipay', 'mini', 'ALIPAY', '', '', 1, 'members 2')",
    )
    return str(execute(url, "SELECT max(id) AS latest FROM es_connect_event")[0]["latest"])


def test_an_operator_resolves_a_conflict(shop: Callable[..., Result], conflict: str) -> None:
    """It is listed and shown with shortened ids; the decision asks for one way, and for --force where it locks out."""
    assert shop("conflicts").output.splitlines()[1].split()[-2:] == ["1,", "2"]
    shown = shop(f"conflicts {conflict}").output
    assert "ope…hua" in shown
    assert "open-of-lihua" not in shown
    assert "open-of-lihua" in shop(f"conflicts {conflict} --full --json").output
    for line in ("", "--keep --to 1"):
        assert "either --to MEMBER or --keep" in str(shop(f"resolve {conflict} {line}").exception)
    assert "none of those" in str(shop(f"resolve {conflict} --to 7").exception)
    assert "--force ends it all the same" in str(shop(f"resolve {conflict} --to 1").exception)
    done = shop(f"resolve {conflict} --to 1 --force --reason asked --operator li")
    assert done.output == f"conflict {conflict}: the identity is member 1's\n"
    assert [member["id"] for member in json.loads(shop("find open-of-lihua --json").output)] == [1]
    assert "resolved" in str(shop(f"resolve {conflict} --keep").exception)
    none = shop("conflicts")
    assert (none.exit_code, none.output) == (0, "there is no conflict to resolve\n")


def test_a_conflict_is_kept(shop: Callable[..., Result], conflict: str) -> None:
    """Both members stay as they are."""
    assert shop(f"resolve {conflict} --keep").output == f"conflict {conflict}: kept as it is\n"
    assert json.loads(shop("conflicts --json").output) == []
    assert "ope…hua" in shop("show 2").output


def test_an_erasure_asks_or_takes_yes(shop: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal it is refused; on one, it names the member, and only `y` erases."""
    assert "there is no terminal: give --yes" in str(shop("erase 1", input="y\n").exception)
    monkeypatch.setattr(members, "_is_terminal", lambda: True)
    refused = shop("erase 1", input="\n")
    assert refused.exit_code == 1
    assert "Erase member 1 (m_lihua, 李华)? It cannot be undone." in refused.output
    assert "nothing was erased" in refused.output
    assert "李华" in shop("show 1").output
    assert "member 1 is erased" in shop("erase 1", input="y\n").output
    assert json.loads(shop("erase 1 --yes --json").output) == {"id": 1, "state": "erased", "changed": False}


def test_names_from_vendors_move_no_cursor() -> None:
    """A nickname is shown in its column, whatever is in it."""
    rows = [{"id": 1, "uname": "m_1", "nickname": "a\x1b[2Jb", "mobile": "", "state": "active"}]
    assert "\x1b" not in "".join(member_tables.list_members(rows))


@pytest.mark.parametrize(
    ("text", "shortened"), [("2088102104794936", "2088…4936"), ("o-77", "o…7"), ("abc", "…"), ("", "…")]
)
def test_a_shortened_id_hides_its_middle(text: str, shortened: str) -> None:
    """However short it is."""
    assert shorten(text) == shortened


def test_a_member_who_never_was_is_one_line(config: str, empty: str) -> None:
    """Exit 2, and nothing is written."""
    plant(empty)
    for command in ("export 7", "erase 7 --yes", "show 7", "disable 7"):
        code, told, [complaint] = run("members", *command.split(), "--config", config)
        assert (code, told) == (2, [])
        assert complaint.endswith(("such a member", "no such member"))


def test_a_database_without_tables_is_told_what_to_run(config: str, tmp_path: Path) -> None:
    """As by every command."""
    code, _, [complaint] = run("members", "erase", "1", "--yes", "--config", config)
    assert code == 2
    assert "db upgrade" in complaint
    assert tmp_path.is_dir()
