"""Commands that list something, on a database that has nothing of it: an empty list is no failure."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from connect_core.cli import app
from connect_core.cli.serve import init

from ..kit.acme import execute

EMPTY: dict[str, tuple[str, Any]] = {
    "members conflicts": ("there is no conflict to resolve", []),
    "members sessions 1": ("the member is logged in nowhere", []),
    "events list": ("no delivery was found", []),
    "events list --state dead --endpoint crm": ("no delivery was found", []),
    "events endpoints": ("there is no endpoint", []),
    "settings history": ("the database has no settings: those of connect.toml apply", []),
    "admin list": ("there is no administrator; connect-login admin create makes one", []),
    "admin token list": ("there is no token; connect-login admin token create makes one", []),
}
"""Each with what it prints for a person, and as JSON."""
LOOKS_UP = {
    "members find": "1 where nobody was found",
    "doctor": "its exit code is how bad the worst is",
    **dict.fromkeys(["plugin list", "providers"], "never empty"),
}
"""Commands whose help says that they list or find, and that no row of `EMPTY` runs."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a member, and nothing else."""
    path = tmp_path_factory.mktemp("shop")
    init(path)
    config = path / "connect.toml"
    config.write_text(config.read_text("utf-8").replace("[service]", '[service]\nsettings = "database"', 1), "utf-8")
    assert invoke(path, "db upgrade").exit_code == 0
    execute(f"sqlite:///{path / 'connect.db'}", "INSERT INTO es_member (uname) VALUES ('m_lihua')")
    return path


def invoke(folder: Path, line: str) -> Result:
    """Run a command on the shop."""
    return CliRunner().invoke(app, [*line.split(), "--config", str(folder / "connect.toml")])


@pytest.mark.parametrize("line", EMPTY)
def test_an_empty_list_is_no_failure(folder: Path, line: str) -> None:
    """A person reads one sentence, a program an empty list; both on standard output, and the exit code is 0."""
    text, value = EMPTY[line]
    answer = invoke(folder, line)
    assert (answer.exit_code, answer.stdout, answer.stderr) == (0, f"{text}\n", "")
    answer = invoke(folder, f"{line} --json")
    assert (answer.exit_code, json.loads(answer.stdout), answer.stderr) == (0, value, "")


def test_nobody_found_is_one(folder: Path) -> None:
    """Whoever looks a member up learns from the exit code that there is none."""
    assert invoke(folder, "members find m_nobody").exit_code == 1
    answer = invoke(folder, "members find m_nobody --json")
    assert (answer.exit_code, json.loads(answer.stdout)) == (1, [])
    assert invoke(folder, "members find m_lihua").exit_code == 0


def test_no_list_is_forgotten() -> None:
    """A command that says it lists something is run above, or says there why it is not."""
    lists = {name for name, text in find_commands(typer.main.get_command(app)) if text.startswith(("List ", "Find "))}
    assert lists - {" ".join(line.split("--")[0].rstrip(" 1").split()) for line in EMPTY} == set(LOOKS_UP)


def find_commands(group: Any, name: str = "") -> list[tuple[str, str]]:
    """Each command's name, and what its help begins with."""
    if not hasattr(group, "commands"):
        return [(name, group.help or "")]
    return [row for key, each in group.commands.items() for row in find_commands(each, f"{name} {key}".strip())]
