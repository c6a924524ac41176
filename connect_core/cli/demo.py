"""`connect-login demo`: runs a shop, its login page and every plugin's sandbox, on loopback or in a local network."""

import ipaddress
from collections.abc import Collection
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connect_core.cli.console import wait_for_stop
from connect_core.cli.listening import find_network_address, listen_on, parse_port, resolve
from connect_core.cli.plugin.file import load_plugin_file
from connect_core.errors import PluginError, SettingsError
from connect_core.harness import RunningShop, Visitor, load_sandboxes, run_shop
from connect_core.identity import ClientType
from connect_core.observability.logs import configure_logging
from connect_core.providers.registry import Plugins
from connect_core.sandbox import Sandbox
from connect_core.settings.values import allow_plain_http, is_loopback
from connect_core.store import bulk
from connect_core.web import responses
from connect_core.web.account.routes import find_titles
from connect_core.web.pages.views import ConnectionView, MemberView
from connect_core.web.requests import get_language

CHOICE = (
    "alipay",
    "wechat",
    "qq",
    "weibo",
    "douyin",
    "dingtalk",
    "feishu",
    "apple",
    "google",
    "facebook",
    "line",
    "github",
)
"""What the demo's shop shows of our own providers, in this order: the first three large, the others as icons."""

NO_SANDBOX = 'it has no sandbox: name it in provider_hook, sandbox="package.module:Class"'
UNLOADED = "its sandbox cannot be loaded"


def demo(
    once: Annotated[
        bool,
        typer.Option("--once", help="Log in through every provider and client type, print what was written, and exit."),
    ] = False,
    host: Annotated[
        str,
        typer.Option(
            help="Address of this machine in a local network, so that a real phone can try the demo; "
            "0.0.0.0 finds it. Whoever is in that network can log in as anybody here."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            parser=parse_port,
            metavar="PORT",
            help="Port of the shop; the sandboxes take the next one. 0: any free port.",
        ),
    ] = 8000,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every provider that is installed, and not a shop's choice of them.")
    ] = False,
    plugin: Annotated[
        list[Path] | None,
        typer.Option(
            help="A plugin that is not installed: its file, such as ./acme.py, or the folder of its package. "
            "Can be repeated."
        ),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Leave out all providers but this. Can be repeated.")
    ] = None,
) -> None:
    """Try every login on this machine, without any account.

    Serves a shop, its login page and the vendors' sandboxes on loopback, until Ctrl-C. With `--host` it serves
    them in the local network instead, over plain http, which a real shop refuses: all people in it are made up.

    Exit code of `--once`, 0: every login worked; 1: one did not.
    """
    configure_logging("error" if once else "warning")
    plugins = Plugins(map(load_plugin_file, plugin or ()), loads_ours=everything or once)
    _load(plugins, only or ())
    if once:
        raise typer.Exit(0 if _try_all(plugins, only or ()) else 1)
    _serve(plugins, _find_address(host), port, only or ())


def _load(plugins: Plugins, only: Collection[str]) -> None:
    """Load `only`, or the demo's choice. Raises `PluginError` for one that is not installed."""
    plugins.load(only or CHOICE)
    for name in only:
        if name not in plugins.available:
            raise PluginError(plugins.explain_missing(name))


def _load_sandboxes(plugins: Plugins, only: Collection[str]) -> dict[str, Sandbox]:
    return {name: sandbox for name, sandbox in load_sandboxes(plugins).items() if not only or name in only}


def _serve(plugins: Plugins, address: str, port: int, only: Collection[str]) -> None:
    sandboxes = _load_sandboxes(plugins, only)
    for name, reason in _find_unusable(plugins, sandboxes, only).items():
        typer.echo(f"connect-login: {name} is left out: {reason}", err=True)
    in_order = {name: sandboxes[name] for name in dict.fromkeys([*CHOICE, *sandboxes]) if name in sandboxes}
    with (
        listen_on(address, port) as of_shop,
        listen_on(address, port and port + 1) as of_sandboxes,
        nullcontext() if is_loopback(address) else allow_plain_http(address),
        run_shop(in_order, plugins=plugins, ports=(of_shop, of_sandboxes), routes=demo_home()) as running_shop,
    ):
        for_phones = (
            f"phone       open the same address there; {address} is this machine in its network",
            "            whoever is in that network can log in here as anybody",
        )
        wait_for_stop(
            f"shop        {running_shop.url}/   (log in there; Ctrl-C ends the demo)",
            f"login page  {running_shop.url}/connect/login?client=pc   and  ?client=h5",
            *(() if is_loopback(address) else for_phones),
            "apps and mini programs have no page here: connect-login demo --once logs in through them",
        )


