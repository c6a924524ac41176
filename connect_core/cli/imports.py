"""`connect-login import`: imports the members and connections of another system, and ids that a vendor replaced."""

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

from connect_core.acts import OperatorAct
from connect_core.cli.acting import Operator, make_act, record_act
from connect_core.cli.configuration import DEFAULT, ConfigPath, load
from connect_core.cli.console import resumable
from connect_core.errors import SettingsError
from connect_core.identity import IdKind
from connect_core.importing import moved_ids, people, settings_toml
from connect_core.importing.report import ImportReport
from connect_core.importing.run import ImportOptions, import_javashop
from connect_core.providers.registry import Plugins
from connect_core.store import Database, schema
from connect_core.store.javashop import MEMBERS, SETTINGS, Javashop

app = typer.Typer(
    add_completion=False,
    help="Import members of another shop, or ids that a vendor replaced.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Source = Annotated[
    str, typer.Option("--from", envvar="CONNECT_IMPORT_FROM", help="The old shop's database, an SQLAlchemy URL.")
]
ConnectionsOnly = Annotated[
    bool,
    typer.Option("--connections-only", help="Import no members, for a shop whose members live in its own tables."),
]
ReportFile = Annotated[
    Path | None, typer.Option("--report", help="A file for the report as JSON, with every row that cannot be mapped.")
]
SecretFolder = Annotated[
    Path | None, typer.Option("--secrets-to", help="A folder for the secrets of the settings, a file for each.")
]
AppIds = Annotated[
    list[str],
    typer.Option("--app-id", help="TYPE=APP_ID: the app whose open ids the rows of union type TYPE hold. Repeatable."),
]

NewKind = Annotated[
    IdKind | None, typer.Option("--kind", help="The kind of the new ids; default: that of the old ones.")
]


@app.callback()
def root() -> None:
    """Import members of another shop, or ids that a vendor replaced."""


@app.command()
def javashop(
    *,
    source: Source,
    config: ConfigPath = DEFAULT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be imported; write nothing.")] = False,
    connections_only: ConnectionsOnly = False,
    report_file: ReportFile = None,
    secrets_to: SecretFolder = None,
    app_id: AppIds = [],  # noqa: B006 - typer copies it
    operator: Operator = "",
) -> None:
    """Import members and connections of a Javashop.

    Prints the settings of the old shop in the form of connect.toml. Can be run again at any time, also after Ctrl-C:
    what is there already is left alone. Exit code 0: all of it was imported; 1: something could not be mapped.
    """
    settings, act = load(config), make_act(operator, "")
    url = settings.service.database_url
    with Javashop(source, url) as shop:
        converted = _convert_settings(shop, None if secrets_to is None else os.path.relpath(secrets_to, config.parent))
        options = ImportOptions(
            settings=converted,
            now=int(time.time()),
            app_ids=dict(_get_app_id(text) for text in app_id),
            dry_run=dry_run,
            connections_only=connections_only,
        )
        with closing(Database(url, synchronous=settings.service.sqlite_synchronous)) as database, resumable():
            report = _run(shop, database, options, act)
    _print(report, converted, report_file)
    if secrets_to is not None and not dry_run:
        _write_secrets(secrets_to, converted.secrets)
    raise typer.Exit(0 if report.is_complete else 1)


@app.command()
def ids(
    *,
    source: Annotated[
        Path, typer.Option("--from", help="A CSV file with two columns, the old id and the new one.", metavar="FILE")
    ],
    config: ConfigPath = DEFAULT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be moved; write nothing.")] = False,
    union_type: Annotated[
        str, typer.Option("--union-type", help="The vendor whose ids these are, such as WECHAT; default: any.")
    ] = "",
    old_app_id: Annotated[
        str, typer.Option("--old-app-id", help="The app, or issuer, of the old ids; default: any.")
    ] = "",
    app_id: Annotated[
        str, typer.Option("--app-id", help="The app, or issuer, of the new ids; default: that of the old ones.")
    ] = "",
    kind: NewKind = None,
    report_file: Annotated[
        Path | None, typer.Option("--report", help="A file for the report as JSON, with every line that is left out.")
    ] = None,
    operator: Operator = "",
) -> None:
    """Give people the new ids that they have since an app moved.

    Members, connections and sessions stay. Can be run again at any time. Exit code 0: every line was taken, or is about
    nobody here; 1: lines were left out.
    """
    settings, act = load(config), make_act(operator, "")
    options = moved_ids.MoveOptions(int(time.time()), union_type, old_app_id, app_id, kind, dry_run)
    report = moved_ids.MoveReport(dry_run)
    pairs = moved_ids.read_file(source, report)
    service = settings.service
    with (
        closing(Database(service.database_url, synchronous=service.sqlite_synchronous)) as database,
        typer.progressbar(length=len(pairs), label="ids", file=typer.get_text_stream("stderr")) as bar,
    ):
        schema.prepare(database)
        if not dry_run:
            record_act(database, act, "members.ids_moved", "members", f"{len(pairs)} ids")
        asyncio.run(moved_ids.move_ids(pairs, database, options, report, bar.update))
    for line in report.lines():
        typer.echo(line)
    if report_file is not None:
        report_file.write_text(json.dumps(report.to_json(), indent=2) + "\n", "utf-8")
    raise typer.Exit(0 if report.is_complete else 1)


def _get_app_id(text: str) -> tuple[str, str]:
    old_type, _, value = text.partition("=")
    if old_type not in people.OPEN_ID_TYPES or not re.fullmatch("[!-~]{1,64}", value):
        raise SettingsError([f"--app-id: give TYPE=APP_ID, where TYPE is one of {', '.join(people.OPEN_ID_TYPES)}"])
    return old_type, value


def _convert_settings(shop: Javashop, secret_folder: str | None) -> settings_toml.ConvertedSettings:
    plugins = {
        name: settings_toml.PluginKeys(
            frozenset(plugin.provider.Settings.model_fields), frozenset(plugin.provider.entrances)
        )
        for name, plugin in Plugins().available.items()
    }
    pages = shop.pages(SETTINGS, settings_toml.COLUMNS) if shop.has_settings else ()
    return settings_toml.convert_settings((row for page in pages for row in page), plugins, secret_folder)


def _run(shop: Javashop, database: Database, options: ImportOptions, act: OperatorAct) -> ImportReport:
    schema.prepare(database)
    if not options.dry_run:
        record_act(database, act, "members.imported", "members", "from a Javashop")
    with typer.progressbar(length=shop.count(MEMBERS), label="members", file=typer.get_text_stream("stderr")) as bar:
        advance: Callable[[int], None] = bar.update
        return import_javashop(shop, database, options, advance)


def _print(report: ImportReport, converted: settings_toml.ConvertedSettings, report_file: Path | None) -> None:
    for line in report.lines():
        typer.echo(line)
    if converted.toml:
        typer.echo(f"\n# for connect.toml\n\n{converted.toml}", nl=False)
    if report_file is not None:
        report_file.write_text(json.dumps(report.to_json(), indent=2) + "\n", "utf-8")


def _write_secrets(folder: Path, secrets: dict[str, str]) -> None:
    """Write a file for each secret, readable by its owner alone, unless it is there already.

    Raises `SettingsError` for a file with another content, which is left alone.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, value in secrets.items():
        path = folder / name
        if path.exists():
            if path.read_text("utf-8") != value + "\n":
                raise SettingsError([f"--secrets-to: {path} exists with another content; it was left alone"])
            continue
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(value + "\n")
