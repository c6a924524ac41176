"""The pages of the reference that `docs/reference/generate.py` writes tell what the code tells."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from connect_core.identity import ClientType
from connect_core.providers.registry import Plugins

REFERENCE = Path(__file__).parents[2] / "docs/reference"


@pytest.fixture(scope="module")
def make_pages() -> Callable[[], dict[str, str]]:
    """The generator's own function."""
    make: Callable[[], dict[str, str]] = runpy.run_path(str(REFERENCE / "generate.py"))["make_pages"]
    return make


@pytest.mark.parametrize("page", ["settings.md", "routes.md", "tables.md", "errors.md", "commands.md"])
def test_page_tells_what_the_code_tells(make_pages: Callable[[], dict[str, str]], page: str) -> None:
    """What changes without its page fails; `python docs/reference/generate.py` writes the page anew."""
    assert make_pages()[page] == (REFERENCE / page).read_text("utf-8")


def test_providers_tells_what_the_plugins_offer() -> None:
    """A row for each plugin with a sandbox, a cell of rules for each of its client types; a line for any other.

    `python docs/reference/contracts.py` runs the contract and writes the page anew.
    """
    page = (REFERENCE / "providers.md").read_text("utf-8")
    told = {name: cells.split("|") for name, cells in re.findall(r"^\| `(\S+)` \|(.+)\|$", page, re.MULTILINE)}
    offered = Plugins().available
    assert list(told) == [name for name, plugin in offered.items() if plugin.sandbox]
    for name, cells in told.items():
        shown = [client for client, cell in zip(ClientType, cells, strict=True) if re.search(r"[1-9]\d* rules", cell)]
        assert set(shown) == set(offered[name].provider.entrances)
    assert [name for name, plugin in offered.items() if not plugin.sandbox] == re.findall(
        r"`(\S+)` has no sandbox", page
    )


def test_every_page_is_compared(make_pages: Callable[[], dict[str, str]]) -> None:
    """The reference is what is generated, the contracts, and the hooks, which `tests/test_code_rules.py` compares."""
    assert {path.name for path in REFERENCE.glob("*.md")} == {*make_pages(), "hooks.md", "providers.md"}
