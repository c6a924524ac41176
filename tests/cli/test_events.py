"""`connect-login events`: what an operator types and reads, with exit codes; the rules are tested in `events`."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from connect_core.cli import app
from connect_core.cli.serve import init
from connect_core.store import Database
from connect_core.store.schema.upgrade import upgrade_schema

from ..kit.acme import execute
from ..kit.receiver import SECRET, Receiver, receiving, status

DELIVERY = (
    "INSERT INTO es_webhook_delivery (endpoint, event_id, member_id, state, retry_time, create_time, end_time,"
    " last_error) VALUES ('shop', {0}, 7, '{1}', 100, 100, 200, '{2}')"
)
EVENT = (
    "INSERT INTO es_connect_event (id, kind, member_id, connect_id, provider, client_type, union_type, subject_hash,"
    " request_id, create_time, detail) VALUES (1, 'logged_in', 7, 1, 'acme', 'pc', 'ACME', '', 'r7', 100, '')"
)


class Shop:
    """A shop whose endpoint `shop` has a dead and a delivered delivery."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        init(folder)
        self.receiver = receiver
        self._config, self.url = folder / "connect.toml", f"sqlite:///{folder / 'connect.db'}"
        webhook = f'[webhooks.shop]\nurl = "{receiver.url}"\nsecrets = ["{SECRET}"]\nallow_private = true\n'
        self._config.write_text(self._config.read_text("utf-8") + webhook, "utf-8")
        with closing(Database(self.url)) as database:
            upgrade_schema(database)
        execute(self.url, EVENT)
        execute(self.url, DELIVERY.format(1, "dead", "http_500"))
        execute(self.url, DELIVERY.format(2, "delivered", ""))

    def __call__(self, line: str) -> Result:
        """Run a command."""
        return CliRunner().invoke(app, ["events", *line.split(), "--config", str(self._config)])

    def get_states(self) -> list[str]:
        """The states of the deliveries."""
        return [row["state"] for row in execute(self.url, "SELECT state FROM es_webhook_delivery ORDER BY id")]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """The shop, with a receiver."""
    with receiving() as receiver:
        yield Shop(tmp_path, receiver)


def test_an_operator_lists_deliveries_and_endpoints(shop: Shop) -> None:
    """In columns for people, as JSON for programs, filtered by state; a wrong state is told."""
    heading, line = shop("list --state dead").output.splitlines()
    assert heading.split() == ["id", "endpoint", "type", "member_id", "create", "state", "attempts", "last_error"]
    assert line.split() == ["1", "shop", "member.logged_in", "7", "1970-01-01T00:01:40Z", "dead", "0", "http_500"]
    listed = json.loads(shop("list --json").output)
    assert [(row["id"], row["type"], row["request_id"]) for row in listed] == [
        (2, "", ""),
        (1, "member.logged_in", "r7"),
    ]
    assert shop("list --endpoint other").output == "no delivery was found\n"
    assert "the state is one of pending, delivered, dead" in str(shop("list --state x").exception)
    [endpoint] = json.loads(shop("endpoints --json").output)
    assert (endpoint["name"], endpoint["state"], endpoint["dead"]) == ("shop", "active", 1)


def test_an_operator_replays(shop: Shop) -> None:
    """Single deliveries or all that are dead, with a record in the audit log; nothing is half done."""
    assert shop("replay --dead --endpoint shop --operator li").output == "1 delivery is sent again\n"
    assert shop.get_states() == ["pending", "delivered"]
    assert shop("replay 1 2 --reason lost").output == "1 delivery is sent again\n"
    assert shop.get_states() == ["pending", "pending"]
    assert "give ids, or --dead" in str(shop("replay").exception)
    assert "give ids, or --dead" in str(shop("replay 1 --dead").exception)
    assert "there is no such delivery" in str(shop("replay 99").exception)
    assert "there is no endpoint 'x'; there are: shop" in str(shop("replay --dead --endpoint x").exception)
    records = execute(shop.url, "SELECT actor, via, action, target, detail FROM es_admin_audit ORDER BY id")
    assert [(row["via"], row["action"], row["target"]) for row in records] == [
        ("command", "webhook.replayed", "webhooks.shop"),
        ("command", "webhook.replayed", "webhooks"),
    ]
    assert records[0]["actor"] == "li"
    assert records[1]["detail"] == "1 of deliveries 1, 2: lost"


def test_an_operator_enables_and_tests(shop: Shop) -> None:
    """What is disabled is active again; the test says what was answered, and fails with exit code 1."""
    execute(shop.url, "INSERT INTO es_webhook_endpoint (name, state, disabled_time) VALUES ('shop', 'disabled', 9)")
    assert shop("enable shop").output == "shop is enabled\n"
    assert shop("enable shop").output == "shop was active before\n"
    taken = shop("test shop")
    assert (taken.exit_code, taken.output.partition(",")[0]) == (0, "shop: HTTP 204")
    shop.receiver.answer = status(500)
    failed = shop("test shop")
    assert (failed.exit_code, failed.output.partition(",")[0]) == (1, "shop: HTTP 500")
    assert "there is no endpoint 'x'" in str(shop("test x").exception)
