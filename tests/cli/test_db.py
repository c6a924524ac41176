"""`connect-login db`, and what a service does on a database that is not ready: in processes, with their exit codes."""

from contextlib import closing
from pathlib import Path

import httpx
import pytest

from connect_core.cli.serve import init
from connect_core.errors import SettingsError
from connect_core.sandbox import serving
from connect_core.settings import load_settings
from connect_core.store import Database, schema
from connect_core.store.schema.upgrade import upgrade_schema
from connect_core.web import create_app

from ..kit.acme import execute
from ..kit.commands import run

CURRENT = f"the schema is current: {schema.VERSIONS[0]}"


def test_an_operators_day(config: str, empty: str) -> None:
    """Serving is refused with the command to run; that command works, twice; then all is well."""
    command = f"connect-login db upgrade --config {config}"
    refusal = [f"connect-login: service.database_url: the schema is missing: run: {command}"]
    assert run("db", "check", "--config", config) == (2, [], refusal)
    if not empty.startswith("sqlite"):
        assert run("serve", "--config", config) == (2, [], refusal)
    code, told, complaints = run("db", "upgrade", "--config", config)
    assert (code, told[0], told[-1], complaints) == (0, "upgrading: The first tables", CURRENT, [])
    assert run("db", "upgrade", "--config", config) == (0, [CURRENT], [])
    code, told, complaints = run("db", "check", "--config", config)
    assert (code, complaints) == (0, [])
    assert told[0] == "the schema is current"


def test_old_names_of_options_and_keys_work_and_say_so(config: str) -> None:
    """A line on standard error for each, and the command does what it did under the new names."""
    path = Path(config)
    assert run("db", "upgrade", "--config", config)[0] == 0
    expected = run("db", "check", "--external-members", "--config", config)
    path.write_text(path.read_text("utf-8") + "\n[sessions]\nrecent = 300\n", "utf-8")
    code, lines, warnings = run("db", "check", "--members-elsewhere", "--config", config)
    assert (code, lines, []) == expected
    assert warnings == [
        f"connect-login: {old} is now called {new}; the old name goes with the next release"
        for old, new in {
            "--members-elsewhere": "--external-members",
            "sessions.recent": "sessions.reauth_after",
        }.items()
    ]
    assert "--members-elsewhere" not in " ".join(run("db", "check", "--help")[1])


@pytest.mark.parametrize("command", ["serve", "db upgrade", "db check"])
def test_a_server_that_does_not_answer_is_one_line(tmp_path: Path, command: str) -> None:
    """Exit 2, without the address, which may hold a password."""
    init(tmp_path)
    path = tmp_path / "connect.toml"
    nowhere = "postgresql+psycopg://shop:c4n4ry@127.0.0.1:1/shop"
    path.write_text(path.read_text("utf-8").replace("sqlite:///connect.db", nowhere), "utf-8")
    code, told, [complaint] = run(*command.split(), "--config", str(path))
    assert (code, told) == (2, [])
    assert "OperationalError" in complaint
    assert "c4n4ry" not in complaint


def test_a_service_is_ready_on_a_schema_that_its_code_runs_on(config: str, empty: str) -> None:
    """503 from the moment that the tables are too new or too old, and 200 again when they fit."""
    settings = load_settings(Path(config))
    with closing(Database(empty)) as database:
        upgrade_schema(database)
    with serving(create_app(settings)) as client:
        assert ready(client) == 200
        for version, min_version, status in (("9999", "9999", 503), ("0000", "0000", 503), ("9999", "0002", 200)):
            execute(empty, "UPDATE es_connect_schema SET version_num = ?, min_version = ?", version, min_version)
            assert ready(client) == status
        execute(empty, "DELETE FROM es_connect_schema")
        assert ready(client) == 503
        execute(empty, "INSERT INTO es_connect_schema VALUES (?, ?)", schema.VERSIONS[0], "0002")
        assert ready(client) == 200


def ready(url: str) -> int:
    """The status of `/readyz`."""
    response = httpx.get(f"{url}/readyz", trust_env=False)
    assert (response.status_code == 200) is ("retry-after" not in response.headers)
    return response.status_code


async def test_a_mounted_service_does_not_start_on_another_schema(config: str, empty: str) -> None:
    """Whoever runs it, not `serve` alone."""
    with closing(Database(empty)) as database:
        upgrade_schema(database)
    execute(empty, "UPDATE es_connect_schema SET version_num = '9999', min_version = '9999'")
    app = create_app(load_settings(Path(config)))
    with pytest.raises(SettingsError, match="newer"):
        async with app.router.lifespan_context(app):
            pass
    await app.state.manager.aclose()
