"""`connect-login plugin new`: writes a plugin's package that runs and passes the contract as it is."""

import keyword
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from connect_core import __version__
from connect_core.cli.plugin.new_options import GivenOptions, NewPlugin, VendorProtocol, check_options, parse_protocol
from connect_core.cli.plugin.templating import make_environment, write_titles
from connect_core.errors import PluginError
from connect_core.providers.registry import Plugins

_PROSE = re.compile("[A-Za-z0-9]+(?:[ .&+-]+[A-Za-z0-9]+)*")
"""A title that means the same in a docstring, in TOML and in Markdown."""
_PURPOSES = {
    "authorize_url": "Where people agree",
    "token_url": "Where codes are redeemed",
    "userinfo_url": "Where a person is described",
    "phone_url": "Where a phone number is fetched",
}


def new(
    name: Annotated[
        str, typer.Argument(help="The plugin's name, in lower case, such as acme; the package will be connect_acme.")
    ],
    like: Annotated[
        VendorProtocol,
        typer.Option(
            parser=parse_protocol,
            metavar=f"[{'|'.join(VendorProtocol)}]",
            help="The vendor speaks OAuth 2.0, OpenID Connect, or a protocol of its own.",
        ),
    ] = VendorProtocol.OAUTH2,
    folder: Annotated[
        Path | None, typer.Option(help="Where to write it; default: ./connect-NAME. It must be empty or not exist.")
    ] = None,
    *,
    title: Annotated[
        list[str] | None, typer.Option(help="The vendor's name on pages: zh=极品, en=Acme. Can be repeated.")
    ] = None,
    clients: Annotated[str, typer.Option(help="The client types that it serves: some of pc,h5,mini,app.")] = "pc,h5",
    phone: Annotated[
        bool,
        typer.Option("--phone", help="Mini programs and apps can hand in a phone number that the vendor verified."),
    ] = False,
    authorize: Annotated[str, typer.Option(help="Address of the page on which people agree.")] = "",
    token: Annotated[str, typer.Option(help="Address at which codes are redeemed.")] = "",
    userinfo: Annotated[str, typer.Option(help="Address at which a person is described.")] = "",
    issuer: Annotated[str, typer.Option(help="The OpenID provider's issuer, for --like oidc.")] = "",
) -> None:
    """Write the package of a new plugin.

    It has a provider, its sandbox and its contract test, all of which work as they are. Overwrites nothing.
    """
    _check_name(name)
    addresses = {"authorize": authorize, "token": token, "userinfo": userinfo, "issuer": issuer}
    given = {option: url for option, url in addresses.items() if url}
    options = GivenOptions(titles=title or (), addresses=given, clients=clients, phone=phone)
    plugin = check_options(name, like, options)
    target = folder or Path(f"connect-{name}")
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise PluginError(f"{target}: exists already; nothing was written")
    _write(plugin, target)
    typer.echo(f"wrote {target}; now: pip install -e '{target}[testing]' && pytest {target} && connect-login demo")


def _write(plugin: NewPlugin, target: Path) -> None:
    environment, values = make_environment(), _get_values(plugin)
    texts = {
        path: environment.get_template(source).render(values) if source else ""
        for source, path in _files(plugin.name, plugin.like).items()
    }
    for path, text in texts.items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def _get_values(plugin: NewPlugin) -> dict[str, Any]:
    """Return what the templates refer to."""
    has_default_entrances = set(plugin.clients) == {"pc", "h5"} and plugin.like is not VendorProtocol.CUSTOM
    entrances = [(client.name, plugin.get_entrance(client).name) for client in plugin.clients]
    title = plugin.titles["en"]
    return {
        "name": plugin.name,
        "Name": plugin.class_name,
        "NAME": plugin.name.upper(),
        "title": title if _PROSE.fullmatch(title) else plugin.class_name,
        "titles": write_titles(plugin.titles),
        "sandbox_title": f"{title} sandbox",
        "host": plugin.host,
        "version": __version__,
        "like": plugin.like,
        "clients": plugin.clients,
        "redirects": plugin.redirects,
        "posts": plugin.posts,
        "entrances": [] if has_default_entrances else entrances,
        "urls": plugin.urls,
        "purposes": _PURPOSES,
        "phone": plugin.has_phone,
        "operations": "`token`, `userinfo` and `phone`" if plugin.has_phone else "`token` and `userinfo`",
        "invented": plugin.is_invented,
    }


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
