"""`connect-login doctor` as an operator, cron and monitoring run it, beside a service that runs."""

import json
import pty
import re
import signal
import socket
import subprocess
from contextlib import closing
from os import read
from pathlib import Path

import pytest

from connect_core.cli.serve import init
from connect_core.doctor.last_run import find_last_run
from connect_core.findings import Level
from connect_core.store import Database
from connect_core.store.schema.upgrade import upgrade_schema

from ..kit.commands import COMMAND, run_in, running, wait_for
from ..kit.ports import free_port

KEYS = {"id", "level", "subject", "text", "remedy"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A shop that `init` has written, with one provider on each of two client types."""
    init(tmp_path)
    path = tmp_path / "connect.toml"
    text = path.read_text("utf-8").replace("pc = []", 'pc = ["github"]').replace("h5 = []", 'h5 = ["github"]')
    path.write_text(text + '\n[providers.github]\nclient_id = "x"\nclient_secret = "very-secret"\n', "utf-8")
    path.chmod(0o600)
    tmp_path.chmod(0o700)
    return tmp_path


def change(folder: Path, old: str, new: str) -> None:
    """Change the configuration."""
    path = folder / "connect.toml"
    assert old in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def examine(folder: Path, *arguments: str) -> tuple[int, dict[str, str], str]:
    """The exit code, the level of each id, and the status."""
    done = run_in(folder, "doctor", "--json", *arguments)
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert report.keys() == {"status", "findings", "version", "checked_at"}
    assert all(finding.keys() == KEYS for finding in report["findings"])
    assert "very-secret" not in done.stdout
    return done.returncode, {finding["id"]: finding["level"] for finding in report["findings"]}, report["status"]


def publish(folder: Path) -> None:
    """Let the shop be one that others reach."""
    change(folder, "http://127.0.0.1:8000", "https://shop.example")


def test_the_exit_code_is_the_worst_level(folder: Path) -> None:
    """0 well, 1 warnings, 2 broken: what cron and monitoring go by."""
    publish(folder)
    code, levels, status = examine(folder, "--offline")
    assert (code, status) == (0, "ok")
    assert set(levels.values()) == {Level.OK}
    (folder / "keys/connect-secret.key").chmod(0o644)
    code, levels, status = examine(folder, "--offline")
    assert (code, status, levels["secret_file_readable"]) == (1, "warning", "warning")
    change(folder, "sqlite:///connect.db", "postgresql+psycopg://shop:very-secret@127.0.0.1:1/shop")
    code, levels, status = examine(folder, "--offline")
    assert (code, status, levels["database_unreachable"]) == (2, "broken", "broken")


def test_the_service_that_runs_is_recognised(folder: Path) -> None:
    """The doctor beside `serve` proves that public_url leads to it, and counts its workers."""
    port = free_port()
    change(folder, "127.0.0.1:8000", f"127.0.0.1:{port}")
    change(folder, '["github"]', "[]")  # not every machine reaches it
    with running(folder, "serve", "--port", str(port), "--workers", "2"):
        assert wait_for(f"http://127.0.0.1:{port}/readyz").status_code == 200
        done = run_in(folder, "doctor")
    assert done.returncode == 1  # plain http
    assert re.search(
        rf"ok +http://127.0.0.1:{port}/connect is this service, .* 2 workers; .*\[public_url\]", done.stdout
    )
    assert "[sqlite_several_workers]" in done.stdout
    assert re.search(r"ok +SQLite [\d.]+ has the tables of version .* \[database\]", done.stdout)


def test_each_finding_is_a_line_with_a_remedy_below_it(folder: Path) -> None:
    """Grouped by subject, and counted at the end; without a terminal there is neither colour nor progress."""
    (folder / "keys/connect-secret.key").chmod(0o644)
    done = run_in(folder, "doctor", "--offline", "--config", str(folder / "connect.toml"))
    assert (done.returncode, done.stderr) == (1, "")
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    key = folder / "keys/connect-secret.key"
    [place] = [number for number, line in enumerate(lines) if line.endswith("[secret_file_readable]")]
    assert lines[place].startswith(f"  warning  Every user may read {key}, which has service.secret_keys.0. ")
    assert lines[place + 1] == f"           Run: chmod o-r {key}"
    subjects = [line for line in lines[:-1] if not line.startswith(" ")]
    assert len(subjects) == len(set(subjects))
    assert re.fullmatch(r"0 broken, 2 warnings, \d+ hints?, \d+ ok", lines[-1])


def test_a_terminal_shows_colours_and_what_is_waited_for(folder: Path) -> None:
    """The line that says which checks are under way is gone at the end."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([COMMAND, "doctor"], cwd=folder, stdout=theirs, stderr=theirs) as process:
        assert process.wait(60) == 2
    screen = read(ours, 65536).decode()
    assert "checking public address" in screen
    assert "\x1b[31mbroken" in screen
    assert "\r\x1b[Kconfiguration" in screen


def test_an_unknown_name_is_a_mistake_of_the_command_line(folder: Path) -> None:
    """Exit code 2 and a line that says what was meant, also with --json."""
    done = run_in(folder, "doctor", "--provider", "githup", "--json")
    line = "connect-login: --provider: no client type shows githup; did you mean github?"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{line}\n")


def test_providers_can_be_examined_alone(folder: Path) -> None:
    """With a provider or a client type nothing is said of the database, nor of what else the service has."""
    (folder / "keys/connect-secret.key").chmod(0o644)
    _, levels, _ = examine(folder, "--offline", "--client", "pc", "--provider", "github")
    assert {"configuration", "plugins"} <= levels.keys()
    assert not {"database", "database_empty", "secret_keys", "secret_file_readable", "addresses"} & levels.keys()


def test_a_configuration_that_cannot_be_read_is_a_finding(folder: Path) -> None:
    """Exit code 2, one finding for each mistake, in either form, and no traceback."""
    change(folder, "home_url", "home_urI")
    assert examine(folder) == (2, {"configuration_invalid": "broken"}, "broken")
    (folder / "connect.toml").unlink()
    done = run_in(folder, "doctor")
    assert (done.returncode, done.stderr) == (2, "")
    assert "[configuration_invalid]" in done.stdout


def test_nothing_is_changed(folder: Path) -> None:
    """The SQLite file of a service that was never started is not made, nor is any other file."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    examine(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_offline_calls_nobody(folder: Path) -> None:
    """Nothing connects to public_url."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        change(folder, "127.0.0.1:8000", f"127.0.0.1:{listener.getsockname()[1]}")
        examine(folder, "--offline")
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_service_that_does_not_answer_ends_the_wait(folder: Path) -> None:
    """What takes a connection and says nothing is unreachable after the time of a call."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        change(folder, "127.0.0.1:8000", f"127.0.0.1:{listener.getsockname()[1]}")
        _, levels, _ = examine(folder)
    assert (levels["public_url_unreachable"], levels["database_empty"]) == ("broken", "ok")


def test_ctrl_c_ends_it(folder: Path) -> None:
    """While it waits for an answer, without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        change(folder, "127.0.0.1:8000", f"127.0.0.1:{listener.getsockname()[1]}")
        listener.settimeout(30)
        process = subprocess.Popen(
            [COMMAND, "doctor"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            process.send_signal(signal.SIGINT)
            said = "".join(process.communicate(timeout=20))
    assert "Traceback" not in said
    assert process.returncode == 128 + signal.SIGINT


def test_the_dashboard_gets_the_result_where_there_is_one(folder: Path) -> None:
    """With `[admin] enabled` a whole run is stored; one of a provider alone, or offline, does not take its place."""
    with (folder / "connect.toml").open("a", encoding="utf-8") as file:
        file.write("\n[admin]\nenabled = true\n")
    with closing(Database(f"sqlite:///{folder / 'connect.db'}")) as database:
        upgrade_schema(database)
        examine(folder, "--offline")
        assert database.read_blocking(find_last_run) is None
        _, levels, status = examine(folder)
        run = database.read_blocking(find_last_run)
    assert run is not None
    assert run.level == status
    assert run.count >= len(levels)
    assert {finding.id for finding in run.findings} <= set(levels)
