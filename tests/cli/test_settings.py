"""`connect-login settings` and `keys rotate`: what an operator types and reads, and two workers that follow."""

import json
import os
import signal
import stat
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from connect_core.cli import app, key_rotation
from connect_core.cli.keys import new_key
from connect_core.crypto import Sealer
from connect_core.errors import ConnectError, SettingsError
from connect_core.settings import load_settings
from connect_core.store import Database
from connect_core.store.schema.upgrade import upgrade_schema

from ..kit.acme import execute
from ..kit.commands import refused, run_in, running, wait_for
from ..kit.ports import free_port
from ..kit.worker_processes import lines_of, wait_until, workers_of

CANARY = "canary-4c1d"
FILE = """
[service]
public_url = "https://shop.example"
secret_keys = ["file:key"]
settings = "database"

[clients]
pc = ["wechat"]

[limits]
locked = ["vendor_calls"]

[providers.wechat]
locked = ["app_id"]
app_id = "wx0"
app_secret = "from the file"
"""
CHANGES = f"""
[pages]
name = "Jade Tea"

[clients]
pc = ["github", "wechat"]

[providers.github]
client_id = "g1"
client_secret = "{CANARY}"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop whose settings come from the database, on SQLite, in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "connect.toml").write_text(FILE, "utf-8")
    (tmp_path / "key").write_text(new_key(), "utf-8")
    (tmp_path / "changes.toml").write_text(CHANGES, "utf-8")
    with closing(Database(f"sqlite:///{tmp_path / 'connect.db'}")) as database:
        upgrade_schema(database)
    return tmp_path


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str) -> Said:
    """Run the command in this process, in the shop's folder: a process of its own takes ten times as long."""
    result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, ConnectError):  # `main` prints it
        lines = [f"connect-login: {line}\n" for line in str(result.exception).splitlines()]
        return Said(2, result.stdout, result.stderr + "".join(lines))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return Said(result.exit_code, result.stdout, result.stderr)


def test_an_export_of_no_settings_says_so(folder: Path) -> None:
    """In a comment, so that the file can be imported: it changes nothing."""
    comment = "# the database has no settings: those of connect.toml apply\n"
    assert run("settings", "export").stdout == comment
    run("settings", "export", "--output", "out.toml")
    assert (folder / "out.toml").read_text("utf-8") == comment
    assert run("settings", "import", "out.toml").returncode == 0


def test_an_operator_imports_compares_exports_and_goes_back(folder: Path) -> None:
    """The whole way, with exit codes; a secret is printed nowhere but in an export that asks for it."""
    dry = run("settings", "import", "changes.toml", "--dry-run")
    assert (dry.returncode, dry.stdout.splitlines()[-1]) == (0, "nothing was written: revision 0 stays active")
    done = run("settings", "import", "changes.toml", "--comment", "GitHub too", "--operator", "li")
    assert done.stdout.splitlines() == [
        'clients.pc: not set -> ["github", "wechat"]',
        'pages.name: not set -> "Jade Tea"',
        'providers.github.client_id: not set -> "g1"',
        "providers.github.client_secret: (secret)",
        "revision 1 is active",
    ]
    again = run("settings", "import", "changes.toml")
    assert again.stdout == "nothing changes: revision 1 has these settings\n"
    differs = run("settings", "diff")
    assert (differs.returncode, len(differs.stdout.splitlines())) == (1, 4)
    assert run("settings", "diff", "1", "1").returncode == 0
    exported = run("settings", "export", "--output", "out.toml")
    text = (folder / "out.toml").read_text("utf-8")
    assert 'client_secret = "(secret)"' in text
    assert stat.S_IMODE((folder / "out.toml").stat().st_mode) == 0o600
    assert CANARY in run("settings", "export", "--secrets").stdout
    told = run("settings", "import", "out.toml", "--replace")
    assert told.stdout == "nothing changes: revision 1 has these settings\n"
    back = run("settings", "rollback", "0", "--json")
    assert json.loads(back.stdout) == {"revision": 2, "values_of": 0}
    history = json.loads(run("settings", "history", "--json").stdout)
    assert [(row["revision"], row["actor"], row["comment"]) for row in history][-1] == (1, "li", "GitHub too")
    listed = run("settings", "history")
    for said in (dry, done, differs, exported, back, listed):
        assert CANARY not in said.stdout + said.stderr
    assert CANARY not in text + json.dumps(history)


