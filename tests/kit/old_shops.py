"""Javashops of three generations, as their tables were; and what an import leaves of them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, text

MILLISECONDS = 1_600_000_000_000
MEMBER = """CREATE TABLE es_member (
    {key} {number} NOT NULL PRIMARY KEY, uname VARCHAR(255), nickname VARCHAR(255), face VARCHAR(255), sex INT,
    password VARCHAR(32), email VARCHAR(50), mobile VARCHAR(50), province VARCHAR(50), city VARCHAR(50),
    disabled INT, login_count INT, last_login BIGINT, create_time BIGINT, register_ip VARCHAR(50), grade_point INT)"""
CONNECT = """CREATE TABLE es_connect (
    id {number} NOT NULL PRIMARY KEY, member_id {number}, union_id VARCHAR(300), union_type VARCHAR(50){unbound})"""
SETTING = "CREATE TABLE es_connect_setting (id INT PRIMARY KEY, name VARCHAR(255), type VARCHAR(50), config TEXT)"
GENERATIONS: Mapping[str, Mapping[str, str]] = {
    "g1": {"key": "member_id", "number": "INT", "unbound": ", unbound_time BIGINT"},
    "g2": {"key": "member_id", "number": "BIGINT", "unbound": ", unbound_time BIGINT"},
    "g3": {"key": "id", "number": "BIGINT", "unbound": ""},
}
COUNTED = ("es_member", "es_connect", "es_connect_alias")
SECRET = "canary-5f3c"


@dataclass
class OldShop:
    """A database that holds a Javashop."""

    url: str
    engine: Engine
    key: str

    def member(self, member_id: int, uname: str = "", **values: Any) -> None:
        """Add a member."""
        row = {"uname": uname or f"buyer{member_id}", "password": SECRET, "email": f"{SECRET}@shop.example"}
        self.insert("es_member", **{self.key: member_id}, **row, **values)

    def connect(self, row_id: int, member_id: int, union_type: str, union_id: object, **values: Any) -> None:
        """Add a row of `es_connect`."""
        self.insert("es_connect", id=row_id, member_id=member_id, union_type=union_type, union_id=union_id, **values)

    def setting(self, row_id: int, kind: str, **groups: Mapping[str, str]) -> None:
        """Add a row of `es_connect_setting` as 7.x writes it."""
        config = [
            {"name": group, "configList": [{"key": key, "name": key, "value": value} for key, value in items.items()]}
            for group, items in groups.items()
        ]
        self.insert("es_connect_setting", id=row_id, name=kind, type=kind, config=json.dumps(config))

    def insert(self, table: str, **values: Any) -> None:
        """Add a row."""
        with self.engine.begin() as connection:
            names = ", ".join(values)
            places = ", ".join(f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)


@contextmanager
def old_shop(url: str, generation: str = "g2") -> Iterator[OldShop]:
    """Make the tables of a generation in an empty database."""
    engine = create_engine(url)
    forms = GENERATIONS[generation]
    try:
        with engine.begin() as connection:
            connection.execute(text(MEMBER.format(**forms)))
            connection.execute(text(CONNECT.format(**forms)))
            if generation != "g3":
                connection.execute(text(SETTING))
        yield OldShop(url, engine, forms["key"])
    finally:
        engine.dispose()


@contextmanager
def server_database(server_url: str, name: str) -> Iterator[str]:
    """An empty database on a server of this machine, dropped at the end."""
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    drop = text(f"DROP DATABASE IF EXISTS {name}")
    with engine.connect() as connection:
        connection.execute(drop)
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield f"{server_url.rpartition('/')[0]}/{name}"
    finally:
        with engine.connect() as connection:
            connection.execute(drop)


def write_config(folder: Path, database_url: str) -> Path:
    """A `connect.toml` for that database."""
    path = folder / "connect.toml"
    service = {"public_url": "https://shop.example", "database_url": database_url, "secret_keys": ["A" * 43]}
    path.touch(0o600)
    path.write_text(
        "[service]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in service.items()), "utf-8"
    )
    return path


def contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that an import may have written."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return {
                table: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY id"))]
                for table in COUNTED
            }
    finally:
        engine.dispose()
