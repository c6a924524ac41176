"""`connect-login plugin`: new packages, what is installed, and the names that these commands had before."""

import re
import tomllib
from contextlib import chdir
from pathlib import Path

import pytest

from connect_core.cli.plugin.new import VendorProtocol, new
from connect_core.errors import PluginError

from ..kit.commands import refused, run_in


@pytest.mark.parametrize("like", ["oauth2", "oidc", "custom"])
def test_new_plugin_writes_a_package_without_a_secret(tmp_path: Path, like: str) -> None:
    """Sources that compile, a project with the entry point, and nothing that could be taken for somebody's secret."""
    done = run_in(tmp_path, "plugin", "new", "acme_pay", "--like", like, "--folder", "here")
    assert (done.returncode, done.stderr) == (0, "")
    files = [path for path in (tmp_path / "here").rglob("*") if path.is_file()]
    texts = {path.relative_to(tmp_path / "here"): path.read_text("utf-8") for path in files}
    for path, text in texts.items():
        assert "$" not in text.replace("${{ matrix.", "")
        if path.suffix == ".py":
            compile(text, str(path), "exec")
        assert not re.search(r"secret\w* *[=:] *.(?!env:|sandbox-secret)[\w-]{8,}[\"']", text, re.IGNORECASE), path
    project = tomllib.loads(texts[Path("pyproject.toml")])["project"]
    assert (project["name"], project["entry-points"]["connect_login"]) == (
        "connect-acme_pay",
        {"acme_pay": "connect_acme_pay"},
    )
    assert project["license"] == "Apache-2.0"
    assert {Path(".gitignore"), Path("CHANGELOG.md"), Path(".github/workflows/test.yml")} <= texts.keys()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Acme", "give a Python identifier in lower case, .*; for example acme$"),
        ("acme-pay", "give a Python identifier in lower case, .*; for example acme_pay$"),
        ("1acme", "give a Python identifier in lower case"),
        ("../acme", "give a Python identifier in lower case"),
        ("class", "give a Python identifier in lower case"),
        ("a" * 33, "give a Python identifier in lower case"),
        ("wechat", "a plugin of this name is installed already"),
        ("core", "a package connect_core is installed already"),
        ("taken", "exists already; nothing was written"),
        ("file", "exists already; nothing was written"),
    ],
)
def test_new_plugin_takes_no_name_that_cannot_work(tmp_path: Path, name: str, told: str) -> None:
    """The reason is told and nothing written, least of all over what is there."""
    (tmp_path / "connect-taken").mkdir()
    (tmp_path / "connect-taken" / "mine").write_text("mine")
    (tmp_path / "connect-file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with chdir(tmp_path), pytest.raises(PluginError, match=told):
        new(name, VendorProtocol.CUSTOM)
    assert sorted(tmp_path.rglob("*")) == before


def test_new_plugin_tells_a_mistake_in_one_line(tmp_path: Path) -> None:
    """Exit 2, as any mistake."""
    [line] = refused(tmp_path, "plugin", "new", "wechat")
    assert line == "connect-login: wechat: a plugin of this name is installed already"


@pytest.mark.parametrize(
    ("old", "new_name", "code"),
    [
        (["new-plugin", "acme", "--folder", "there"], "plugin new", 0),
        (["contract", "nowhere"], "plugin check", 2),
        (["providers", "--installed"], "plugin list", 0),
    ],
)
def test_old_names_of_commands_work_and_say_the_new_one(
    tmp_path: Path, old: list[str], new_name: str, code: int
) -> None:
    """For one release; the warning is on standard error, and `--help` shows the new names alone."""
    done = run_in(tmp_path, *old)
    assert done.returncode == code
    assert f"is now called {new_name};" in done.stderr.splitlines()[0]
    assert f"  {old[0]} " not in run_in(tmp_path, "--help").stdout or old[0] == "providers"


def test_plugin_list_shows_what_is_installed(tmp_path: Path) -> None:
    """A line for each plugin with its union type and client types; no configuration is read."""
    done = run_in(tmp_path, "plugin", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert ["alipay", "ALIPAY", "pc", "h5", "mini", "app"] in [line.split() for line in done.stdout.splitlines()]
