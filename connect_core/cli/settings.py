"""`connect-login settings`: shows and changes the settings in the database, with `[service] settings = "database"`.

The rules are in `runtime_settings`: what is refused there ends a command with exit code 2 and a line for each mistake.
"""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from connect_core.cli.acting import AsJson, Operator, make_act
from connect_core.cli.configuration import DEFAULT, ConfigPath, load
from connect_core.cli.settings_toml import SECRET, read_toml, write_toml
from connect_core.errors import ChangedMeanwhile, SettingsError
from connect_core.http import HttpPool
from connect_core.providers.locked_settings import check_locks
from connect_core.providers.registry import Plugins, Registry
from connect_core.runtime_settings import ChangedSetting, RequestedChange, SettingVersions, StoredSettings
from connect_core.settings import Settings
from connect_core.store import Database, schema
from connect_core.web.pages.theme_check import load_pages

T = TypeVar("T")
app = typer.Typer(
    add_completion=False,
    help="Export, import and compare the settings in the database.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_NO_SETTINGS = "the database has no settings: those of connect.toml apply"
Comment = Annotated[str, typer.Option("--comment", help="Why, for the history: at most 255 characters.")]
Revision = Annotated[int, typer.Argument(min=0, help="A revision; 0 is connect.toml alone.")]


@app.callback()
def root() -> None:
    """Export, import and compare the settings in the database."""


@app.command()
def export(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file to write, which only you may read; it must not exist.")
    ] = None,
    secrets: Annotated[bool, typer.Option("--secrets", help="Print the secrets too, in clear text.")] = False,
    revision: Annotated[
        int | None, typer.Option("--revision", min=0, help="The revision to print. Default: the active one.")
    ] = None,
    operator: Operator = "",
    config: ConfigPath = DEFAULT,
) -> None:
    """Print the settings that the database has, as TOML. Those of connect.toml are not among them.

    A secret is printed as "(secret)", unless you give `--secrets`: an import leaves such a setting as it is.
    The audit log says who printed secrets.
    """
    act = make_act(operator, "")

    async def collect(versions: SettingVersions) -> dict[tuple[str, str], Any]:
        values = await versions.load_values(revision)
        if not secrets:
            hidden = {(view.section, view.name) for view in await versions.describe(revision) if view.is_secret}
            return {key: SECRET if key in hidden else value for key, value in values.items()}
        await versions.record_export(revision, act)
        return values

    values = _run(config, collect)
    text = write_toml(values) if values else f"# {_NO_SETTINGS}\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    with os.fdopen(os.open(output, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    typer.echo(f"wrote {output}", err=True)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A file in the form of `settings export`.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change; write nothing.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Also remove settings that FILE does not have.")] = False,
    base: Annotated[
        int | None,
        typer.Option("--base", min=0, help="Refuse unless this revision is active: the one that FILE was made from."),
    ] = None,
    comment: Comment = "",
    operator: Operator = "",
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """Check the settings of FILE and make them active.

    They become a new revision; other settings stay as they are. Values are taken literally: env:NAME and file:PATH work
    in connect.toml alone. Every process of the service follows within 5 seconds. When anything is wrong, nothing is
    written.

    Exit code 0: the settings are active, or were so before; 2: something is wrong, or `--base` is not active.
    """
    wanted, act = read_toml(file), make_act(operator, comment[:160])

    async def change(versions: SettingVersions) -> tuple[int, Sequence[ChangedSetting]]:
        current = await _find_base(versions, base)
        requests = _make_requests(wanted, await versions.load_values(current), replace=replace)
        changes = await versions.preview(requests)
        if dry_run or not changes:
            return current, changes
        revision = await versions.draft(requests, base=current, act=act, comment=comment)
        await versions.activate(revision, act)
        return revision, changes

    revision, changes = _run(config, change)
    if as_json:
        is_active = bool(changes) and not dry_run
        _print_json({"revision": revision, "changed": is_active, "changes": [asdict(each) for each in changes]})
        return
    _print_changes(changes)
    if not changes:
        typer.echo(f"nothing changes: revision {revision} has these settings")
    elif dry_run:
        typer.echo(f"nothing was written: revision {revision} stays active")
    else:
        typer.echo(f"revision {revision} is active")


