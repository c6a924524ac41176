"""`connect-login plugin wire`: shows each request of a login, to compare with the vendor's documentation."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from textwrap import fill
from typing import Annotated, Any

import typer

from connect_core.cli.plugin.described_login import DescribedLogin, DescribedRequest, describe_login
from connect_core.cli.plugin.recording import record_login
from connect_core.errors import PluginError
from connect_core.identity import ClientType
from connect_core.observability.logs import configure_logging
from connect_core.providers.registry import Plugins, ProviderType

_SENDERS = {"shop": "", "browser": " (the browser)", "client": " (the app, mini program or page)"}


def wire(
    name: Annotated[str, typer.Argument(help="An installed plugin, such as acme.")],
    client: Annotated[
        ClientType | None, typer.Option(help="One client type; by default all that the plugin serves.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with the same values.")] = False,
) -> None:
    """Show the requests of a login.

    Compare them with the vendor's documentation. Logs one person in through the plugin's sandbox. Secrets, codes and
    tokens are replaced by their names. Exit code 0: every login worked; 1: one did not, or got no profile.
    """
    configure_logging("critical")
    plugins = Plugins()
    plugin = _find_plugin(plugins, name)
    logins = [describe_login(record_login(plugins, plugin, each)) for each in _find_clients(plugin, client)]
    if as_json:
        typer.echo(json.dumps([asdict(login) for login in logins], ensure_ascii=False, indent=2))
    else:
        typer.echo("\n\n".join("\n".join(_write_login(login)) for login in logins))
    raise typer.Exit(1 if any(login.error or login.lost for login in logins) else 0)


def _find_plugin(plugins: Plugins, name: str) -> ProviderType:
    if name not in plugins.available:
        raise PluginError(plugins.explain_missing(name))
    plugin = plugins.available[name]
    if not plugin.sandbox:
        raise PluginError(f"plugin {name} has no sandbox, so nobody can log in through it here")
    return plugin


def _find_clients(plugin: ProviderType, client: ClientType | None) -> Sequence[ClientType]:
    served = list(plugin.provider.entrances)
    if client is None:
        return served
    if client not in served:
        raise PluginError(f"plugin {plugin.name} does not serve {client}; it serves {', '.join(served)}")
    return [client]


def _write_login(login: DescribedLogin) -> Iterator[str]:
    yield f"# {login.plugin}, {login.client} ({login.entrance})"
    for number, request in enumerate(login.requests, 1):
        yield ""
        yield f"{number}. {request.operation or 'unknown operation'}{_SENDERS[request.sender]}"
        yield from _write_request(request)
    yield ""
    if login.error:
        yield f"the login failed: {login.error}"
    else:
        yield (
            f"the person is logged in, but WITHOUT a profile: {login.lost}" if login.lost else "the person is logged in"
        )


def _write_request(request: DescribedRequest) -> Iterator[str]:
    if request.method:
        yield f"   {request.method} {request.url}"
    yield from _write_values("query", _flatten(request.query))
    yield from _write_values("header", request.headers)
    body = request.body if isinstance(request.body, Mapping) else {"": request.body} if request.body else {}
    yield from _write_values(request.body_kind or "text", _flatten(body))
    if request.status is not None:
        answer = f"HTTP {request.status}: {', '.join(request.answer) or 'no members'}"
        yield fill(answer, 110, initial_indent="   answer  ", subsequent_indent=" " * 11, break_long_words=False)


def _write_values(kind: str, values: Mapping[str, Any]) -> Iterator[str]:
    for number, (name, value) in enumerate(values.items()):
        yield f"   {kind if not number else '':<8}{f'{name} = ' if name else ''}{value}"


def _flatten(values: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return the members of nested objects by path, such as `data.user.id`."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        is_object = isinstance(value, Mapping) and value
        flat |= _flatten(value, f"{path}{name}.") if is_object else {f"{path}{name}": value}
    return flat
