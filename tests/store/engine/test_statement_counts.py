"""How many statements a login sends to PostgreSQL: each costs a way to the server and back."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from connect_core.harness import RunningShop, Visitor, run_shop

from ...conftest import Require
from ...kit.databases import fresh_database, is_answering, server_of
from ...kit.web_shops import alipay_and_wechat

MESSAGE = re.compile(r"\tF\t\d+\t(Query|Execute)\t")
"""A statement in the trace of libpq (PQtrace): as text, or with its parameters apart."""
TRIP = re.compile(r"\tF\t\d+\t(Query|Sync)\b")
"""The end of what is sent at once, before an answer is waited for."""


class Trace:
    """What libpq sends on each connection of a shop."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._path, self._read = path, 0

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """Collect the statements that are sent meanwhile."""
        self.take()
        statements: list[str] = []
        yield statements
        statements += self.take()

    def take(self) -> list[str]:
        """Return the statements since the last call, and the ends of what was sent at once."""
        text = self._path.read_bytes()[self._read :]
        self._read += len(text)
        return [
            line for line in text.decode(errors="replace").splitlines() if MESSAGE.search(line) or TRIP.search(line)
        ]

    def attach(self, connection: object, _: object) -> None:
        """Trace a connection that was just opened, if it leads to PostgreSQL."""
        if isinstance(connection, psycopg.Connection):
            connection.pgconn.trace(os.open(self._path, os.O_WRONLY | os.O_APPEND))


@contextmanager
def shop_on(url: str) -> Iterator[RunningShop]:
    """A shop on a server."""

    def change(raw: dict[str, dict[str, object]]) -> None:
        raw["service"]["database_url"] = url

    with run_shop(alipay_and_wechat(), change=change) as shop:
        yield shop


@contextmanager
def traced(trace: Trace) -> Iterator[None]:
    """Trace every connection that is opened meanwhile."""
    attach = trace.attach
    event.listen(Pool, "connect", attach)
    try:
        yield
    finally:
        event.remove(Pool, "connect", attach)


@pytest.mark.parametrize(
    ("provider", "client"), [("alipay", "pc"), ("alipay", "mini"), ("wechat", "pc"), ("wechat", "mini")]
)
def test_statements_of_a_login(require: Require, tmp_path: Path, provider: str, client: str) -> None:
    """Nine for somebody new and five for somebody known, with BEGIN and COMMIT, sent in six and three messages."""
    server = server_of("postgresql")
    require(is_answering(server), "postgresql does not answer on this machine")
    trace = Trace(tmp_path / "trace")
    with fresh_database(server, tmp_path) as url, traced(trace), shop_on(url) as shop:
        with Visitor(shop) as somebody:  # opens connections, and asks the server for its default isolation level
            somebody.log_in(provider, client, "somebody")
        for expected in ((9, 6), (5, 3)):
            with Visitor(shop) as visitor, trace.counting() as sent:
                assert visitor.log_in(provider, client).status_code in (200, 303)
            counts = tuple(sum(bool(kind.search(line)) for line in sent) for kind in (MESSAGE, TRIP))
            assert counts == expected, sent
