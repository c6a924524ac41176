"""The page of kinds names places and tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "kinds.md"
FOLDERS = (ROOT, ROOT / "connect_core", ROOT / "connect_core" / "providers", ROOT / "plugins")


def test_every_file_on_the_page_exists() -> None:
    """A reader who follows a rule to its place finds it."""
    named = set(re.findall(r"`(\w+/[\w/]+\.py)", PAGE.read_text("utf-8")))
    assert len(named) > 50
    assert [name for name in sorted(named) if not any((folder / name).is_file() for folder in FOLDERS)] == []
