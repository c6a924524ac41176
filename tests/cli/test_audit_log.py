"""Every command that changes something for an operator is in the audit log: all commands there are, one by one."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from connect_core.cli import RENAMED_COMMANDS, app
from connect_core.cli.serve import init

from ..kit.acme import execute
from ..kit.old_shops import old_shop
from ..kit.receiver import SECRET, receiving

CHANGES_NOTHING = {
    **dict.fromkeys(["doctor", "providers", "explain"], "reads, and notes when it ran"),
    **dict.fromkeys(["plugin list", "plugin explain", "pages catalogue", "keys generate", "keys webhook"], "prints"),
    **dict.fromkeys(["init", "plugin new", "plugin wire"], "writes files of whoever runs it"),
    **dict.fromkeys(["demo", "sandbox", "plugin check"], "works on a shop of its own"),
    "serve": "is the service; what operators do in it is recorded there",
    **dict.fromkeys(["db check", "settings diff", "settings history"], "reads"),
    **dict.fromkeys(["admin list", "admin token list", "events list", "events endpoints"], "reads"),
    **dict.fromkeys(["members find", "members show", "members conflicts"], "reads"),
}
"""Commands of which nothing is recorded, each with the reason."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A command with its arguments, what stands in the audit log afterwards, and what comes through a pipe."""

    command: str
    arguments: str
    action: str
    target: str
    piped: str = ""
    has_config: bool = True


