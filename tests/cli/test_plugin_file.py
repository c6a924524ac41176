"""Plugins that are not installed: `load_plugin_file`, and `connect-login demo --plugin`."""

import os
from pathlib import Path

import pytest

from connect_core.cli.plugin.file import load_plugin_file
from connect_core.errors import PluginError
from connect_core.providers.registry import Plugins

from ..kit.commands import refused, run_in
from ..kit.plugin_file import ACME_FILE

pytestmark = pytest.mark.usefixtures("restored_imports")


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_a_file_is_a_plugin_with_a_sandbox(tmp_path: Path) -> None:
    """It is named for the file, and the name of its sandbox leads back to the very same module."""
    name, module = load_plugin_file(write(tmp_path, "acme.py", ACME_FILE))
    plugin = Plugins([(name, module)], discover=False).available["acme"]
    assert (name, plugin.provider) == ("acme", vars(module)["AcmeProvider"])
    assert plugin.load_sandbox() is vars(module)["AcmeSandbox"]


def test_a_file_imports_what_lies_beside_it(tmp_path: Path) -> None:
    """The sandbox may be in a module or package of its own; what is installed has precedence."""
    provider, _, sandbox = ACME_FILE.partition("class AcmeSandbox")
    write(tmp_path, "acme_parts/__init__.py", provider)
    write(tmp_path, "acme_parts/sandbox.py", f"from . import *\n\n\nclass AcmeSandbox{sandbox}")
    write(tmp_path, "json.py", "raise AssertionError")
    text = 'from acme_parts import AcmeProvider, provider_hook\nconnect_register_providers = provider_hook("acme", '
    path = write(tmp_path, "acme.py", f'{text}AcmeProvider, sandbox="acme_parts.sandbox:AcmeSandbox")\n')
    plugins = Plugins([load_plugin_file(path)], discover=False)
    assert plugins.available["acme"].load_sandbox().__module__ == "acme_parts.sandbox"


def test_a_folder_of_a_package_is_a_plugin(tmp_path: Path) -> None:
    """So a package that `plugin new` wrote can be tried before it is installed."""
    write(tmp_path, "connect_acme/__init__.py", ACME_FILE.replace("acme:", "connect_acme:"))
    name, module = load_plugin_file(tmp_path / "connect_acme")
    assert name == "connect_acme"
    assert Plugins([(name, module)], discover=False).available["acme"].load_sandbox()


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("json.py", ACME_FILE, "rename it; another module is called json"),
        ("a-b.py", ACME_FILE, "rename it; a name of letters, digits and _ can be imported"),
        ("acme.toml", "", "is neither a Python file nor a package"),
        ("acme.py", "import a_package_nobody_has", "cannot be imported: ModuleNotFoundError: No module named 'a_pac"),
        ("acme.py", "raise SystemExit(0)", "cannot be imported: SystemExit: 0"),
        ("acme.py", "def (", "cannot be imported: SyntaxError: invalid syntax"),
        ("acme.py", "def connect_register_providers(register): ...", "has no hook; assign provider_hook"),
    ],
)
def test_a_file_that_is_no_plugin_is_refused(tmp_path: Path, name: str, text: str, reason: str) -> None:
    """The reason is one line that begins with the path."""
    path = write(tmp_path, name, text)
    with pytest.raises(PluginError) as caught:
        load_plugin_file(path)
    assert str(caught.value).startswith(f"{path}: {reason}")
    assert "\n" not in str(caught.value)


def test_the_folder_of_a_project_is_a_plugin(tmp_path: Path) -> None:
    """`plugin new` writes such a folder: the one package in it is the plugin."""
    write(tmp_path, "connect-acme/connect_projected/__init__.py", ACME_FILE)
    name, module = load_plugin_file(tmp_path / "connect-acme")
    assert (name, module.__name__) == ("connect_projected", "connect_projected")


def test_demo_once_with_only_leaves_the_others_out(tmp_path: Path) -> None:
    """One provider, and a name that is not installed is one line."""
    done = run_in(tmp_path, "demo", "--once", "--only", "github")
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [["github", "pc", "ok"], ["github", "h5", "ok"]]
    [reason] = refused(tmp_path, "demo", "--once", "--only", "githu")
    assert reason.startswith("connect-login: there is no plugin githu")


def test_demo_once_logs_in_through_a_file(tmp_path: Path) -> None:
    """A line for each of its client types, beside the installed plugins; the option can be repeated."""
    write(tmp_path, "acme.py", ACME_FILE)
    other = ACME_FILE.replace("ACME", "OTHER").replace('"acme", ', '"other", ').replace("acme:", "other:")
    write(tmp_path, "elsewhere/other.py", other)
    done = run_in(tmp_path, "demo", "--once", "--plugin", "./acme.py", "--plugin", "elsewhere/other.py")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {tuple(line.split()[:3]) for line in done.stdout.splitlines()}
    assert {(name, client, "ok") for name in ("acme", "other", "github") for client in ("pc", "h5")} <= rows


BOTH_OFFER = "plugins github and acme both offer github: uninstall one of them, or rename what it offers"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("nowhere.py", None, "nowhere.py: there is no such file"),
        ("github.py", ACME_FILE, "two plugins are called github"),
        ("acme.py", ACME_FILE.replace('"acme", ', '"github", '), BOTH_OFFER),
        (
            "acme.py",
            ACME_FILE.replace("    union_type", "    Settings = dict\n    union_type"),
            "plugin acme cannot be used: PluginError: acme: Settings is no ProviderSettings",
        ),
    ],
)
def test_demo_refuses_a_file_in_one_line(tmp_path: Path, name: str, text: str | None, reason: str) -> None:
    """Exit 2 and nothing else, whether the file, its name or its provider is wrong."""
    if text is not None:
        write(tmp_path, name, text)
    assert refused(tmp_path, "demo", "--once", "--plugin", f".{os.sep}{name}") == [f"connect-login: {reason}"]
