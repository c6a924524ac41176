"""Our own plugins are imported only where they are needed; those of others always."""

import subprocess
import sys
from pathlib import Path

import pytest

from connect_core.errors import PluginError, SettingsError
from connect_core.providers.entry_points import get_union_type, offers_one_of
from connect_core.providers.registry import Plugins

from ..kit.acme import PluginOf
from ..kit.plugins import ACME, installed, mistakes, registry

STRANGER = """
from connect_core.plugin import provider_hook
from tests.kit.acme import Acme, provider_of

connect_register_providers = provider_hook("stranger", provider_of(Acme()))
"""


def test_ours_wait_until_they_are_needed() -> None:
    """By the provider's name, which may go on behind that of the entry point; a second call loads nothing again."""
    plugins = Plugins(loads_ours=False)
    assert plugins.available == {}
    assert {"google", "wechat"} <= plugins.unloaded
    plugins.load(["google-one-tap", "nobody"])
    plugins.load(["google-one-tap"])
    assert set(plugins.available) == {"google", "google-one-tap"}
    assert plugins.installed == sorted([*plugins.available, *plugins.unloaded])


def test_others_are_always_loaded(tmp_path: Path) -> None:
    """They may have hooks that no provider needs."""
    with installed(tmp_path, {"stranger": STRANGER}, {"stranger": ["stranger = stranger"]}):
        assert set(Plugins(loads_ours=False).available) == {"stranger"}


def test_ours_keep_the_rule_by_which_they_are_found() -> None:
    """A provider is called like its entry point, or begins so; its union type is its name, or the beginning of it."""
    plugins = Plugins()
    for name, plugin in plugins.available.items():
        origin = plugins.origin_of(name)
        assert offers_one_of(origin, [name])
        whole = get_union_type(name)
        assert plugin.provider.union_type in {whole, whole.partition("_")[0]}


def test_the_registry_loads_what_is_configured(tmp_path: Path) -> None:
    """Providers that a table names, those behind `plugin`, and those that the shop requires."""
    plugins = Plugins(loads_ours=False)
    providers = {"octo": {"plugin": "github", "client_id": "a", "client_secret": "b"}}
    registry(tmp_path, plugins, clients={"pc": ["octo"]}, providers=providers, service={"required_plugins": ["weibo"]})
    assert set(plugins.available) == {"github", "weibo"}


def test_a_strangers_provider_cannot_take_the_name_or_the_people_of_one_that_waits(tmp_path: Path) -> None:
    """As if it had been loaded."""
    with pytest.raises(PluginError, match="plugins weibo and acme both offer weibo"):
        Plugins([("acme", PluginOf(weibo=ACME))], loads_ours=False)

    class Taker(ACME):  # type: ignore[misc, valid-type]
        union_type = "WEIBO"

    plugins = Plugins([("taker", PluginOf(taker=Taker))], loads_ours=False)
    lines = mistakes(tmp_path, plugins, clients={"pc": ["taker"]}, providers={"taker": {}})
    assert any("WEIBO" in line and "belongs to connect-login" in line for line in lines)


def test_a_service_imports_what_it_is_configured_for() -> None:
    """A shop with one vendor has no other vendor's code in its process."""
    program = """
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from connect_core.harness import make_settings
from connect_core.web import create_app

with TemporaryDirectory() as folder:
    github = {"client_id": "a", "client_secret": "b"}
    sections = {"clients": {"pc": ["github"]}, "providers": {"github": github}}
    app = create_app(make_settings("http://127.0.0.1:1", Path(folder, "connect.db"), **sections))
    app.state.manager.database.close()
print(*sorted(name for name in sys.modules if name.startswith("connect_") and name.partition(".")[0] != "connect_core"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["connect_github"]


def test_a_provider_that_is_not_there_is_told_with_all_that_are(tmp_path: Path) -> None:
    """Those that wait are installed, too."""
    with pytest.raises(SettingsError, match=r"there is no plugin phantom; installed: alipay, .*weibo"):
        registry(tmp_path, Plugins(loads_ours=False), clients={"pc": ["phantom"]}, providers={"phantom": {}})
