"""Fills the templates of a new plugin's package, and writes Python texts as `ruff format` does.

Knows the marks of the templates: `<<value>>` and `<% if %>`, because braces are frequent in Python.
"""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parents[1] / "templates"
LINE = 120
"""Characters in a line of a new package, which its `pyproject.toml` sets."""


def write_literal(text: str) -> str:
    """Return a printable text as a Python literal, in the quotes that need fewer backslashes."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    escaped = text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    return f"{mark}{escaped}{mark}"


def write_assignment(name: str, text: str) -> str:
    """Return the line of a class body that assigns a text; in parentheses where only they keep it within a line."""
    literal = write_literal(text)
    line = f"    {name} = {literal}"
    if len(line) <= LINE or get_width(literal) > LINE - 8:
        return line
    return f"    {name} = (\n        {literal}\n    )"


def write_titles(titles: Mapping[str, str]) -> str:
    """Return the lines of a class body that assign the titles."""
    items = [f"{write_literal(language)}: {write_literal(title)}" for language, title in titles.items()]
    line = f"    titles = {{{', '.join(items)}}}"
    if get_width(line) <= LINE:
        return line
    return "    titles = {\n" + "".join(f"        {item},\n" for item in items) + "    }"


def get_width(text: str) -> int:
    """Return the columns that a text takes at most: two for each character beyond ASCII."""
    return sum(1 if character.isascii() else 2 for character in text)


def make_environment() -> Environment:
    """Return the environment of the templates. It escapes nothing: what it writes is no HTML."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Python, TOML and Markdown; literals go through `write_literal`
    )
    environment.filters["literal"] = write_literal
    environment.globals["assign"] = write_assignment
    return environment