PASSWORD = "right horse battery\n"
RECORDED = (
    Recorded("db upgrade", "", "database.upgraded", "database"),
    Recorded(
        "db copy", "--from {url} --to sqlite:///{folder}/copy.db", "database.copied", "database", has_config=False
    ),
    Recorded("keys rotate", "", "keys.rotated", "keys"),
    Recorded("import javashop", "--from sqlite:///{folder}/old.db", "members.imported", "members"),
    Recorded("import ids", "--from {folder}/ids.csv", "members.ids_moved", "members"),
    Recorded("admin create", "li --role operator", "administrator.created", "administrator li", PASSWORD),
    Recorded("admin create", "wang --role operator", "administrator.created", "administrator wang", PASSWORD),
    Recorded("admin disable", "li", "administrator.disabled", "administrator li"),
    Recorded("admin enable", "li", "administrator.enabled", "administrator li"),
    Recorded("admin set-role", "li --role viewer", "administrator.role_changed", "administrator li"),
    Recorded("admin set-password", "li", "administrator.password_set", "administrator li", f"other {PASSWORD}"),
    Recorded("admin reset-totp", "li", "administrator.totp_reset", "administrator li"),
    Recorded("admin token create", "ci --scope audit:read", "token.created", "token ci"),
    Recorded("admin token revoke", "ci", "token.revoked", "token ci"),
    Recorded("settings import", "{folder}/settings.toml", "settings.activated", "limits"),
    Recorded("settings export", "--secrets", "settings.exported", "settings"),
    Recorded("settings rollback", "0", "settings.activated", "limits"),
    Recorded("members sessions", "1 --end all", "member.sessions_ended", "member 1"),
    Recorded("members disable", "1", "member.disabled", "member 1"),
    Recorded("members enable", "1", "member.enabled", "member 1"),
    Recorded("members resolve", "1 --keep", "member.conflict_kept", "member 1"),
    Recorded("members unbind", "1 ALIPAY --force", "member.unbound", "member 1"),
    Recorded("members export", "1", "member.exported", "member 1"),
    Recorded("members erase", "1 --yes", "member.erased", "member 1"),
    Recorded("events test", "crm", "webhook.tested", "webhooks.crm"),
    Recorded("events enable", "crm", "webhook.enabled", "webhooks.crm"),
    Recorded("events replay", "1", "webhook.replayed", "webhooks"),
    Recorded("events replay", "--dead --endpoint crm", "webhook.replayed", "webhooks.crm"),
)
ROWS = (
    "INSERT INTO es_member (uname) VALUES ('m_lihua'), ('m_wang')",
    "INSERT INTO es_connect (member_id, union_type, union_id) VALUES (1, 'ALIPAY', 'a'), (2, 'ALIPAY', 'b')",
    (
        "INSERT INTO es_member_session (member_id, connect_id, client_type, family, token_hash, create_time, seen_time,"
        " expiry_time) VALUES (1, 1, 'pc', 'f', 'h', 1, 1, 9999999999)"
    ),
    (
        "INSERT INTO es_connect_event (kind, member_id, connect_id, provider, client_type, union_type, subject_hash,"
        " request_id, create_time, detail)"
        " VALUES ('identity_conflict', 1, 1, 'alipay', 'mini', 'ALIPAY', '', '', 1, 'members 2')"
    ),
    (
        "INSERT INTO es_webhook_delivery (endpoint, event_id, member_id, state, retry_time, create_time, end_time,"
        " last_error) VALUES ('crm', 1, 1, 'delivered', 1, 1, 1, ''), ('crm', 2, 1, 'dead', 1, 1, 1, '')"
    ),
    "INSERT INTO es_webhook_endpoint (name, state, disabled_time) VALUES ('crm', 'disabled', 1)",
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A shop without tables, an old shop, a receiver, and the files that commands read."""
    init(tmp_path)
    (tmp_path / "settings.toml").write_text("[limits]\nvendor_calls = 7\n", "utf-8")
    (tmp_path / "ids.csv").write_text("old-1,new-1\n", "utf-8")
    with receiving() as receiver, old_shop(f"sqlite:///{tmp_path / 'old.db'}"):
        webhook = f'[webhooks.crm]\nurl = "{receiver.url}"\nsecrets = ["{SECRET}"]\nallow_private = true\n'
        path = tmp_path / "connect.toml"
        text = path.read_text("utf-8").replace("[service]", '[service]\nsettings = "database"', 1)
        path.write_text(text + webhook, "utf-8")
        yield tmp_path


def test_every_command_that_changes_something_is_recorded(folder: Path) -> None:
    """With who did it, what, and that it was a command; a copy of the database has the record of the copy as well."""
    url = f"sqlite:///{folder / 'connect.db'}"
    number = 0
    for case in RECORDED:
        run(case, folder, url)
        records = execute(url, "SELECT * FROM es_admin_audit ORDER BY id")
        made = [(row["actor"], row["via"], row["action"], row["target"]) for row in records[number:]]
        assert {row[:2] for row in made} == {("auditor", "command")}, case
        assert made[-1][2:] == (case.action, case.target)
        number = len(records)
        if case.command == "db upgrade":
            for statement in ROWS:
                execute(url, statement)
    copied = execute(f"sqlite:///{folder / 'copy.db'}", "SELECT action FROM es_admin_audit ORDER BY id")
    assert [row["action"] for row in copied] == ["database.upgraded", "database.copied"]


def run(case: Recorded, folder: Path, url: str) -> None:
    """Run a command as the operator `auditor`."""
    arguments = shlex.split(case.arguments.format(folder=folder, url=url))
    config = ["--config", str(folder / "connect.toml")] if case.has_config else []
    line = [*case.command.split(), *arguments, "--operator", "auditor", *config]
    result = CliRunner().invoke(app, line, input=case.piped)
    assert result.exit_code == 0, (line, result.output, result.exception)


def test_no_command_is_forgotten() -> None:
    """Each is among those that are recorded or has a reason why it is not; a new one has to be put into a list."""
    recorded = {case.command for case in RECORDED}
    assert recorded.isdisjoint(CHANGES_NOTHING)
    assert {*find_commands(typer.main.get_command(app))} - set(RENAMED_COMMANDS) == recorded | CHANGES_NOTHING.keys()


def find_commands(command: Any, names: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command that does something, with the groups that it is in."""
    if not hasattr(command, "commands"):
        yield " ".join(names)
        return
    for name in command.commands:
        yield from find_commands(command.commands[name], (*names, name))
