"""The contract finds what it is there to find: plugins with one defect each, and what is told about them."""

import importlib
import os
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest

from connect_core import testing
from connect_core.errors import PluginError
from connect_core.testing.report import find_plugins

COMMAND = str(Path(sysconfig.get_path("scripts"), "connect-login"))
DEFECTS = '''
import asyncio
import urllib.request
from contextlib import suppress

from connect_core.plugin import OAuth2Provider, Claims, hookimpl
from connect_github import GithubProvider
from connect_github.sandbox import GithubSandbox


class Defective(GithubProvider):
    union_type = "DEFECTS"


class Leaky(Defective):
    """Tells the code when a login fails."""

    async def login_callback(self, response):
        try:
            return await super().login_callback(response)
        except Exception as error:
            error.add_note(response.code)
            raise


class Blocking(Defective):
    """Waits for its vendor with the whole process, by a client of its own."""

    async def login_callback(self, response):
        with suppress(OSError):
            urllib.request.urlopen(self.userinfo_url)
        return await super().login_callback(response)


class Rounding(Defective):
    """Reads ids as numbers."""

    def read_ids(self, claims, found):
        return super().read_ids(claims, {**found, "id": int(float(found["id"] or 0))})


class Shared(Defective):
    """Keeps what belongs to one login on the provider."""

    async def login_callback(self, response):
        self.last = await super().login_callback(response)
        await asyncio.sleep(0.01)
        return self.last


@hookimpl
def connect_register_providers(register):
    for provider in (Leaky, Blocking, Rounding, Shared):
        register(provider.__name__.lower(), provider, sandbox="connect_github.sandbox:GithubSandbox")
'''
FOUND = {
    "leaky": "No secret setting",
    "blocking": "Every call takes the core's time limits along",
    "rounding": "Booleans, fractions, lists",
    "shared": "200 people at once",
}
"""The rule that each of them breaks."""


@pytest.fixture
def strangers(tmp_path: Path) -> Mapping[str, str]:
    """An environment in which the package with the defects is installed, and one that cannot be imported."""
    (tmp_path / "connect_defects.py").write_text(DEFECTS)
    points = {"defects": "connect_defects", "broken": "a_package_nobody_has"}
    for name, module in points.items():
        info = tmp_path / f"connect_{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: connect-{name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[connect_login]\n{name} = {module}\n")
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def run(package: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the contract as a maintainer does."""
    return subprocess.run(
        [COMMAND, "plugin", "check", package], env=environment, capture_output=True, text=True, timeout=200, check=False
    )


def test_a_plugin_that_cannot_be_used_is_told_with_the_reason() -> None:
    """An author's own pytest run names what is wrong, not a missing key."""

    class Nowhere(testing.ProviderContract):
        plugin = "nowhere"

    with pytest.raises(PluginError, match="there is no plugin nowhere: did you `pip install -e` your package"):
        Nowhere.find_plugin()


def test_every_defect_is_found(strangers: Mapping[str, str]) -> None:
    """A secret told, a client of its own, a rounded id, a shared provider: each breaks its rule, and exit is 1."""
    done = run("connect-defects", strangers)
    reports = dict(zip(FOUND, done.stdout.split("# Contract of ")[1:], strict=True))
    assert done.returncode == 1
    for name, rule in FOUND.items():
        assert reports[name].startswith(f"{name}: FAILED")
        failed = [line for line in reports[name].splitlines() if "**failed**" in line]
        assert [line for line in failed if line.startswith(f"| {rule}")], reports[name]
    assert "connect-defects 1, connect-login " in reports["leaky"]


def test_a_sound_plugin_gets_a_page_to_publish(strangers: Mapping[str, str]) -> None:
    """Every rule for every client type, a date, both versions, exit 0; quick enough to be run before each release."""
    done = run("connect_x", strangers)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert lines[0] == "# Contract of x: passed"
    assert lines[4] == "| rule | pc | h5 |"
    assert len([line for line in lines if line.endswith("| passed | passed |")]) > 15
    assert "failed" not in done.stdout


def test_what_cannot_be_proved_is_told(strangers: Mapping[str, str]) -> None:
    """A plugin that is set aside, or unknown, is one line with its reason, and exit 2."""
    for name, reason in {"broken": "a_package_nobody_has", "nobody": "there is no plugin nobody"}.items():
        done = run(name, strangers)
        assert (done.returncode, done.stdout) == (2, "")
        assert reason in done.stderr


def test_plugins_are_found_by_any_of_their_names() -> None:
    """By the plugin's, the package's or the distribution's; a package's plugins together."""
    assert [plugin.name for plugin in find_plugins("wechat")] == ["wechat"]
    assert [plugin.name for plugin in find_plugins("connect_google")] == ["google", "google-one-tap"]
    with pytest.raises(PluginError, match="there is no plugin wechta"):
        find_plugins("wechta")


def test_without_pytest_the_extra_is_named(tmp_path: Path) -> None:
    """Whoever lacks pytest is told which extra has it."""
    (tmp_path / "pytest.py").write_text("raise ModuleNotFoundError('no pytest', name='pytest')")
    done = run("x", {**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2
    assert (
        done.stderr.strip() == 'connect-login: connect_core.testing needs pytest: pip install "connect-login[testing]"'
    )


def test_asserts_of_the_contract_explain_themselves() -> None:
    """Pytest rewrites the asserts of every module that has rules, so that a failure shows the values."""
    package = Path(testing.__file__).parent
    for module in (path.stem for path in package.glob("*.py") if "    assert " in path.read_text("utf-8")):
        assert "@pytest_ar" in vars(importlib.import_module(f"{testing.__name__}.{module}")), module
