"""`connect-login explain`: what happened to one login, or what would happen to a person who logs in now.

Reads the log and the database, and changes neither. The words of a login's story are in `observability.login_story`,
the rules about a person in `members.preview`.
"""

import asyncio
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, NamedTuple

import typer

from connect_core.cli import person_story
from connect_core.cli.configuration import DEFAULT, ConfigPath, load
from connect_core.errors import SettingsError, Unavailable
from connect_core.manager import ConnectManager
from connect_core.members.preview import preview_login
from connect_core.observability.login_log import LoginLog, find_login
from connect_core.observability.login_story import tell
from connect_core.store import Database, event_search, schema

_REQUEST_ID = re.compile("[0-9a-f]{16}")
_STDIN = "-"
_MEMORY = 64 * 2**20
"""Bytes of standard input that are kept in memory; more go to a temporary file."""
_WHERE = "it is on the error page, in the header X-Request-ID, in problem details, and in every log line of the request"


def explain(
    request_id: Annotated[
        str, typer.Argument(help="The id of a request, such as 8c1f0a7be2d95346.", metavar="[REQUEST_ID]")
    ] = "",
    log: Annotated[
        str, typer.Option("--log", help="The service's log; - reads it from standard input.", metavar="FILE|-")
    ] = "",
    identity: Annotated[
        list[str] | None,
        typer.Option(
            "--identity",
            help="A person's id at a vendor, such as ALIPAY:user_id:2088123456789012. Repeat it for several ids of one "
            "person.",
            metavar="UNION_TYPE:KIND:VALUE",
        ),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="The app id or issuer for which the id is valid.", metavar="APP_ID"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """Tell what happened to a login, or which member a person is.

    With REQUEST_ID it tells what the log and the events in the database say of that request, and of the other requests
    of the same login: the start, the callback and the choice at a first login. Without `--log` it reads the events
    alone, and those know nothing of a login that was refused.

    With `--identity` it says which member a person is, by which id and which rule. It logs nobody in and changes
    nothing. `--scope` is for ids that are valid for one app or issuer: give it once for the `open_id`, or without one
    the `union_id`, or once for each `--identity`, in the same order.

    Exit code 0: something is known; 1: nothing is known of the request, or nobody by these ids.
    """
    if bool(request_id) == bool(identity):
        raise SettingsError(["explain takes a request id, or --identity: connect-login explain 8c1f0a7be2d95346"])
    if identity:
        person = person_story.parse_identity(identity, scope or [])
        raise typer.Exit(_explain_person(person, config, as_json=as_json))
    if not _REQUEST_ID.fullmatch(request_id):
        raise SettingsError([f"a request id has 16 hexadecimal digits, such as 8c1f0a7be2d95346; {_WHERE}"])
    raise typer.Exit(_explain_request(request_id, log, config, as_json=as_json))


class _Stored(NamedTuple):
    """The events of a login in the database; `trouble` says why they could not be read."""

    rows: list[dict[str, Any]]
    trouble: str = ""


def _explain_request(request_id: str, log: str, config: Path, *, as_json: bool) -> int:
    login = LoginLog(requests={request_id})
    if log:
        with _open_log(log) as file:
            login = find_login(file, request_id)
    stored = _find_events(config, sorted(login.requests))
    story = tell(login.lines, stored.rows)
    is_known = bool(login.lines or stored.rows)
    if as_json:
        named = {"request_id": request_id, "requests": sorted(login.requests), "story": story}
        _print_json({**named, "lines": login.lines, "events": stored.rows, "trouble": stored.trouble})
    else:
        for paragraph in story:
            typer.echo(paragraph)
        for note in _note(request_id, log, login, stored, is_known=is_known):
            typer.echo(note, err=True)
    return 0 if is_known else 1


def _note(request_id: str, log: str, login: LoginLog, stored: _Stored, *, is_known: bool) -> Iterator[str]:
    """Say where was looked, as far as a reader needs it to trust the story."""
    if stored.trouble:
        yield f"The events in the database could not be read: {stored.trouble}"
    if not is_known:
        yield f"Nothing is known of the request {request_id}. {_say_where(log, login, stored)}"
        yield f"A request id has 16 hexadecimal digits; {_WHERE}."
        yield "Of a flood of refusals the log has 60 a minute for each error code, so one of them may be missing."
    elif not log:
        yield "Only the events were read. Give the log for the whole story: --log FILE, or --log - in a pipe."


def _say_where(log: str, login: LoginLog, stored: _Stored) -> str:
    looked = "" if stored.trouble else "es_connect_event has no event of it. "
    if not log:
        return f"{looked}No log was read: give it with --log FILE, or --log - in a pipe."
    name = "standard input" if log == _STDIN else log
    span = f", from {login.first_time} to {login.last_time}" if login.first_time else ", and none of them is ours"
    return f"{looked}{name} has no line of it: it has {login.read} lines{span}."


@contextmanager
def _open_log(log: str) -> Iterator[IO[bytes]]:
    """Yield the log, to be read from its start as often as wanted."""
    if log != _STDIN:
        with Path(log).open("rb") as file:
            yield file
        return
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY) as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        yield copy


def _find_events(config: Path, request_ids: list[str]) -> _Stored:
    service = load(config).service
    with closing(Database(service.database_url, synchronous=service.sqlite_synchronous)) as database:
        try:
            if mistake := schema.get_advice(schema.find_state(database), f"{schema.UPGRADE} --config {config}"):
                return _Stored([], mistake)
            with database.open_long() as connection:
                return _Stored(connection.read(lambda tx: event_search.find_of_requests(tx, request_ids, time.time())))
        except Unavailable as error:
            return _Stored([], str(error))


def _explain_person(person: person_story.PersonIds, config: Path, *, as_json: bool) -> int:
    async def run() -> tuple[dict[str, Any], list[str]]:
        settings = load(config)
        service = settings.service
        manager = ConnectManager(settings, Database(service.database_url, synchronous=service.sqlite_synchronous))
        try:
            if mistake := schema.get_advice(schema.find_state(manager.database), f"{schema.UPGRADE} --config {config}"):
                raise SettingsError([f"service.database_url: {mistake}"])
            identity = person_story.make_identity(person, manager)
            preview = await preview_login(manager.services, identity, person_story.find_client_type(person, manager))
            return person_story.describe(person, preview), person_story.tell(person, preview, manager)
        finally:
            await manager.aclose()

    described, story = asyncio.run(run())
    if as_json:
        _print_json({**described, "story": story})
    else:
        for sentence in story:
            typer.echo(sentence)
    return 0 if described["people"] else 1


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
