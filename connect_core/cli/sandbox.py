"""`connect-login sandbox`: serves the sandboxes of all plugins, for a shop that runs beside them."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from connect_core.cli.configuration import DEFAULT, ConfigPath
from connect_core.cli.console import wait_for_stop
from connect_core.cli.listening import listen_on, parse_port
from connect_core.errors import SettingsError
from connect_core.harness import load_sandboxes, sandbox_settings
from connect_core.providers.registry import Plugins
from connect_core.sandbox import Sandbox, sandbox_app, serving


def sandbox(
    port: Annotated[
        int, typer.Option(parser=parse_port, metavar="PORT", help="Port on loopback; 0: any free port.")
    ] = 8001,
    write: Annotated[
        bool, typer.Option("--write", help="Append the tables to the configuration instead of printing them.")
    ] = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """Serve every plugin's sandbox on loopback, until Ctrl-C.

    Prints the [providers] tables that connect a shop to the sandboxes. With `--write` it appends them to the
    configuration, and [clients] if there is none; what stands there already is neither changed nor replaced.

    Exit code 2: the port cannot be used, or the configuration has a provider of the same name.
    """
    if write and not port:
        raise SettingsError(["--write: give a --port of your own; another free one is taken at each start"])
    configuration = tomllib.loads(_read(config)) if write else {}
    plugins = Plugins()
    sandboxes = load_sandboxes(plugins)
    with serving(sandbox_app(sandboxes), listener=listen_on("127.0.0.1", port)) as url:
        raw = sandbox_settings(sandboxes, plugins.available, url)
        tables = write_providers(raw["providers"], sandboxes)
        if write:
            clients = [] if "clients" in configuration else _write_clients(raw["clients"])
            append_tables(config, [*clients, *tables])
            typer.echo(f"# wrote {len(tables)} tables to {config}: {', '.join(sorted(sandboxes))}")
            if not clients:
                typer.echo(f"# to show them, put into [clients] of {config}:")
                typer.echo("\n".join(_write_clients(raw["clients"])[0].splitlines()[1:]))
        else:
            typer.echo("\n".join(tables))
        wait_for_stop(f"# faults: POST {url}/NAME/_sandbox/faults; Ctrl-C ends the sandboxes")


def append_tables(config: Path, tables: Sequence[str]) -> None:
    """Append TOML tables to the file `config`, which keeps every letter that it has.

    Raises `SettingsError`, with nothing written, when it is no TOML, already has a provider of the same name, or would
    mean something else afterwards.
    """
    text = _read(config)
    before = tomllib.loads(text)
    added = tomllib.loads("\n".join(tables))
    if clashes := sorted(before.get("providers", {}).keys() & added["providers"].keys()):
        raise SettingsError([f"{config}: [providers.{name}] is there already; nothing was written" for name in clashes])
    addition = ("\n" if text and not text.endswith("\n") else "") + "\n" + "\n\n".join(tables) + "\n"
    expected = {**before, **added, "providers": {**before.get("providers", {}), **added["providers"]}}
    try:
        is_kept = tomllib.loads(text + addition) == expected
    except tomllib.TOMLDecodeError:
        is_kept = False
    if not is_kept:
        raise SettingsError([f"{config}: write `providers` as tables [providers.NAME]; nothing was written"])
    with config.open("a", encoding="utf-8") as file:
        file.write(addition)


def _read(config: Path) -> str:
    try:
        text = config.read_text("utf-8")
        tomllib.loads(text)
    except FileNotFoundError:
        mistake = "there is no such file; give its path with --config, or let `connect-login init` write one"
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        mistake = str(error)
    else:
        return text
    raise SettingsError([f"{config}: {mistake}"])  # outside the handler: the cause would bring the file along


def write_providers(providers: Mapping[str, Mapping[str, object]], sandboxes: Mapping[str, Sandbox]) -> list[str]:
    """Return the `[providers]` tables as TOML, one for each client type."""
    return [
        "\n".join([f"[providers.{name}.{client}]   # {sandboxes[name].title}", *_write_keys(keys)])
        for name, provider in providers.items()
        for client, keys in provider.items()
        if isinstance(keys, Mapping)
    ]


def _write_clients(clients: Mapping[str, Sequence[str]]) -> list[str]:
    return ["\n".join(["[clients]", *_write_keys(clients)])]


def _write_keys(keys: Mapping[str, object]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in keys.items()]


def _toml(value: object) -> str:
    match value:
        case Mapping():
            return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
    text = str(value)
    if "\n" in text and "'''" not in text:
        return f"'''{text}'''"
    return re.sub("\x7f", r"\\u007F", json.dumps(text, ensure_ascii=False))  # a TOML basic string, but for DEL
