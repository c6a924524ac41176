"""What may be wrong with the way to the service, with its database, and with Redis: one change for each."""

import asyncio
import os
import re
import socket
import sqlite3
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse, Response

from connect_core.findings import Finding
from connect_core.sandbox.serving import serving
from connect_core.store import schema

from ..kit.databases import empty_database, fresh_database, is_answering, server_of
from ..kit.peers import Peer, peer
from ..kit.receiver import SECRET
from ..kit.redis_server import own_redis
from .bench import Bench, make_certificate
from .configuration_faults import Fault, configure_alipay, new_key

UNUSED = "http://127.0.0.1:9"
HOUR = 3600


def execute(bench: Bench, *statements: str) -> None:
    """Change the SQLite file."""
    with sqlite3.connect(bench.folder / "connect.db") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def declare_nocase(bench: Bench) -> None:
    """Let an id compare without regard to case."""
    connection = sqlite3.connect(bench.folder / "connect.db")
    [(made,)] = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'es_connect'").fetchall()
    connection.executescript("DROP VIEW IF EXISTS x; DROP TABLE es_connect")
    connection.execute(made.replace('union_id VARCHAR(255) COLLATE "BINARY"', "union_id VARCHAR(255) COLLATE NOCASE"))
    connection.commit()
    connection.close()


def lock(bench: Bench) -> None:
    """Hold SQLite's lock."""
    connection = sqlite3.connect(bench.folder / "connect.db", isolation_level=None)
    bench.stack.callback(connection.close)
    connection.execute("BEGIN IMMEDIATE")


def use_server(bench: Bench, engine: str = "postgresql", parameters: str = "", *, is_empty: bool = False) -> None:
    """Let the database be on a server."""
    server = server_of(engine)
    bench.require(is_answering(server), f"{engine} does not answer on this machine")
    database = (empty_database if is_empty else fresh_database)(server, bench.folder)
    bench.service["database_url"] = bench.stack.enter_context(database) + parameters


def set_read_only(bench: Bench) -> None:
    """Let the server take no writes."""
    use_server(bench, parameters="?options=-c%20default_transaction_read_only%3Don")


def move_clock(bench: Bench, seconds: int = HOUR) -> None:
    """Let this machine's clock be wrong."""
    now = bench.surroundings.now
    bench.surroundings.now = lambda: now() + seconds


def run_two_workers(app: Starlette) -> None:
    """Let the service say that there are two workers."""
    app.state.workers = 2


def use_redis(bench: Bench, *options: str) -> None:
    """Run a Redis."""
    redis = bench.stack.enter_context(own_redis(bench.require, bench.folder, *options))
    bench.service["redis_url"] = redis.url


def add_webhook(bench: Bench, *statements: str) -> None:
    """Let the shop have an endpoint, and its rows say what is the matter."""
    bench.raw["webhooks"] = {"crm": {"url": "https://crm.example/hooks", "secrets": [SECRET]}}
    execute(bench, *statements)


def let_events_wait(bench: Bench) -> None:
    """Let an event wait for an endpoint for a day."""
    add_webhook(
        bench,
        "INSERT INTO es_webhook_delivery (endpoint, event_id, member_id, state, create_time, last_error, attempts)"
        " VALUES ('crm', 1, 1, 'pending', strftime('%s') - 86400, 'http_500', 3)",
    )


def disable_webhook(bench: Bench) -> None:
    """Let an endpoint be disabled."""
    add_webhook(bench, "INSERT INTO es_webhook_endpoint (name, state) VALUES ('crm', 'disabled')")


def answer_as_old_redis(server: Peer, connection: socket.socket) -> None:
    """Answer as Redis 5."""
    info = b"redis_version:5.0.7\r\nrole:master\r\nmaxmemory:0\r\n"
    while request := connection.recv(65536):
        for command in re.findall(rb"\*\d+\r\n\$\d+\r\n(\w+)", request):
            match command.upper():
                case b"INFO":
                    connection.sendall(b"$%d\r\n%s\r\n" % (len(info), info))
                case b"TIME":
                    connection.sendall(b"*2\r\n$10\r\n1800000000\r\n$1\r\n0\r\n")
                case _:
                    connection.sendall(b"+OK\r\n")


