"""The pages of the reference that `docs/reference/generate.py` writes tell what the code tells."""

import re
import runpy
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import connect_core.plugin
import connect_core.sandbox
import connect_core.testing
from connect_core.cli.plugin.installed import read_results
from connect_core.identity import ClientType
from connect_core.providers.registry import Plugins
from connect_core.testing.contract import CONTRACT_VERSION

REFERENCE = Path(__file__).parents[2] / "docs/reference"


@pytest.fixture(scope="module")
def make_pages() -> Callable[[], dict[str, str]]:
    """The generator's own function."""
    make: Callable[[], dict[str, str]] = runpy.run_path(str(REFERENCE / "generate.py"))["make_pages"]
    return make


@pytest.mark.parametrize(
    "page",
    [
        *("settings", "routes", "tables", "errors", "commands", "plugin", "metrics", "findings"),
        *("openapi", "management-api"),
    ],
)
def test_page_tells_what_the_code_tells(make_pages: Callable[[], dict[str, str]], page: str) -> None:
    """What changes without its page fails; `python docs/reference/generate.py` writes the page anew."""
    assert make_pages()[f"{page}.md"] == (REFERENCE / f"{page}.md").read_text("utf-8")


@pytest.mark.parametrize("module", [connect_core.plugin, connect_core.sandbox, connect_core.testing])
def test_plugin_page_has_every_name_of_a_plugins_imports(module: ModuleType) -> None:
    """Each name of `__all__` has a heading, and its docstring below it."""
    page = (REFERENCE / "plugin.md").read_text("utf-8")
    entries = dict(re.findall(r"^### `(\w+)`\n\n(.+?)(?=\n#|\Z)", page, re.MULTILINE | re.DOTALL))
    assert set(module.__all__) - set(entries) == set()
    for name in module.__all__:
        assert f"`from {module.__name__} import {name}`" in entries[name]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda names: names.remove("Identity"), r"without words, or words without it: \['Identity'\]"),
        (lambda names: names.append("Identty"), r"without words, or words without it: \['Identty'\]"),
        (lambda names: names.append("Provider"), r"in two groups: \['Provider'\]"),
    ],
)
def test_every_name_of_the_plugin_page_is_in_one_group(change: Callable[[list[str]], None], reason: str) -> None:
    """A name without a group, one that does not exist, and one in two groups each stop the generator."""
    write_plugin = runpy.run_path(str(REFERENCE / "generate.py"))["write_plugin"]
    words = tomllib.loads((REFERENCE / "words/plugin.toml").read_text("utf-8"))
    change(next(group["names"] for group in words["group"] if "Identity" in group["names"]))
    with pytest.raises(ValueError, match=reason):
        list(write_plugin(words))


def test_providers_tells_what_the_plugins_offer() -> None:
    """A row for each plugin with a sandbox, a cell of rules for each of its client types; a line for any other.

    `python docs/reference/contracts.py` runs the contract and writes the page anew.
    """
    page = (REFERENCE / "providers.md").read_text("utf-8")
    told = {name: cells.split("|") for name, cells in re.findall(r"^\| `(\S+)` \|(.+)\|$", page, re.MULTILINE)}
    offered = Plugins().available
    assert list(told) == sorted(name for name, plugin in offered.items() if plugin.sandbox)
    for name, (_, *cells) in told.items():
        shown = [client for client, cell in zip(ClientType, cells, strict=False) if re.search(r"[1-9]\d* rules", cell)]
        assert set(shown) == set(offered[name].provider.entrances)
    assert [name for name, plugin in offered.items() if not plugin.sandbox] == re.findall(
        r"`(\S+)` has no sandbox", page
    )


def test_providers_were_tested_with_the_present_contract() -> None:
    """`python docs/reference/contracts.py` tests those whose results are of an earlier version."""
    earlier = {name for name, result in read_results().items() if result["version"] != CONTRACT_VERSION}
    assert earlier == set()


def test_every_page_is_compared(make_pages: Callable[[], dict[str, str]]) -> None:
    """Every page is generated, is that of the contracts, or that of the hooks (see `tests/test_code_rules.py`)."""
    assert {path.name for path in REFERENCE.glob("*.md")} == {*make_pages(), "hooks.md", "providers.md"}