def _find_address(host: str) -> str:
    """Return the IP address that `host` means. Raises `SettingsError`, also for one that the internet reaches."""
    address = ipaddress.ip_address(resolve(host))
    if address.is_unspecified:
        address = ipaddress.ip_address(find_network_address())
    if address.is_global:
        raise SettingsError(
            [f"--host: {address} is a public address, and the demo logs in everybody as anybody; give a local one"]
        )
    return str(address)


def _find_unusable(plugins: Plugins, sandboxes: Collection[str], only: Collection[str]) -> dict[str, str]:
    """Return why nobody can log in through a plugin here, for each of them, or of `only`."""
    without = {name: plugin for name, plugin in plugins.available.items() if name not in sandboxes}
    reasons = {name: UNLOADED if plugin.sandbox else NO_SANDBOX for name, plugin in without.items()}
    return {name: reason for name, reason in {**plugins.quarantined, **reasons}.items() if not only or name in only}


def _try_all(plugins: Plugins, only: Collection[str]) -> bool:
    has_worked, sandboxes = True, _load_sandboxes(plugins, only)
    with run_shop(sandboxes, plugins=plugins) as running_shop:
        unusable = _find_unusable(plugins, sandboxes, only)
        logins = sorted(running_shop.manager.registry, key=lambda configured: configured.name)
        width = max(map(len, [*unusable, *(configured.name for configured in logins)]), default=0)
        for configured in logins:
            try:
                outcome = _try(running_shop, configured.name, configured.client_type)
            except Exception as error:  # noqa: BLE001 - a foreign sandbox may raise anything; the other logins are still tried
                outcome = f"FAILED {type(error).__name__}: {str(error)[:200]}"
            has_worked = has_worked and not outcome.startswith("FAILED")
            typer.echo(f"{configured.name:<{width}} {configured.client_type:<5} {outcome}")
        for name, reason in unusable.items():
            has_worked = False
            typer.echo(f"{name:<{width}}       FAILED {reason}")
    return has_worked


def _try(running_shop: RunningShop, provider: str, client: ClientType) -> str:
    with Visitor(running_shop) as visitor:
        login = visitor.log_in(provider, client)
        who = visitor.who(login)
    if who is None:
        return f"FAILED HTTP {login.status_code} {login.text[:200]}"
    row = next((row for row in running_shop.rows("es_connect") if row["member_id"] == who["uid"]), None)
    if row is None:
        return "FAILED no es_connect row"
    columns = ("id", "member_id", "union_type", "union_id", "union_scope")
    return f"ok  {who['uname']} {who['nickname']}  es_connect: " + " ".join(f"{key}={row[key]}" for key in columns)


def demo_home() -> list[BaseRoute]:
    """Return the route of the demo shop's front page: it shows who is logged in, or leads to the login page."""

    async def home(request: Request) -> Response:
        shop: Any = request.app.state.context
        language = get_language(request)
        current = await shop.manager.current_member.find_member(shop.get_presented(request))
        if current is None:
            return responses.redirect(f"{shop.prefix}/login")
        member = current.member
        person = MemberView(member.uname, member.nickname, member.face, member.province, member.city)
        rows = await shop.manager.database.read(lambda tx: bulk.find_rows(tx, "es_connect"))
        titles = find_titles(shop, language)
        find_icon = shop.manager.registry.find_icon
        connections = [
            ConnectionView(
                titles.get(row["union_type"], row["union_type"]),
                find_icon(row["union_type"]),
                nickname="es_connect #{id}: {union_type} {union_id}".format_map(row),
            )
            for row in rows
            if row["member_id"] == member.id and row["unbound_time"] is None
        ]
        response = responses.html_response(shop.pages.member(language, person, connections))
        shop.keep_language(request, response)
        return response

    return [Route("/", home, methods=["GET"])]
