"""`connect-login doctor`: examines a configuration and the service that runs with it, and prints what it finds."""

import asyncio
import json
import logging
import re
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated

import typer

from connect_core import __version__
from connect_core.cli.configuration import DEFAULT, ConfigPath
from connect_core.doctor.examination import Options, Surroundings, examine
from connect_core.doctor.last_run import store_last_run
from connect_core.doctor.provider_checks import check_provider
from connect_core.errors import SettingsError
from connect_core.findings import Finding, Level
from connect_core.identity import ClientType
from connect_core.settings import Settings, load_settings
from connect_core.web.pages.theme_check import load_pages

EXIT_CODES = {Level.OK: 0, Level.WARNING: 1, Level.BROKEN: 2}
_SIGNS = {Level.OK: ("ok", "green"), Level.WARNING: ("warning", "yellow"), Level.BROKEN: ("broken", "red")}
_HINT = ("hint", "cyan")
_ROOT_PATH = re.compile("(/[A-Za-z0-9._~-]+)*")
_WIDTH = 7
_ERASE_LINE = "\r\x1b[K"


def doctor(
    config: ConfigPath = DEFAULT,
    provider: Annotated[
        str, typer.Option("--provider", metavar="NAME", help="Examine this provider alone, NAME of [providers.NAME].")
    ] = "",
    client: Annotated[
        ClientType | None, typer.Option("--client", help="Examine the providers of this client type alone.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Call nobody but the database and Redis: no vendor, and not public_url.")
    ] = False,
    root_path: Annotated[
        str,
        typer.Option(
            "--root-path",
            metavar="PATH",
            help="The path at which your own application mounts the service, such as /shop; default: [service] "
            "root_path.",
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for monitoring and scripts.")] = False,
) -> None:
    """Find out what is wrong, and what to do about it.

    Examines the configuration, the plugins, the keys and files, the addresses, whether public_url leads to this very
    service, the database, Redis, the disk, and each provider for each client type. Run it on the machine of the
    service, as the user of the service, with the same configuration and environment; while the service runs, and
    offline before it does. With --provider or --client only providers are examined.

    Nothing is changed; with [admin] enabled the result is stored, and the dashboard of the admin page shows it.

    Each line has a sign: ok, hint, warning or broken. The id in brackets is stable; the reference page "Findings"
    explains each of them. It takes at most about 30 seconds.

    Exit code 0: all is well, there may be hints; 1: there are warnings, logins work; 2: something is broken.
    """
    logging.getLogger("connect_login").addHandler(logging.NullHandler())  # what is logged is a finding as well
    if not _ROOT_PATH.fullmatch(root_path):
        raise SettingsError(["--root-path: give a path such as /shop, without a slash at the end"])
    options = Options(config, provider, client, offline, root_path)
    progress = _Progress()
    surroundings = Surroundings(check_provider=check_provider, check_pages=check_pages, tell=progress.tell)
    try:
        findings = asyncio.run(_examine(options, surroundings))
    finally:
        progress.end()
    if as_json:
        typer.echo(_to_json(findings))
    else:
        _print(findings)
    raise typer.Exit(EXIT_CODES[get_status(findings)])


async def _examine(options: Options, surroundings: Surroundings) -> list[Finding]:
    findings = await examine(options, surroundings)
    if not options.is_about_providers and not options.offline:
        with suppress(SettingsError):  # what is wrong with the configuration is a finding
            settings = load_settings(options.config, report_renamed=_ignore, report_readable=_ignore)
            await store_last_run(settings, findings, int(surroundings.now()))
    return findings


def _ignore(first: object, second: object) -> None:
    """Report nothing: it is a finding already."""


def get_status(findings: Sequence[Finding]) -> Level:
    """Return the worst level."""
    levels = {finding.level for finding in findings}
    return next((level for level in (Level.BROKEN, Level.WARNING) if level in levels), Level.OK)


def check_pages(settings: Settings) -> None:
    """Load the pages as the service does. Raises `SettingsError` for what cannot be used."""
    load_pages(settings.pages, settings.service.prefix, {}, settings.service.home_url)


def _to_json(findings: Sequence[Finding]) -> str:
    return json.dumps(
        {
            "status": get_status(findings),
            "findings": [
                {name: getattr(finding, name) for name in ("id", "level", "subject", "text", "remedy")}
                for finding in findings
            ],
            "version": __version__,
            "checked_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
        ensure_ascii=False,
        indent=2,
    )


def _print(findings: Sequence[Finding]) -> None:
    subjects = list(dict.fromkeys(finding.subject for finding in findings))
    ordered = sorted(findings, key=lambda finding: subjects.index(finding.subject))
    for subject, group in groupby(ordered, key=lambda finding: finding.subject):
        typer.echo(subject)
        for finding in group:
            _print_finding(finding)
    counts = Counter(_get_sign(finding)[0] for finding in findings)
    warnings, hints = (f"{counts[sign]} {sign}{'' if counts[sign] == 1 else 's'}" for sign in ("warning", "hint"))
    typer.echo(f"{counts['broken']} broken, {warnings}, {hints}, {counts['ok']} ok")


def _print_finding(finding: Finding) -> None:
    sign, color = _get_sign(finding)
    # without a terminal `echo` drops the colour
    typer.echo(f"  {typer.style(sign.ljust(_WIDTH), fg=color)}  {_to_line(finding.text)} [{finding.id}]")
    if finding.remedy:
        typer.echo(f"{' ' * (_WIDTH + 4)}{_to_line(finding.remedy)}")


def _to_line(text: str) -> str:
    """Return a text, which may quote a server or a plugin, on one line and without control characters."""
    return "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))


def _get_sign(finding: Finding) -> tuple[str, str]:
    return _HINT if finding.level is Level.OK and finding.remedy else _SIGNS[finding.level]


class _Progress:
    """The line on a terminal that says which checks have not ended yet."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()

    def tell(self, waiting: Collection[str]) -> None:
        """Show the names of these checks."""
        if self._is_shown and waiting:
            names = list(waiting)
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            typer.echo(f"{_ERASE_LINE}checking {', '.join(names[:3])}{more} ...", err=True, nl=False)

    def end(self) -> None:
        """Remove the line."""
        if self._is_shown:
            typer.echo(_ERASE_LINE, err=True, nl=False)