@pytest.mark.parametrize(
    ("text", "arguments", "mistake"),
    [
        ("[limits]\nvendor_calls = 5", (), "limits.vendor_calls: is locked in connect.toml"),
        ("[providers.wechat.pc]\napp_id = 'x'", (), "providers.wechat.pc.app_id: is locked in connect.toml"),
        ("[service]\nhome_url = '/x'", (), "service.home_url: this stays in connect.toml"),
        ("[providers.github]\nclient_secret = '(secret)'", (), "the database has no value to keep"),
        ("[providers.github]\nclient_id = 'env:HOME'", (), "env: and file: work in connect.toml alone"),
        ("[clients]\npc = ['nix']", (), "clients.pc: nix is not configured"),
        ("pc = 1", (), "pc: give a table, such as [limits]"),
        ("[pages]\nname = 'x'", ("--base", "3"), "revision 0 is active, and not 3"),
    ],
)
def test_an_import_with_a_mistake_writes_nothing(
    folder: Path, text: str, arguments: tuple[str, ...], mistake: str
) -> None:
    """It ends with 2 and a line that says what to do; nothing is drafted."""
    (folder / "wrong.toml").write_text(text, "utf-8")
    done = run("settings", "import", "wrong.toml", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert mistake in done.stderr
    assert execute(f"sqlite:///{folder / 'connect.db'}", "SELECT * FROM es_connect_setting_change") == []


def test_a_rollback_mends_what_keeps_the_service_from_starting(folder: Path) -> None:
    """With an active revision that this file makes unusable, `serve` names the command, which works."""
    assert run("settings", "import", "changes.toml").returncode == 0
    path = folder / "connect.toml"
    path.write_text(FILE.replace("[providers.wechat]", "[providers.other]").replace('"wechat"', '"other"'), "utf-8")
    path.write_text(path.read_text("utf-8").replace("\napp_id", '\nplugin = "wechat"\napp_id'), "utf-8")
    refused = run("members", "show", "1")
    assert refused.returncode == 2
    assert "revision 1 of the database cannot be used; to go back, run: connect-login settings rollback 0" in (
        refused.stderr
    )
    assert run("settings", "rollback", "0").returncode == 0
    assert "there is no such member" in run("members", "show", "1").stderr


def test_with_settings_in_the_file_the_command_says_how_to_switch_them_on(folder: Path) -> None:
    """Nothing is read or written."""
    path = folder / "connect.toml"
    path.write_text(FILE.replace('settings = "database"', 'settings = "file"'), "utf-8")
    done = run("settings", "history")
    last = done.stderr.splitlines()[-1]
    assert (done.returncode, done.stdout) == (2, "")
    assert last == 'connect-login: service.settings: is "file": set it to "database" in connect.toml first'


def test_a_misspelt_lock_ends_every_command_and_the_start(folder: Path) -> None:
    """With a line that names the nearest key; what it was to lock could be changed otherwise."""
    path = folder / "connect.toml"
    path.write_text(FILE.replace('locked = ["app_id"]', 'locked = ["app_idd"]'), "utf-8")
    line = "connect-login: providers.wechat.locked: there is no key app_idd; did you mean `app_id`?"
    for arguments in (("settings", "history"), ("settings", "import", "changes.toml"), ("members", "show", "1")):
        said = run(*arguments)
        assert (said.returncode, said.stdout, said.stderr.splitlines()[-1]) == (2, "", line)
    assert refused(folder, "serve", "--port", str(free_port()), "--workers", "2")[-1] == line


def test_two_workers_follow_within_five_seconds(folder: Path) -> None:
    """A provider that a command switches off is refused by both processes, on every connection, 5 s later at most."""
    port = free_port()
    login = f"http://127.0.0.1:{port}/connect/wechat/pc/login"
    with running(folder, "serve", "--port", str(port), "--workers", "2") as process:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        wait_until(lambda: len(workers_of(process)) == 2)
        with httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)) as visitor:
            assert {visitor.get(login).status_code for _ in range(10)} == {303}
            (folder / "off.toml").write_text("[clients]\npc = []\n", "utf-8")
            assert run_in(folder, "settings", "import", "off.toml").returncode == 0
            time.sleep(5)
            assert {visitor.get(login).status_code for _ in range(20)} == {404}
        process.send_signal(signal.SIGTERM)
        _, output = process.communicate(timeout=30)
    applied = [line["pid"] for line in lines_of(output) if line["event"] == "settings_applied"]
    assert len(set(applied)) == 2
    assert process.pid not in applied


