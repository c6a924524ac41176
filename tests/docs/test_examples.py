"""Everything shown to a reader runs: code blocks of the README and the docs, doctests of the docstrings.

`python` blocks of a page run in one namespace, in order. `sh` blocks are run as scripts, and of `console` blocks the
lines after `$`; they must end well. `toml` and `json` blocks must parse, and configuration may have no key that is
unknown. Each page has a folder of its own to work in, to which `literalinclude` copies what it shows, named by its
caption. `<!-- skip: next "reason" -->` above a block skips it, visibly.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import chdir
from functools import cache
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from sybil import Document, Example, Region
from sybil.document import PythonDocStringDocument
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

import connect_core
from connect_core.settings import Settings
from connect_core.settings.locks import take_locks

from ..kit.fresh_environment import Fresh, can_build

ROOT = Path(__file__).parents[2]
NOT_RUN = (ROOT / "docs/examples", ROOT / "docs/zh")
"""Packages with tests of their own, and pages whose blocks `test_chinese_pages.py` compares with the English ones."""
PAGES = [
    *ROOT.glob("README*.md"),
    *(path for path in sorted(ROOT.glob("docs/**/*.md")) if not any(map(path.is_relative_to, NOT_RUN))),
]
INSTALLING = "your-first-plugin.md"
"""The page that installs something: it does so in an environment of its own."""
INCLUDE = re.compile(r"```\{literalinclude\} (?P<source>\S+)\n:caption: (?P<target>\S+)\n(:.*\n)*```\n")
MODULES = sorted(Path(connect_core.__file__).parents[1].glob("connect_*/**/*.py"))
PATIENCE = 120
"""Seconds that a command shown may take."""


@cache
def make_fresh(folder: Path) -> Fresh:
    return Fresh(folder)


def get_environment(page: str) -> dict[str, str]:
    """What a command finds: this run's own scripts first, or the environment of a page that installs something."""
    if Path(page).name == INSTALLING:
        if not can_build():
            pytest.skip("pip and hatchling are missing here")
        return dict(make_fresh(Path.cwd()).environment)
    return {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


def run_script(page: str, script: str) -> None:
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        env=get_environment(page),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{script}\nended with {done.returncode}:\n{done.stdout}{done.stderr}"


def run_sh(example: Example) -> None:
    run_script(example.path, example.parsed)


def run_console(example: Example) -> None:
    commands = re.findall(r"^\$ (.+)$", example.parsed, re.MULTILINE)
    assert commands, "a console block shows at least one command after `$`"
    run_script(example.path, "\n".join(commands))


def copy_included(example: Example) -> None:
    Path(example.parsed["target"]).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(example.path).parent / example.parsed["source"], example.parsed["target"])


def find_includes(document: Document) -> Iterator[Region]:
    for found in INCLUDE.finditer(document.text):
        yield Region(found.start(), found.end(), found, copy_included)


def check_json(example: Example) -> None:
    json.loads(example.parsed)


def check_toml(example: Example) -> None:
    shown = tomllib.loads(example.parsed)
    if not shown.keys() & Settings.model_fields.keys():
        return
    mistakes: list[str] = []
    take_locks(shown, mistakes)
    assert mistakes == []
    try:
        Settings.model_validate(shown)
    except ValidationError as error:
        # what is shown may be a part of a file, so a missing key is no mistake; nor is a file or a variable of a shop's
        if any(item["type"] not in ("missing", "path_not_file") and not is_elsewhere(item) for item in error.errors()):
            raise


def is_elsewhere(mistake: ErrorDetails) -> bool:
    """Tell whether a value that is refused only says where the value is."""
    return str(mistake["input"]).startswith(("env:", "file:"))


PARSERS = (
    SkipParser(),
    find_includes,
    PythonCodeBlockParser(),
    CodeBlockParser("sh", run_sh),
    CodeBlockParser("console", run_console),
    CodeBlockParser("json", check_json),
    CodeBlockParser("toml", check_toml),
)


def find_examples() -> Iterator[object]:
    documents = [Document.parse(str(path), *PARSERS) for path in PAGES]
    documents += [PythonDocStringDocument.parse(str(path), DocTestParser()) for path in MODULES]
    for document in documents:
        for example in document.examples():
            place = os.path.relpath(example.path, ROOT if example.path.endswith(".md") else MODULES[0].parents[1])
            yield pytest.param(example, id=f"{place}:{example.line}")


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder each page works in."""
    return {str(path): tmp_path_factory.mktemp(path.stem) for path in [*PAGES, *MODULES]}


@pytest.mark.parametrize("example", list(find_examples()))
def test_example_runs(example: Example, folders: dict[str, Path]) -> None:
    """What a reader copies from a page does what the page says."""
    with chdir(folders[example.path]):
        example.evaluate()


def test_the_readme_shows_something_that_runs() -> None:
    """A README without a checked example would let all the others go unchecked unnoticed."""
    assert [example for path in PAGES if path.name == "README.md" for example in Document.parse(str(path), *PARSERS)]


def test_a_skip_has_its_reason() -> None:
    """A block that does not run says why, where the reader of the source sees it."""
    told = re.compile(r'<!--+ *skip: *(end|(next|start) +".+") *-->')
    lines = [line.strip() for path in PAGES for line in path.read_text("utf-8").splitlines()]
    assert [line for line in lines if re.match("<!--+ *skip:", line) and not told.fullmatch(line)] == []
