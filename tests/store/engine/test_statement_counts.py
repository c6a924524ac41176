"""How many statements a login, and "who is logged in?", send to the server: each costs a way there and back."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from connect_core.harness import RunningShop, Visitor, run_shop

from ...conftest import Require
from ...kit.clock import Clock
from ...kit.databases import ENGINES, fresh_database, is_answering, server_of
from ...kit.web_shops import alipay_and_wechat, bearer

MESSAGE = re.compile(r"\tF\t\d+\t(Query|Execute)\t")
"""A statement in the trace of libpq (PQtrace): as text, or with its parameters apart."""
TRIP = re.compile(r"\tF\t\d+\t(Query|Sync)\b")
"""The end of what is sent at once, before an answer is waited for."""
QUERY = re.compile(r"SELECT .*\bes_(member|member_session|connect|connect_used_flow)\b(?!.*FOR UPDATE)", re.DOTALL)
"""A query of members, their sessions and connections, or used flows; what clears away the expired ones locks them."""
AFTER_FIRST_USE = 601
"""Seconds after a login in which its callback could give the session out again, which is looked up."""


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


class Queries:
    """What a shop's connections are given to execute, whichever the driver."""

    def __init__(self, path: Path) -> None:
        self._trace, self._texts = Trace(path), list[str]()

    def attach(self, connection: Any, _: object) -> None:
        """Note what is executed on a connection that was just opened."""
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(self._texts.append)
        elif isinstance(connection, pymysql.Connection):
            query = connection.query
            connection.query = lambda sql, *options: self._texts.append(str(sql)) or query(sql, *options)
        else:
            self._trace.attach(connection, _)

    def take(self) -> list[str]:
        """Return the queries since the last call, or, on PostgreSQL, the messages of all statements."""
        texts = [text for text in self._texts if QUERY.search(text)]
        self._texts.clear()
        return texts + [line for line in self._trace.take() if MESSAGE.search(line)]


@contextmanager
def shop_on(url: str, **options: Any) -> Iterator[RunningShop]:
    """A shop on a server."""

    def change(raw: dict[str, dict[str, object]]) -> None:
        raw["service"]["database_url"] = url

    with run_shop(alipay_and_wechat(), change=change, **options) as shop:
        yield shop


@contextmanager
def traced(trace: Trace | Queries) -> Iterator[None]:
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


@pytest.mark.parametrize("engine", ENGINES)
def test_queries_of_who_is_logged_in(require: Require, tmp_path: Path, engine: str) -> None:
    """One, by a cookie or an access token, and a second one shortly after the login; with all that they are for."""
    server, clock = server_of(engine), Clock()
    require(is_answering(server), f"{engine} does not answer on this machine")
    queries = Queries(tmp_path / "trace")
    with (
        fresh_database(server, tmp_path) as url,
        traced(queries),
        shop_on(url, now=clock) as shop,
        Visitor(shop) as browser,
        Visitor(shop) as phone,
    ):
        browser.log_in("alipay", "pc")
        tokens = bearer(phone.log_in("alipay", "mini"))
        for expected in (2, 1):
            for visitor, headers in ((browser, {}), (phone, tokens)):
                assert visitor.http.get("/connect/me", headers=headers).json()["connections"] == ["ALIPAY"]
                queries.take()
                assert visitor.http.get("/connect/me", headers=headers).status_code == 200
                sent = queries.take()
                assert len(sent) == expected, sent
            clock.advance(AFTER_FIRST_USE)
