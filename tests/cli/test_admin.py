"""`connect-login admin`: what an operator types and reads, with exit codes; the rules are in `administrators`."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from connect_core.cli import admin
from connect_core.cli.serve import init
from connect_core.errors import ConnectError
from connect_core.store import Database
from connect_core.store.schema.upgrade import upgrade_schema

Admin = Callable[..., Result]


@pytest.fixture
def run_admin(tmp_path: Path) -> Admin:
    """Run `connect-login admin ...` on a shop of its own; `password` comes through a pipe."""
    init(tmp_path)
    with closing(Database(f"sqlite:///{tmp_path / 'connect.db'}")) as database:
        upgrade_schema(database)

    def run(*arguments: str, password: str = "") -> Result:
        return CliRunner().invoke(admin.app, [*arguments, "--config", str(tmp_path / "connect.toml")], input=password)

    return run


def complaint(result: Result) -> str:
    """What `connect-login` prints on standard error, with exit code 2."""
    assert isinstance(result.exception, ConnectError), result.output
    return str(result.exception)


def test_the_first_operator_is_created_by_a_command(run_admin: Admin) -> None:
    """The secret is printed once, as text, address and QR code, and is in no list."""
    created = run_admin("create", "li", "--role", "operator", password="right horse battery\n")
    lines = created.stdout.splitlines()
    assert lines[0] == "li is created with the role operator"
    secret = lines[1].removeprefix("secret of the one-time passwords: ")
    assert lines[2].startswith(f"otpauth://totp/connect-login:li?secret={secret}")
    assert "▄" in created.stdout
    [listed] = json.loads(run_admin("list", "--json").stdout)
    assert (listed["name"], listed["role"], listed["state"], listed["has_totp"]) == ("li", "operator", "active", True)
    assert secret not in str(listed)
    reset = run_admin("reset-totp", "li").stdout
    assert "otpauth://totp/connect-login:li?secret=" in reset
    assert secret not in reset


def test_what_cannot_be_done_is_one_line(run_admin: Admin) -> None:
    """A weak password, a name that is taken, the last operator, nobody: nothing is written, exit code 2."""
    arguments = ("create", "li", "--role", "operator")
    weak = run_admin(*arguments, password="password\n")
    assert complaint(weak) == "password: this is one of the passwords that are guessed first"
    assert complaint(run_admin("create", "l i", "--role", "viewer")).startswith("a name has at most 48 letters")
    assert json.loads(run_admin("list", "--json").stdout) == []
    assert run_admin(*arguments, password="right horse battery\n").exit_code == 0
    taken = run_admin(*arguments, password="right horse battery\n")
    assert complaint(taken) == "there is an administrator of this name"
    last = "nobody else is an operator; make somebody one first"
    assert complaint(run_admin("disable", "li")) == last
    assert complaint(run_admin("set-role", "li", "--role", "viewer")) == last
    assert complaint(run_admin("enable", "nobody")) == "there is no administrator of this name"


def test_an_operator_helps_an_administrator(run_admin: Admin) -> None:
    """Another password, another role, disabled and enabled: each is said."""
    for name in ("li", "wang"):
        run_admin("create", name, "--role", "operator", password="right horse battery\n")
    assert run_admin("set-password", "wang", password="another horse battery\n").stdout == "wang has another password\n"
    assert run_admin("set-role", "wang", "--role", "support").stdout == "wang has the role support\n"
    assert run_admin("disable", "wang").stdout == "wang is disabled\n"
    assert "wang  support  disabled  never" in run_admin("list").stdout
    assert run_admin("enable", "wang").stdout == "wang is enabled\n"
