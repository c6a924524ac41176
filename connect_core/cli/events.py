"""`connect-login events`: shows what endpoints got and what not, sends it again, enables and tests them.

The rules are in `events.webhooks`: what is refused there ends a command with exit code 2 and one line.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from connect_core.cli.acting import AsJson, Operator, Reason, make_act, run_with_manager
from connect_core.cli.configuration import DEFAULT, ConfigPath
from connect_core.errors import SettingsError
from connect_core.events.messages import format_time

app = typer.Typer(
    add_completion=False,
    help="Show what webhooks and the Redis stream got, and send it again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
EndpointName = Annotated[
    str,
    typer.Argument(
        help="NAME of `[webhooks.NAME]`, or `redis:stream` for the stream in Redis.",
        metavar="ENDPOINT",
        show_default=False,
    ),
]
OfEndpoint = Annotated[
    str, typer.Option("--endpoint", help="Only of this endpoint: NAME of `[webhooks.NAME]`, or `redis:stream`.")
]
_TIMES = ("create_time", "end_time", "retry_time", "failing_since", "disabled_time", "oldest_time")


@app.callback()
def root() -> None:
    """Show what webhooks and the Redis stream got, and send it again."""


@app.command("list")
def list_deliveries(
    state: Annotated[str, typer.Option("--state", help="Only `pending`, `dead` or `delivered` ones.")] = "",
    endpoint: OfEndpoint = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")] = 50,
    before: Annotated[int, typer.Option("--before", min=0, help="Only those with a lower id: for the next page.")] = 0,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """List deliveries to endpoints, the latest first.

    Their state is `pending`, `delivered`, or `dead`: given up after three days.
    """
    views = run_with_manager(config, lambda manager: manager.webhooks.find_deliveries(endpoint, state, before, limit))
    columns = ("id", "endpoint", "type", "member_id", "create_time", "state", "attempts", "last_error")
    _print([asdict(view) for view in views], columns, "no delivery was found", as_json=as_json)


@app.command()
def endpoints(as_json: AsJson = False, config: ConfigPath = DEFAULT) -> None:
    """List the endpoints, with what waits for them and the last error."""
    views = run_with_manager(config, lambda manager: manager.webhooks.find_endpoints())
    columns = ("name", "state", "pending", "dead", "oldest_time", "failing_since", "last_error")
    _print([asdict(view) for view in views], columns, "there is no endpoint", as_json=as_json)


@app.command()
def replay(
    ids: Annotated[
        list[int] | None, typer.Argument(help="Ids of deliveries, as `events list` shows them.", metavar="ID")
    ] = None,
    dead: Annotated[bool, typer.Option("--dead", help="All dead deliveries, instead of single ones.")] = False,
    endpoint: OfEndpoint = "",
    reason: Reason = "",
    operator: Operator = "",
    config: ConfigPath = DEFAULT,
) -> None:
    """Send deliveries again that are dead or were delivered.

    The running service sends them within seconds. They keep their `webhook-id`, so a receiver that has them already can
    tell. An endpoint that is disabled gets nothing before you enable it.
    """
    if bool(ids) == dead or (ids and endpoint):
        raise SettingsError(["events replay: give ids, or --dead (with --endpoint if you like)"])
    act = make_act(operator, reason)
    if ids:
        chosen = ids
        count = run_with_manager(config, lambda manager: manager.webhooks.replay(chosen, act))
    else:
        count = run_with_manager(config, lambda manager: manager.webhooks.replay_dead(endpoint, act))
    typer.echo(f"{count} {'delivery is' if count == 1 else 'deliveries are'} sent again")


@app.command()
def enable(endpoint: EndpointName, reason: Reason = "", operator: Operator = "", config: ConfigPath = DEFAULT) -> None:
    """Enable an endpoint that was disabled, or try a failing one now.

    It gets what waits for it within seconds. What is dead stays so until you replay it.
    """
    act = make_act(operator, reason)
    is_new = run_with_manager(config, lambda manager: manager.webhooks.enable(endpoint, act))
    typer.echo(f"{endpoint} {'is enabled' if is_new else 'was active before'}")


@app.command("test")
def send_test(
    endpoint: EndpointName, reason: Reason = "", operator: Operator = "", config: ConfigPath = DEFAULT
) -> None:
    """Send an endpoint a test event, and print what it answers.

    The event is `connect.test`, signed like all others. Exit code 0: it was taken; 1: it was not.
    """
    act = make_act(operator, reason)
    sent = run_with_manager(config, lambda manager: manager.webhooks.send_test(endpoint, act))
    answer = f"HTTP {sent.status}" if sent.status else sent.error or "taken"
    typer.echo(f"{endpoint}: {answer}, {sent.seconds:.2f} s")
    raise typer.Exit(0 if sent.is_delivered else 1)


def _print(rows: list[dict[str, Any]], columns: Sequence[str], otherwise: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for line in _align(columns, rows) if rows else [otherwise]:
        typer.echo(line)


def _align(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    lines = [[name.removesuffix("_time") for name in columns]]
    lines += [[_show(name, row[name]) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()


def _show(name: str, value: object) -> str:
    if isinstance(value, int) and (name in _TIMES):
        return format_time(value)
    return "" if value is None else str(value)