def plant_sealed(folder: Path, key: bytes, count: int) -> str:
    """Settings of a command, and hints and one-time passwords as logins and administrators leave them."""
    url = f"sqlite:///{folder / 'connect.db'}"
    assert run("settings", "import", "changes.toml").returncode == 0
    hints, totp = Sealer([key], "vendor session"), Sealer([key], "administrators")
    places = [f"f{place:04}" for place in range(count)]
    rows = ", ".join(f"('{p}', 1, 'oidc', 'pc', '', '{hints.seal(b'hint', p)}', 1)" for p in places)
    names = "family, member_id, provider, client_type, sid_hash, hint, expiry_time"
    execute(url, f"INSERT INTO es_connect_vendor_session ({names}) VALUES {rows}")
    secret = totp.seal(b"secret", "es_admin.totp_secret li")
    execute(
        url,
        "INSERT INTO es_admin (name, role, password_hash, totp_secret, create_time)"
        f" VALUES ('li', 'viewer', '', '{secret}', 1)",
    )
    return url


def test_keys_are_rotated_in_spite_of_a_kill(folder: Path) -> None:
    """A run that is killed goes on where it was; afterwards the old key is not needed; a run more changes nothing."""
    old = load_settings(folder / "connect.toml").service.keys[0]
    url = plant_sealed(folder, old, 450)
    (folder / "new").write_text(new_key(), "utf-8")
    path = folder / "connect.toml"
    path.write_text(FILE.replace('["file:key"]', '["file:new", "file:key"]'), "utf-8")
    keys = load_settings(path).service.keys
    with closing(Database(url)) as database, pytest.raises(KeyboardInterrupt):
        key_rotation.reseal_all(database, keys, stop_at("es_connect_vendor_session.hint", 200))
    done = run("keys", "rotate")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "es_connect_setting.value: 0 sealed anew, 0 open with none of the keys",
        "es_connect_vendor_session.hint: 250 sealed anew, 0 open with none of the keys",
        "es_admin.totp_secret: 1 sealed anew, 0 open with none of the keys",
        "remove the other keys in 20 minutes: logins under way and access tokens that use them have ended by then",
    ]
    path.write_text(FILE.replace("file:key", "file:new"), "utf-8")
    assert CANARY in run("settings", "export", "--secrets").stdout
    rows = execute(url, "SELECT family, hint FROM es_connect_vendor_session")
    sealer = Sealer(keys[:1], "vendor session")
    assert {sealer.open(row["hint"], row["family"]) for row in rows} == {b"hint"}
    assert all(line.startswith(("es_", "remove")) for line in run("keys", "rotate").stdout.splitlines())


def stop_at(path: str, number: int) -> Callable[[str, int], None]:
    """Ctrl-C after a page."""

    def advance(column: str, count: int) -> None:
        if (column, count) == (path, number):
            raise KeyboardInterrupt

    return advance


def test_a_value_of_a_lost_key_is_told(folder: Path) -> None:
    """It stays as it is, the exit code is 1, and the command says what to do."""
    plant_sealed(folder, os.urandom(32), 1)
    done = run("keys", "rotate")
    assert done.returncode == 1
    assert "es_connect_vendor_session.hint: 0 sealed anew, 1 open with none of the keys" in done.stdout
    assert done.stdout.splitlines()[-1] == "put a missing key back into secret_keys, and run this again"


def test_the_secret_of_a_webhook_is_one_that_the_configuration_takes(folder: Path) -> None:
    """`keys webhook` prints what `[webhooks.NAME] secrets` wants."""
    secret = run("keys", "webhook").stdout.strip()
    path = folder / "connect.toml"
    path.write_text(f'{FILE}\n[webhooks.stock]\nurl = "https://a.example"\nsecrets = ["{secret}"]\n', "utf-8")
    assert load_settings(path).webhooks["stock"].secrets[0].get_secret_value() == secret
    path.write_text(path.read_text("utf-8").replace("whsec_", "whsec-"), "utf-8")
    with pytest.raises(SettingsError, match="connect-login keys webhook"):
        load_settings(path)
