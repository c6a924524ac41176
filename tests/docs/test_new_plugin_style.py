"""What `connect-login plugin new` writes is formatted and typed, whatever the plugin's name."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import connect_core
from connect_core.cli.plugin.new import VendorProtocol, new

from ..conftest import Require

NAMES = ["x1", "acme_pay", "a_name_of_thirty_two_characters_"]


def run(folder: Path, *command: str) -> None:
    library = Path(connect_core.__file__).parents[1]
    is_installed = library.name == "site-packages"  # mypy finds it there by itself, and refuses to be told of it
    environment = {**os.environ, "MYPYPATH": "" if is_installed else str(library)}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("like", VendorProtocol)
def test_new_plugin_is_formatted(tmp_path: Path, require: Require, name: str, like: VendorProtocol) -> None:
    """`ruff format` changes nothing in a new package, and `ruff check` finds nothing."""
    require(find_spec("ruff"), "ruff is not installed")
    new(name, like, tmp_path)
    run(tmp_path, "ruff", "format", "--check", "--diff", ".")
    run(tmp_path, "ruff", "check", ".")


@pytest.mark.parametrize("like", VendorProtocol)
def test_new_plugin_is_typed(tmp_path: Path, require: Require, like: VendorProtocol) -> None:
    """mypy, strict as the package's own configuration says, has nothing to say of it."""
    require(find_spec("mypy"), "mypy is not installed")
    new("acme_pay", like, tmp_path)
    run(tmp_path, "mypy")
