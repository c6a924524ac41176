"""Sandboxes with names of their own, of which something reads some."""

from collections.abc import Collection
from typing import Any, ClassVar

from connect_core.sandbox import OAuth2Sandbox


class HelpedSandbox(OAuth2Sandbox):
    """A sandbox with methods of its own, each of which something reads."""

    title = "Helped"
    for_tests: ClassVar[Collection[str]] = ("rotate_secret",)
    life_in_days = 3

    def userinfo_answer(self, person: Any) -> dict[str, Any]:
        """Return an answer with what the methods below make."""
        by_name = getattr(self, "find_team")  # noqa: B009 - a name that stands as a text
        return {"id": self.number_of(person), "team": by_name(), "days": self.life_in_days}

    def number_of(self, person: Any) -> int:
        """Return a number."""
        return self.user_id(person.key)

    def find_team(self) -> str:
        """Return a team."""
        return "a"

    def rotate_secret(self) -> None:
        """Change what only tests change."""

    def press(self) -> None:
        """Do what the test of this module calls."""


class RecursiveSandbox(OAuth2Sandbox):
    """A sandbox with a method that only itself calls."""

    title = "Recursive"
    code_lifetime_in_minutes = 3

    def error_text(self, depth: int) -> str:
        """Return a text."""
        return self.error_text(depth - 1) if depth else ""


class OddSandbox(OAuth2Sandbox):
    """A sandbox with names that share no word with a known one."""

    title = "Odd"
    clintidnum = "odd"
    zzz = ""
