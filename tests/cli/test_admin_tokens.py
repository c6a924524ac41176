"""`connect-login admin token`: what an operator types and reads; the rules are tested with the management API."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from connect_core.cli import app
from connect_core.cli.serve import init
from connect_core.crypto import token_hash
from connect_core.errors import ConnectError
from connect_core.store import Database
from connect_core.store.schema.upgrade import upgrade_schema

from ..kit.acme import execute


class Shop:
    """A shop without a token."""

    def __init__(self, folder: Path) -> None:
        init(folder)
        self._config, self.url = folder / "connect.toml", f"sqlite:///{folder / 'connect.db'}"
        with closing(Database(self.url)) as database:
            upgrade_schema(database)

    def __call__(self, line: str) -> Result:
        """Run a command."""
        return CliRunner().invoke(app, ["admin", "token", *line.split(), "--config", str(self._config)])


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The shop."""
    return Shop(tmp_path)


def test_a_token_is_shown_once_and_stored_as_a_hash(shop: Shop) -> None:
    """Standard output has the token alone; the database its hash, scopes and end; lists never show it."""
    created = shop("create desk --scope members:read --scope audit:read --expires 2h --operator li")
    token = created.stdout.strip()
    assert (created.exit_code, token.startswith("cla_"), len(token)) == (0, True, 47)
    assert "members:read" in created.stderr
    [row] = execute(shop.url, "SELECT * FROM es_admin_token")
    assert (row["token_hash"], row["scopes"], row["actor"]) == (token_hash(token), "audit:read members:read", "li")
    assert row["expiry_time"] - row["create_time"] == 7200
    listed = shop("list")
    assert "desk  active" in listed.stdout
    assert "never used" in listed.stdout
    [shown] = json.loads(shop("list --json").stdout)
    assert (shown["name"], shown["scopes"]) == ("desk", ["audit:read", "members:read"])
    assert token not in listed.stdout
    [record] = execute(shop.url, "SELECT actor, via, action, target FROM es_admin_audit")
    assert tuple(record.values()) == ("li", "command", "token.created", "token desk")


def test_a_token_is_revoked_once(shop: Shop) -> None:
    """Afterwards it is listed as revoked, and its name is free; a second time there is nothing to revoke."""
    shop("create desk --scope audit:read")
    assert shop("revoke desk").stdout == "desk is revoked\n"
    assert "desk  revoked" in shop("list").stdout
    assert isinstance(shop("revoke desk").exception, ConnectError)
    assert shop("create desk --scope audit:read").exit_code == 0


@pytest.mark.parametrize(
    "line",
    [
        "create desk --scope audit:read --expires often",
        "create desk --scope audit:read --expires 0",
        "create -- -desk --scope audit:read",
        "create desk --scope everything",
        "create desk",
        "create taken --scope audit:read",
    ],
)
def test_a_token_that_would_be_useless_is_refused(shop: Shop, line: str) -> None:
    """A lifetime, a name, a scope; and no second active token of a name, which the audit log could not tell apart."""
    shop("create taken --scope audit:read")
    before = execute(shop.url, "SELECT * FROM es_admin_token")
    assert shop(line).exit_code != 0
    assert execute(shop.url, "SELECT * FROM es_admin_token") == before
