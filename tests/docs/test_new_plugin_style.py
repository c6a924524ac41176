"""What `connect-login plugin new` writes is formatted and typed and passes its contract, whatever the options."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import connect_core
from connect_core.cli.plugin.new import VendorProtocol, new

from ..conftest import Require

NAMES = ["x1", "acme_pay", "a_name_of_thirty_two_characters_"]
LONG = f"https://login.example/{'a-long-path/' * 9}"
OPTIONS: dict[str, dict[str, Any]] = {
    "oauth2-all": {
        "like": VendorProtocol.OAUTH2,
        "clients": "pc,h5,mini,app",
        "phone": True,
        "title": ["zh=极品“支付”{0}", 'en="It\'s" {{x}} <% \\N'],
        "authorize": "https://id.acme.example/oauth/authorize?prompt=1",
        "token": "https://api.acme.example/v2/@me:token",
        "userinfo": "http://127.0.0.1:9000/me",
    },
    "oauth2-mini": {
        "like": VendorProtocol.OAUTH2,
        "clients": "mini",
        "phone": True,
        "title": [f"zh={'极品' * 16}", f"en={'极品' * 16}"],
        "token": f"{LONG}token",
    },
    "oauth2-h5": {"like": VendorProtocol.OAUTH2, "clients": "h5", "authorize": LONG[:110], "token": LONG[:100]},
    "oidc-app": {"like": VendorProtocol.OIDC, "clients": "app,h5", "issuer": f'{LONG}"o"/'},
    "custom-all": {
        "like": VendorProtocol.CUSTOM,
        "clients": "app,pc,mini",
        "phone": True,
        "title": ["en=O'Neill"],
        "authorize": "https://acme.example",
        "token": "https://acme.example/{x}",
    },
    "custom-mini": {"like": VendorProtocol.CUSTOM, "clients": "mini"},
}
"""Combinations of options, with texts that a careless template breaks on."""
WHOLE = ["oauth2-all", "oidc-app", "custom-all"]
"""Those that have each line of the templates between them."""


def run(folder: Path, *command: str, **environment: str) -> str:
    library = Path(connect_core.__file__).parents[1]
    is_installed = library.name == "site-packages"  # mypy finds it there by itself, and refuses to be told of it
    environment = {**os.environ, "MYPYPATH": "" if is_installed else str(library), **environment}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_style(folder: Path) -> None:
    run(folder, "ruff", "format", "--check", "--diff", ".")
    run(folder, "ruff", "check", ".")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("like", VendorProtocol)
def test_new_plugin_is_formatted(tmp_path: Path, require: Require, name: str, like: VendorProtocol) -> None:
    """`ruff format` changes nothing in a new package, and `ruff check` finds nothing."""
    require(find_spec("ruff"), "ruff is not installed")
    new(name, like, tmp_path)
    check_style(tmp_path)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_new_plugin_with_options_is_formatted(tmp_path: Path, require: Require, options: dict[str, Any]) -> None:
    """The same with every option, and with texts and addresses that do not fit a line."""
    require(find_spec("ruff"), "ruff is not installed")
    new(NAMES[-1], folder=tmp_path, **options)
    check_style(tmp_path)


@pytest.mark.parametrize("like", VendorProtocol)
def test_new_plugin_is_typed(tmp_path: Path, require: Require, like: VendorProtocol) -> None:
    """mypy, strict as the package's own configuration says, has nothing to say of it."""
    require(find_spec("mypy"), "mypy is not installed")
    new("acme_pay", like, tmp_path)
    run(tmp_path, "mypy")


@pytest.mark.parametrize("options", WHOLE)
def test_new_plugin_with_options_is_typed(tmp_path: Path, require: Require, options: str) -> None:
    """The same with every option."""
    require(find_spec("mypy"), "mypy is not installed")
    new("acme_pay", folder=tmp_path, **OPTIONS[options])
    run(tmp_path, "mypy")


@pytest.mark.parametrize("options", WHOLE)
def test_new_plugin_with_options_passes_its_contract(tmp_path: Path, options: str) -> None:
    """Its test passes before a line is edited, for exactly the client types that were asked for.

    Without the two rules that take long: other tests run them.
    """
    given = OPTIONS[options]
    new("acme_pay", folder=tmp_path, **given)
    info = tmp_path / "acme-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[connect_login]\nacme_pay = connect_acme_pay\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    options_of_pytest = ("-v", "-W", "error", "-p", "no:cacheprovider", "-k", "not crowd and not slow_vendor")
    said = run(tmp_path, "pytest", *options_of_pytest, PYTHONPATH=path)
    tested = set(re.findall(r"\[(\w+)\] PASSED", said))
    assert tested == set(given["clients"].split(","))
