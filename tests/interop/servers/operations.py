"""The files of `docs/operations`, and the programs that check or run them."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ...conftest import Require

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations"


def find_program(name: str) -> str | None:
    """A program of this machine, or one that PyPI has put beside this Python."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def lint(require: Require, program: str, *arguments: str) -> None:
    """Run a linter, which must be content."""
    path = find_program(program)
    require(path, f"{program} is in tox's environment `servers`")
    done = subprocess.run([str(path), *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def read_operations(path: str, replacements: dict[str, str]) -> str:
    """A file with `replacements`, each of which it must have."""
    text = (OPERATIONS / path).read_text("utf-8")
    for old, new in replacements.items():
        assert old in text, (path, old)
        text = text.replace(old, new)
    return text


def read_yaml(path: str) -> list[dict[str, Any]]:
    """The documents of a YAML file."""
    from yaml import safe_load_all  # noqa: PLC0415 - only the environment `servers` has it

    return list(safe_load_all((OPERATIONS / path).read_text("utf-8")))