def use_old_redis(bench: Bench) -> None:
    """Have a Redis of an old version."""
    server = bench.stack.enter_context(peer(answer_as_old_redis))
    bench.service["redis_url"] = server.url.replace("http:", "redis:")


def serve_with_other_keys(bench: Bench) -> None:
    """Run another shop's service at this one's address."""
    mine = bench.service["secret_keys"]
    bench.service["secret_keys"] = [new_key()]
    bench.serve()
    bench.service["secret_keys"] = mine


def take_turns_with_other_keys(bench: Bench) -> None:
    """Have a load balancer before this service and one with other keys."""
    other = bench.stack.enter_context(serving(bench.make_app(secret_keys=[new_key()])))
    bench.serve_behind(takes_turns_with=other)


def serve_before_rotation(bench: Bench) -> None:
    """Put a new key before the one that the service has."""
    bench.serve()
    bench.service["secret_keys"] = [f"file:{bench.write('new', new_key()).name}", *bench.service["secret_keys"]]


def serve_old_version(bench: Bench) -> None:
    """Run the service of another version, as the proxy tells it."""
    bench.serve_behind(rewrites=(b'"version": "', b'"version": "0.0.'))


def answer_instead(response: Response) -> Fault:
    """Let somebody else answer."""
    return lambda bench: bench.serve_behind(instead=response)


def behind(**proxy: Any) -> Fault:
    """Run the service behind such a proxy, on this machine."""
    return lambda bench: bench.serve_behind(**proxy)


def published(**proxy: Any) -> Fault:
    """Run the service behind such a proxy, at https://shop.example."""
    return lambda bench: bench.publish(**proxy)


