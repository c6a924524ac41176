"""The pages of the reference that `docs/reference/generate.py` writes tell what the code tells."""

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[1] / "docs/reference"


@pytest.fixture(scope="module")
def make_pages() -> Callable[[], dict[str, str]]:
    """The generator's own function."""
    make: Callable[[], dict[str, str]] = runpy.run_path(str(REFERENCE / "generate.py"))["make_pages"]
    return make


@pytest.mark.parametrize("page", ["settings.md", "routes.md", "tables.md", "errors.md", "commands.md"])
def test_page_tells_what_the_code_tells(make_pages: Callable[[], dict[str, str]], page: str) -> None:
    """What changes without its page fails; `python docs/reference/generate.py` writes the page anew."""
    assert make_pages()[page] == (REFERENCE / page).read_text("utf-8")


def test_every_page_is_compared(make_pages: Callable[[], dict[str, str]]) -> None:
    """The reference is what is generated, and the hooks, whose page `tests/test_house.py` compares."""
    assert {path.name for path in REFERENCE.glob("*.md")} == {*make_pages(), "hooks.md"}
