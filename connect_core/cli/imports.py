"""`connect-login import`: members and connections of the system that a shop used before."""

import asyncio
import json
import os
import re
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from connect_core.cli.configuration import DEFAULT, ConfigPath, load
from connect_core.errors import SettingsError
from connect_core.importing import people, settings_toml
from connect_core.importing.report import ImportReport
from connect_core.importing.run import Order, import_javashop
from connect_core.providers.registry import Plugins
from connect_core.store import Database, schema
from connect_core.store.javashop import MEMBERS, SETTINGS, Javashop

app = typer.Typer(
    add_completion=False, help="Bring members over from another system.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def root() -> None:
    """Bring members over from another system."""


@app.command()
def javashop(
    *,
    source: Annotated[
        str, typer.Option("--from", envvar="CONNECT_IMPORT_FROM", help="The old shop's database, an SQLAlchemy URL.")
    ],
    config: ConfigPath = DEFAULT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would happen; write nothing.")] = False,
    connections_only: Annotated[
        bool, typer.Option("--connections-only", help="Leave members where they are, for a shop with a directory.")
    ] = False,
    report_file: Annotated[
        Path | None, typer.Option("--report", help="Write the report as JSON, with every row that cannot be mapped.")
    ] = None,
    secrets_to: Annotated[
        Path | None, typer.Option("--secrets-to", help="A folder for the secrets of the settings, one file each.")
    ] = None,
    app_id: Annotated[
        list[str], typer.Option("--app-id", help="TYPE=APP_ID: whose openids the rows of a type hold. Repeatable.")
    ] = [],  # noqa: B006 - typer copies it
) -> None:
    """Import members and connections of a Javashop, and print its settings as connect.toml."""
    settings = load(config)
    url = settings.service.database_url
    with Javashop(source, url) as shop:
        found = _find_settings(shop, None if secrets_to is None else os.path.relpath(secrets_to, config.parent))
        order = Order(
            found=found,
            now=int(time.time()),
            app_ids=dict(_get_app_id(text) for text in app_id),
            dry_run=dry_run,
            connections_only=connections_only,
            numbers_by_sequence=url.startswith("postgresql"),
        )
        with closing(Database(url, synchronous=settings.service.sqlite_synchronous)) as database:
            report = _run(shop, database, order)
    _tell(report, found, report_file)
    if secrets_to is not None and not dry_run:
        _write_secrets(secrets_to, found.secrets)
    raise typer.Exit(0 if report.is_complete else 1)


def _get_app_id(text: str) -> tuple[str, str]:
    old_type, _, value = text.partition("=")
    if old_type not in people.OPEN_ID_TYPES or not re.fullmatch("[!-~]{1,64}", value):
        raise SettingsError([f"--app-id: give TYPE=APP_ID, where TYPE is one of {', '.join(people.OPEN_ID_TYPES)}"])
    return old_type, value


def _find_settings(shop: Javashop, secret_folder: str | None) -> settings_toml.Found:
    plugins = {
        name: settings_toml.PluginKeys(
            frozenset(plugin.provider.Settings.model_fields), frozenset(plugin.provider.entrances)
        )
        for name, plugin in Plugins().available.items()
    }
    pages = shop.pages(SETTINGS, settings_toml.COLUMNS) if shop.has_settings else ()
    return settings_toml.get_found((row for page in pages for row in page), plugins, secret_folder)


def _run(shop: Javashop, database: Database, order: Order) -> ImportReport:
    schema.prepare(database)
    with typer.progressbar(length=shop.count(MEMBERS), label="members", file=typer.get_text_stream("stderr")) as bar:
        advance: Callable[[int], None] = bar.update
        return asyncio.run(import_javashop(shop, database, order, advance))


def _tell(report: ImportReport, found: settings_toml.Found, report_file: Path | None) -> None:
    for line in report.lines():
        typer.echo(line)
    if found.toml:
        typer.echo(f"\n# for connect.toml\n\n{found.toml}", nl=False)
    if report_file is not None:
        report_file.write_text(json.dumps(report.to_json(), indent=2) + "\n", "utf-8")


def _write_secrets(folder: Path, secrets: dict[str, str]) -> None:
    """Write one file each, readable by the owner alone. What is there already is left alone, unless it differs."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, value in secrets.items():
        path = folder / name
        if path.exists():
            if path.read_text("utf-8") != value + "\n":
                raise SettingsError([f"--secrets-to: {path} exists with another content; it was left alone"])
            continue
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(value + "\n")