@app.command()
def diff(
    old: Annotated[int | None, typer.Argument(min=0, help="A revision; default: the one before NEW.")] = None,
    new: Annotated[int | None, typer.Argument(min=0, help="Another; default: the active one.")] = None,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """Print in what two revisions differ; 0 is connect.toml alone.

    Of a secret it says only that it differs.

    Exit code 0: they are the same; 1: they differ.
    """

    async def compare(versions: SettingVersions) -> Sequence[ChangedSetting]:
        later = await versions.find_current() if new is None else new
        earlier = (await versions.find_revision(later)).base if old is None and later else old or 0
        return await versions.compare(earlier, later)

    changes = _run(config, compare)
    if as_json:
        _print_json([asdict(change) for change in changes])
    else:
        _print_changes(changes)
    raise typer.Exit(1 if changes else 0)


@app.command()
def history(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many revisions at most.")] = 50,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """List the revisions, the latest first.

    It prints what was changed, by whom, when and why. Secrets are not shown.
    """
    revisions = _run(config, lambda versions: versions.find_history(limit))
    if as_json:
        _print_json([asdict(revision) for revision in revisions])
        return
    if not revisions:
        typer.echo(_NO_SETTINGS)
    for revision in revisions:
        made = _format_time(revision.active_time or revision.create_time)
        typer.echo(f"revision {revision.revision} ({revision.state}) on {revision.base}, {made}, {revision.actor}")
        if revision.comment:
            typer.echo(f"  {revision.comment}")
        for line in map(_describe_change, revision.changes):
            typer.echo(f"  {line}")


@app.command()
def rollback(
    revision: Revision,
    comment: Comment = "",
    operator: Operator = "",
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """Go back to the values of an older revision.

    They become a new revision, secrets too; 0 is connect.toml alone. It works also when the service does not start
    because the active revision cannot be used.
    """
    act = make_act(operator, comment[:160])
    number = _run(config, lambda versions: versions.roll_back(revision, act, comment))
    if as_json:
        _print_json({"revision": number, "values_of": revision})
    else:
        typer.echo(f"revision {number} is active, with the values of {revision}")


async def _find_base(versions: SettingVersions, base: int | None) -> int:
    """Return the active revision. Raises `ChangedMeanwhile` when it is not `base`, where one is given."""
    current = await versions.find_current()
    if base not in (None, current):
        raise ChangedMeanwhile(f"revision {current} is active, and not {base}: export it, and look at it again")
    return current


def _make_requests(
    wanted: Mapping[tuple[str, str], Any], present: Mapping[tuple[str, str], Any], *, replace: bool
) -> Sequence[RequestedChange]:
    """Return the changes that bring the database from `present` to `wanted`; secrets that are left out stay."""
    missing = [f"{section}.{name}" for (section, name), value in wanted.items() if value == SECRET]
    missing = [path for path in missing if tuple(path.rsplit(".", 1)) not in present]
    if missing:
        raise SettingsError([f"{path}: the database has no value to keep; give the secret itself" for path in missing])
    requests = [RequestedChange(*key, value) for key, value in wanted.items() if value != SECRET]
    taken_away = [key for key in present if replace and key not in wanted]
    return [*requests, *(RequestedChange(*key, None) for key in taken_away)]


def _print_changes(changes: Sequence[ChangedSetting]) -> None:
    for line in map(_describe_change, changes):
        typer.echo(line)


def _describe_change(change: ChangedSetting) -> str:
    path = f"{change.section}.{change.name}"
    if change.is_secret:
        return f"{path}: {SECRET}"
    return f"{path}: {change.old or 'not set'} -> {change.new or 'not set'}"


def _format_time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _run(config: Path, action: Callable[[SettingVersions], Awaitable[T]]) -> T:
    """Run `action` without a manager: a revision that cannot be used keeps one from being made."""
    settings = load(config)
    if settings.service.settings != "database":
        raise SettingsError(['service.settings: is "file": set it to "database" in connect.toml first'])

    async def run() -> T:
        database, plugins, pool = Database(settings.service.database_url), Plugins(loads_ours=False), HttpPool()
        try:
            check_locks(settings, plugins)
            mistake = schema.get_advice(schema.find_state(database), f"{schema.UPGRADE} --config {config}")
            if mistake:
                raise SettingsError([f"service.database_url: {mistake}"])
            stored = StoredSettings(settings, database)
            versions = SettingVersions(stored, database, plugins, pool, lambda: int(time.time()))
            versions.preparations += [partial(_check_providers, plugins, pool), partial(_check_pages, plugins)]
            return await action(versions)
        finally:
            await pool.aclose()
            database.close()

    return asyncio.run(run())


def _check_providers(plugins: Plugins, pool: HttpPool, settings: Settings) -> Callable[[], None]:
    Registry(settings, plugins, pool)
    return _put_nothing_to_use


def _check_pages(plugins: Plugins, settings: Settings) -> Callable[[], None]:
    load_pages(settings.pages, settings.service.prefix, plugins.icons, settings.service.home_url)
    return _put_nothing_to_use


def _put_nothing_to_use() -> None:
    pass
