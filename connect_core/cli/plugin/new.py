"""`connect-login plugin new`: writes a plugin's package that runs and passes the contract as it is."""

import keyword
import os
import re
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from connect_core import __version__
from connect_core.errors import PluginError
from connect_core.providers.registry import Plugins

TEMPLATES = Path(__file__).parents[1] / "templates"


class VendorProtocol(StrEnum):
    """What `--like` takes: the protocol that a vendor speaks, and so the base provider of the new plugin."""

    OAUTH2 = "oauth2"
    OIDC = "oidc"
    CUSTOM = "custom"


def new(
    name: Annotated[
        str, typer.Argument(help="The plugin's name, in lower case, such as acme; the package will be connect_acme.")
    ],
    like: Annotated[
        VendorProtocol, typer.Option(help="The vendor speaks OAuth 2.0, OpenID Connect, or a protocol of its own.")
    ] = VendorProtocol.OAUTH2,
    folder: Annotated[
        Path | None, typer.Option(help="Where to write it; default: ./connect-NAME. It must be empty or not exist.")
    ] = None,
) -> None:
    """Write the package of a new plugin.

    It has a provider, its sandbox and its contract test, all of which work as they are. Overwrites nothing.
    """
    _check_name(name)
    target = folder or Path(f"connect-{name}")
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise PluginError(f"{target}: exists already; nothing was written")
    values = {
        "name": name,
        "Name": "".join(part.capitalize() for part in name.split("_")),
        "NAME": name.upper(),
        "host": name.replace("_", "-").strip("-"),
        "version": __version__,
    }
    for source, path in _files(name, like).items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(Template((TEMPLATES / source).read_text("utf-8")).substitute(values) if source else "", "utf-8")
    typer.echo(f"wrote {target}; now: pip install -e '{target}[testing]' && pytest {target} && connect-login demo")


def _files(name: str, like: VendorProtocol) -> dict[str, str]:
    """Return the file to write for each template; the template "" stands for an empty file."""
    package = f"connect_{name}"
    return {
        "package/pyproject.toml.tmpl": "pyproject.toml",
        "package/README.md.tmpl": "README.md",
        "package/LICENSE.tmpl": "LICENSE",
        "package/CHANGELOG.md.tmpl": "CHANGELOG.md",
        "package/gitignore.tmpl": ".gitignore",
        "package/workflow.yml.tmpl": ".github/workflows/test.yml",
        f"{like}/__init__.py.tmpl": f"{package}/__init__.py",
        f"{like}/sandbox.py.tmpl": f"{package}/sandbox.py",
        "": f"{package}/py.typed",
        "package/test.py.tmpl": f"tests/test_{name}.py",
    }


def _check_name(name: str) -> None:
    if not re.fullmatch("[a-z][a-z0-9_]{0,31}", name) or keyword.iskeyword(name):
        close = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
        is_usable = re.fullmatch("[a-z][a-z0-9_]{0,31}", close) and not keyword.iskeyword(close)
        hint = f"; for example {close}" if is_usable else ""
        raise PluginError(f"{name}: give a Python identifier in lower case, of at most 32 letters, digits and _{hint}")
    plugins = Plugins()
    if name in plugins.available or name in plugins.quarantined:
        raise PluginError(f"{name}: a plugin of this name is installed already")
    if find_spec(f"connect_{name}"):
        raise PluginError(f"{name}: a package connect_{name} is installed already")