def serve_tls(bench: Bench, *, days: int, is_trusted: bool = True) -> None:
    """Have a TLS server with a certificate that is valid for so many days; its clock is this machine's."""
    certificate, key = make_certificate(bench.folder, days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = bench.stack.enter_context(peer(lambda *_: None, context))
    bench.service["public_url"] = server.url.replace("127.0.0.1", "localhost")
    bench.options["offline"] = False
    if is_trusted:
        os.environ["SSL_CERT_FILE"] = str(certificate)


def expire(days_before: float, life: int = 365) -> Fault:
    """Look at a certificate so many days before its end."""

    def change(bench: Bench) -> None:
        serve_tls(bench, days=life)
        move_clock(bench, int((life - days_before) * 24 * HOUR))

    return change


def check_as(work: Callable[[], Awaitable[list[Finding]]]) -> Fault:
    """Let the check of a provider do this."""

    async def check(configured: object, **_: object) -> list[Finding]:
        return await work()

    def change(bench: Bench) -> None:
        configure_alipay(bench)
        bench.options["check_seconds"] = 0.3
        bench.surroundings.check_provider = check

    return change


async def hang_for_ever() -> list[Finding]:
    """Do not end."""
    await asyncio.sleep(60)
    return []


async def fail() -> list[Finding]:
    """Raise what no check may raise."""
    raise RuntimeError("secret-in-an-error")


def wait_with_notices(bench: Bench) -> None:
    """Have a notice that no plugin took."""
    columns = "kind, member_id, connect_id, provider, client_type, union_type, subject_hash, request_id, create_time"
    execute(bench, f"INSERT INTO es_connect_event ({columns}, detail) VALUES ('bound',1,1,'a','pc','A','','',1000,'')")


HTML = HTMLResponse("<h1>Another shop</h1>")
SERVICE_FAULTS: Mapping[str, list[Fault]] = {
    "public_url_unreachable": [
        lambda bench: bench.options.update(offline=False) or bench.service.update(public_url=UNUSED),
    ],
    "public_url_proxy_error": [
        answer_instead(HTMLResponse("<h1>502</h1>", 502)),
        answer_instead(Response(status_code=504)),
    ],
    "public_url_other_instance": [serve_with_other_keys, take_turns_with_other_keys],
    "public_url_unsteady": [behind(takes_turns_with=Response(status_code=502))],
    "public_url_foreign": [answer_instead(HTML), answer_instead(HTMLResponse("<h1>404</h1>", 404))],
    "public_url_redirected": [answer_instead(RedirectResponse("https://www.shop.example/?code=1", 302))],
    "public_url_wrong_path": [
        behind(cuts="/connect"),
        behind(adds="/shop"),
        lambda bench: bench.serve() and bench.service.update(root_path="/shop"),
    ],
    "service_keys_differ": [serve_before_rotation],
    "service_version_differs": [serve_old_version],
    "proxy_caches": [behind(caches=True), behind(caches=True, ignores_query=True)],
    "proxy_strips_headers": [
        behind(drops=("cookie",)),
        behind(drops=("authorization",)),
        behind(drops_answers=("cache-control",)),
    ],
    "proxy_changes_cookies": [
        behind(drops_answers=("set-cookie",)),
        behind(cookie_rule=lambda text: text.replace("SameSite=lax", "SameSite=None")),
    ],
    "proxy_not_trusted": [lambda bench: bench.service.update(trusted_proxies=[]) or bench.serve_behind()],
    "proxy_hides_client": [published(forwards="nothing")],
    "client_address_forged": [behind(forwards="pass")],
    "plain_http_answered": [published(answers_plainly=True)],
    "hsts_missing": [published(more_headers={})],
    "tls_certificate_refused": [lambda bench: serve_tls(bench, days=365, is_trusted=False)],
    "tls_certificate_30_days": [expire(20)],
    "tls_certificate_7_days": [expire(3)],
    "tls_certificate_1_day": [expire(0.5)],
    "database_unusable": [
        lambda bench: bench.service.update(database_url="postgresql+psycopg://shop@127.0.0.1/shop?bogus=1"),
        lambda bench: bench.service.update(database_url="sqlite:///nowhere/connect.db") or (bench.folder / "x").touch(),
    ],
    "database_unreachable": [
        lambda bench: bench.service.update(database_url="postgresql+psycopg://shop:secret@127.0.0.1:1/shop"),
        lambda bench: bench.write("connect.db", "this is no database" * 100),
    ],
    "database_empty": [lambda bench: (bench.folder / "connect.db").unlink()],
    "database_schema_wrong": [
        lambda bench: execute(bench, "UPDATE es_connect_schema SET version_num = '0001', min_version = '0001'"),
        lambda bench: execute(bench, "UPDATE es_connect_schema SET version_num = '9999', min_version = '9999'"),
        lambda bench: execute(bench, "DROP TABLE es_connect_used_flow"),
        lambda bench: use_server(bench, is_empty=True),
        lambda bench: use_server(bench, "mariadb", is_empty=True),
    ],
    "database_schema_newer": [
        lambda bench: execute(
            bench, f"UPDATE es_connect_schema SET version_num = '9999', min_version = '{schema.VERSIONS[0]}'"
        ),
    ],
    "database_collation_wrong": [declare_nocase],
    "database_read_only": [set_read_only],
    "database_not_writable": [lock],
    "database_clock_differs": [
        lambda bench: use_server(bench) or move_clock(bench),
        lambda bench: use_server(bench, "mariadb") or move_clock(bench, -HOUR),
    ],
    "database_connections": [lambda bench: use_server(bench) or bench.service.update(database_pool_size=900)],
    "sqlite_several_workers": [lambda bench: bench.serve(run_two_workers)],
    "sqlite_network_file_system": [
        lambda bench: bench.set_machine(
            mounts=bench.write("mounts", f"/ / ext4\nhost:/x {bench.folder} nfs4 rw 0 0\n")
        ),
    ],
    "notices_waiting": [wait_with_notices],
    "redis_url_invalid": [lambda bench: bench.service.update(redis_url="redis://127.0.0.1:port/0")],
    "redis_unreachable": [
        lambda bench: bench.service.update(redis_url="redis://user:secret@127.0.0.1:1/0"),
        lambda bench: use_redis(bench, "--requirepass", "another"),
    ],
    "redis_read_only": [lambda bench: use_redis(bench, "--replicaof", "127.0.0.1", "1")],
    "redis_no_eviction": [lambda bench: use_redis(bench, "--maxmemory", "50mb", "--maxmemory-policy", "noeviction")],
    "redis_clock_differs": [lambda bench: use_redis(bench) or move_clock(bench)],
    "redis_old": [use_old_redis],
    "webhook_disabled": [disable_webhook],
    "webhook_late": [let_events_wait],
    "redis_absent": [lambda bench: bench.serve(run_two_workers)],
    "check_unfinished": [check_as(hang_for_ever)],
    "check_failed": [check_as(fail)],
}
"""For each id the changes that have it found."""
