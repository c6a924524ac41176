"""The command as an operator runs it: in processes of its own, with its exit codes, its words and its signals."""

import base64
import os
import re
import stat
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from connect_core import __version__
from connect_core.cli import app
from connect_core.cli.serve import init
from connect_core.errors import SettingsError
from connect_core.providers.registry import Plugins
from connect_core.settings import load_settings

from ..kit.commands import refused, run_in, running, stop, wait_for
from ..kit.ports import free_port


def install_broken_plugin(folder: Path) -> dict[str, str]:
    """Install a package whose plugin cannot be imported; returns the environment that finds it."""
    info = folder / "site" / "broken-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[connect_login]\nbroken = a_package_nobody_has\n")
    return {"PYTHONPATH": os.pathsep.join([str(folder / "site"), os.environ.get("PYTHONPATH", "")])}


NAMELESS = {"shopify", "unionpay", "xiaohongshu", "yahoojp"}
"""Vendors that give no name with the least scope."""
INSTALLED = sorted({point.name for point in entry_points(group="connect_login")})


def every_login() -> list[tuple[str, str]]:
    """Every installed plugin with each of its client types."""
    return [(name, client) for name, plugin in Plugins().available.items() for client in plugin.provider.entrances]


# demo


def test_demo_once_logs_in_through_everything_and_leaves_nothing(tmp_path: Path) -> None:
    """A line for each provider and client type with both names of the member and the row; exit 0; no file stays."""
    done = run_in(tmp_path, "demo", "--once", TMPDIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert sorted(line[:3] for line in lines) == sorted([name, client, "ok"] for name, client in every_login())
    people: dict[str, set[tuple[str, str, str]]] = {}
    for line in lines:
        assert line[3].startswith("m_")
        assert line[4] == (line[3] if line[0] in NAMELESS else "李华")
        shown = dict(pair.split("=") for pair in line[6:])
        union_type = Plugins().available[line[0]].provider.union_type
        assert (shown["union_type"], bool(shown["union_id"])) == (union_type, True)
        people.setdefault(line[0], set()).add((shown["id"], shown["member_id"], line[3]))
    assert all(len(rows) == 1 for rows in people.values()), "one person is one member"
    assert list(tmp_path.iterdir()) == []


def test_demo_once_fails_where_a_plugin_does(tmp_path: Path) -> None:
    """What could not be tried is no success: exit 1, with the reason beside the rows that worked."""
    done = run_in(tmp_path, "demo", "--once", **install_broken_plugin(tmp_path))
    assert done.returncode == 1
    assert done.stdout.count(" ok ") == len(every_login())
    assert done.stdout.splitlines()[-1].split(maxsplit=2) == [
        *("broken", "FAILED"),
        "ModuleNotFoundError: No module named 'a_package_nobody_has'",
    ]


def test_demo_runs_until_it_is_stopped(tmp_path: Path) -> None:
    """It says where to go; a stranger is shown the login page; Ctrl-C ends it with 0 and nothing stays."""
    os.environ["TMPDIR"] = str(tmp_path)
    with running(tmp_path, "demo", "--port", "0") as process:
        assert process.stdout is not None
        shop, login_page = process.stdout.readline().split()[1], process.stdout.readline().split()[2]
        assert "demo --once" in process.stdout.readline()
        home = httpx.get(shop, trust_env=False)
        assert (home.status_code, home.headers["location"]) == (303, "/connect/login")
        assert "Alipay" in httpx.get(login_page, trust_env=False).text
        assert stop(process) == (0, "")
    assert list(tmp_path.iterdir()) == []


# init and serve


def test_init_writes_what_serve_reads(tmp_path: Path) -> None:
    """A configuration that loads, and a key beside it that nobody else can read."""
    done = run_in(tmp_path, "init", "shop")
    assert (done.returncode, done.stderr) == (0, "")
    assert "connect-login serve --config shop/connect.toml" in done.stdout
    key = tmp_path / "shop/keys/connect-secret.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text().strip() not in (tmp_path / "shop/connect.toml").read_text() + done.stdout
    assert len(load_settings(tmp_path / "shop/connect.toml").service.keys[0]) == 32


@pytest.mark.parametrize("existing", ["connect.toml", "keys/connect-secret.key"])
def test_init_never_overwrites(tmp_path: Path, existing: str) -> None:
    """Whichever is there already, nothing is written and nothing changes; a link to nowhere is there too."""
    path = tmp_path / existing
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    with pytest.raises(SettingsError, match="exists already; nothing was written"):
        init(tmp_path)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [path]
    assert path.read_text() == "mine"
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="exists already; nothing was written"):
        init(tmp_path)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_starts_answers_and_stops(tmp_path: Path, workers: str) -> None:
    """It says its address, makes the tables, and Ctrl-C ends it within seconds with 0 and without a word."""
    init(tmp_path)
    port = str(free_port())
    with running(tmp_path, "serve", "--port", port, "--workers", workers) as process:
        assert wait_for(f"http://127.0.0.1:{port}/healthz").json() == {"status": "ok"}
        ready = wait_for(f"http://127.0.0.1:{port}/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "ok")
        assert stat.S_IMODE((tmp_path / "connect.db").stat().st_mode) == 0o600
        announced = f"connect-login serves http://127.0.0.1:8000 on http://127.0.0.1:{port}\n"
        assert stop(process) == (0, announced)


BROKEN = """
[service]
public_url = "http://shop.example/path"
secret_keys = ["c4n4ry", "env:CONNECT_NO_SUCH_KEY"]
pubic_url = "x"
[clients]
pc = ["alipay", "ghost"]
watch = []
[providers.alipay]
use = "nowhere"
"""


def test_serve_tells_every_mistake_of_its_settings(tmp_path: Path) -> None:
    """Exit 2, one line a mistake with the path of its key, no value, and no database made."""
    (tmp_path / "connect.toml").write_text(BROKEN)
    lines = refused(tmp_path, "serve")
    keys = [line.removeprefix("connect-login: ").partition(":")[0] for line in lines]
    assert sorted(keys) == [
        "clients.pc",
        "clients.watch",
        "providers.alipay.use",
        "service.pubic_url",
        "service.public_url",
        "service.secret_keys.0",
        "service.secret_keys.1",
    ]
    assert any("did you mean `public_url`?" in line for line in lines)
    assert "c4n4ry" not in "".join(lines)
    assert [one.name for one in tmp_path.iterdir()] == ["connect.toml"]


def test_serve_tells_every_mistake_of_its_providers(tmp_path: Path) -> None:
    """The plugins' own settings are checked before a worker starts."""
    init(tmp_path)
    config = (tmp_path / "connect.toml").read_text().replace("pc = []  ", 'pc = ["wechat", "acme"]')
    (tmp_path / "connect.toml").write_text(config + '[providers.wechat]\napp_id = "wx1"\n[providers.acme]\n')
    assert refused(tmp_path, "serve") == [
        "connect-login: providers.wechat.app_secret: is missing",
        f"connect-login: providers.acme.plugin: there is no plugin acme; installed: {', '.join(INSTALLED)}",
    ]


def test_serve_without_a_configuration_says_how_to_get_one(tmp_path: Path) -> None:
    """Named by option or by environment variable."""
    said = "nope.toml: there is no such file; give its path with --config, or let `connect-login init` write one"
    assert refused(tmp_path, "serve", CONNECT_CONFIG="nope.toml") == [f"connect-login: {said}"]
    result = CliRunner().invoke(app, ["providers", "--config", "nope.toml"])
    assert str(result.exception) == said


# the others


def test_providers_lists_what_is_installed_shown_and_set_aside(tmp_path: Path) -> None:
    """Each plugin with its union type and client types; each failure with its reason; each client type of the shop."""
    init(tmp_path)
    config = (tmp_path / "connect.toml").read_text().replace("pc = []  ", 'pc = ["wechat"]')
    (tmp_path / "connect.toml").write_text(config + '[providers.wechat]\napp_id = "wx1"\napp_secret = "c4n4ry"\n')
    done = run_in(tmp_path, "providers", **install_broken_plugin(tmp_path))
    lines = [line.split()[:6] for line in done.stdout.splitlines()]
    installed = 1 + len(Plugins().available)
    assert [line[0] for line in lines[1:installed]] == list(Plugins().available)
    assert ["alipay", "ALIPAY", "pc", "h5", "mini", "app"] in lines
    assert ["wechat", "WECHAT", "pc", "h5", "app", "mini"] in lines
    assert [lines[0], *lines[installed:]] == [
        ["installed", "plugins"],
        ["broken", "QUARANTINED:", "ModuleNotFoundError:", "No", "module", "named"],
        ["shown", "by", "connect.toml"],
        ["pc", "wechat", "redirect"],
    ]
    assert done.returncode == 0
    assert "c4n4ry" not in done.stdout + done.stderr


def test_the_columns_of_the_plugins_are_straight() -> None:
    """However long a name or a union type is: the longest decides."""
    rows = CliRunner().invoke(app, ["plugin", "list"]).stdout.splitlines()[1:]
    columns = [[match.start() for match in re.finditer(r"\S+", row)][:3] for row in rows]
    assert columns == [columns[0]] * len(Plugins().available)


def test_keys_generate_prints_a_key() -> None:
    """32 random bytes as base64url, alone on its line, another each time."""
    keys = [CliRunner().invoke(app, ["keys", "generate"]).output for _ in range(2)]
    assert len(set(keys)) == 2
    assert [len(base64.urlsafe_b64decode(key.strip() + "=")) for key in keys] == [32, 32]


def test_sandbox_prints_settings_that_reach_it(tmp_path: Path) -> None:
    """TOML to paste into a configuration; the sandboxes answer there; Ctrl-C ends them with 0."""
    with running(tmp_path, "sandbox", "--port", "0") as process:
        assert process.stdout is not None
        printed = ""
        while not printed.splitlines()[-1:] or not printed.splitlines()[-1].startswith("# faults"):
            printed += process.stdout.readline()
        shown = tomllib.loads(printed)["providers"]
        assert {(name, client) for name, clients in shown.items() for client in clients} == set(every_login())
        calls = shown["wechat"]["pc"]["api_url"] + "/_sandbox/calls"
        assert httpx.get(calls, trust_env=False).json() == []
        assert stop(process) == (0, "")


def test_help_and_version() -> None:
    """Good enough to work from: every command and option has its line; what is unknown or out of range is named."""
    shown = CliRunner().invoke(app, ["--help"]).output
    for command in ("demo", "init", "serve", "providers", "sandbox", "keys"):
        assert f"\n  {command} " in shown
    options = CliRunner().invoke(app, ["serve", "-h"]).output
    for option in ("--config", "--host", "--port", "--workers", "--log-level", "CONNECT_CONFIG"):
        assert option in options
    assert CliRunner().invoke(app, ["--version"]).output == f"connect-login {__version__}\n"


GROUPS = ("", "plugin", "db", "keys", "admin", "admin token", "settings", "import", "members", "events", "pages")


@pytest.mark.parametrize("group", GROUPS)
def test_a_list_of_commands_says_of_each_what_it_does(group: str) -> None:
    """A first sentence that is too long for its line would be cut off: "Send deliveries again that are ..."."""
    shown = CliRunner().invoke(app, [*group.split(), "--help"], env={"COLUMNS": "80"}).output
    _, commands = shown.split("Commands:\n")
    assert [line for line in commands.splitlines() if line.endswith("...")] == []


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("nonsense", "nonsense"),
        ("serve --prot 1", "--prot"),
        ("serve --log-level loud", "loud"),
        ("serve --workers 0", "--workers"),
    ],
)
def test_a_command_misspelt_is_told(wrong: str, named: str) -> None:
    """Exit 2, with what is wrong in it."""
    result = CliRunner().invoke(app, wrong.split())
    assert result.exit_code == 2
    assert named in result.output
