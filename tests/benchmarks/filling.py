"""Databases of a size: members by the million, written by the database itself, and what each of them takes.

A member has what a first login at Alipay leaves: one connection with three ids, one session, one event. Some stand for
people who can log in at the plain vendor's sandbox: the old members, at even distances among the others.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from connect_core.store.models import Declared

from .vendors import PlainSandbox

OLD = 1536
HEX = {
    "sqlite": "lower(hex(randomblob(32)))",
    "postgresql": "md5(CAST(random() AS TEXT)) || md5(CAST(random() AS TEXT))",
    "mysql": "sha2(uuid(), 256)",
}
SERIES = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {})",
    "postgresql": "WITH s(n) AS (SELECT generate_series(CAST(1 AS BIGINT), {}))",
    "mysql": "WITH s AS (SELECT seq AS n FROM seq_1_to_{})",
}
HASTE = {
    "sqlite": ("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-1000000"),
    "postgresql": ("SET synchronous_commit=off", "SET maintenance_work_mem='512MB'", "SET work_mem='256MB'"),
    "mysql": ("SET sql_mode = 'TRADITIONAL,PIPES_AS_CONCAT'",),
}
IDS_GO_ON = "SELECT setval(pg_get_serial_sequence('{0}', 'id'), max(id)) FROM {0}"
REST = {
    "sqlite": ("PRAGMA journal_mode=WAL",),
    "postgresql": (*map(IDS_GO_ON.format, ("es_member", "es_connect")), "VACUUM ANALYZE", "CHECKPOINT"),
    "mysql": ("DO 0",),
}
SIZES = {
    "sqlite": "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_master USING (name) GROUP BY tbl_name",
    "postgresql": "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'",
    "mysql": "SELECT substr(name, length(database()) + 2), allocated_size"
    " FROM information_schema.innodb_sys_tablespaces WHERE name LIKE concat(database(), '/%')",
}
# the factors have no divisor in common with their powers of ten: every number comes once, in no order
NAME = "CAST(1000000000 + n * 618033989 % 1000000000 AS VARCHAR(16))"
USER_ID = "COALESCE(old.id, '208' || CAST(1000000000000 + n * 618033988749 % 1000000000000 AS VARCHAR(16)))"
PROFILE = '{"nickname": "李华", "face": "https://img.example/lihua.png", "province": "浙江省", "city": "杭州市"}'
MEMBER = {
    "id": "n",
    "uname": f"'m_' || {NAME}",
    "nickname": "'李华'",
    "face": "'https://img.example/lihua.png'",
    "province": "'浙江省'",
    "city": "'杭州市'",
    "register_client": "'pc'",
    "login_count": "1",
} | dict.fromkeys(("create_time", "last_login"), "{now}")
CONNECTION = {
    "id": "n",
    "member_id": "n",
    "union_type": "'OAUTH2'",
    "union_id": USER_ID,
    "profile": f"'{PROFILE}'",
} | dict.fromkeys(("create_time", "profile_time"), "{now}")
ALIAS = {"connect_id": "n", "union_type": "'OAUTH2'"}
IDS = (
    ("user_id", "", USER_ID),
    *((kind, "2021000117650001", "substr({hex}, 1, 47)") for kind in ("open_id", "union_id")),
)
SESSION = {
    "member_id": "n",
    "connect_id": "n",
    "client_type": "'pc'",
    "family": "substr({hex}, 1, 32)",
    "token_hash": "{hex}",
    "create_time": "{now}",
    "seen_time": "{now}",
}
EVENT = {
    "kind": "'logged_in'",
    "member_id": "n",
    "connect_id": "n",
    "provider": "'oauth2'",
    "client_type": "'pc'",
    "union_type": "'OAUTH2'",
    "subject_hash": "{hex}",
    "request_id": "substr({hex}, 1, 16)",
} | dict.fromkeys(("create_time", "dispatched_at"), "{now}")


def fill(url: str, number: int) -> list[str]:
    """Write so many members into an empty database with our tables; returns the names of the old members."""
    old = {place: f"old-{place}" for place in range(1, number + 1, max(1, number // OLD))}
    with _in_haste(url) as connection:
        ids = [{"n": place, "id": str(PlainSandbox().user_id(name))} for place, name in old.items()]
        connection.execute(text("INSERT INTO old VALUES (:n, :id)"), ids)
        indexes = [index for table in Declared.metadata.sorted_tables for index in table.indexes]
        for index in indexes:  # made anew in one go, which takes a tenth of the time
            index.drop(connection)
        _write(connection, number, "es_member", MEMBER)
        _write(connection, number, "es_connect", CONNECTION)
        for kind, scope, value in IDS:
            alias = {**ALIAS, "kind": f"'{kind}'", "scope": f"'{scope}'", "value": value}
            _write(connection, number, "es_connect_alias", alias, "value")
        _write(connection, number, "es_member_session", SESSION | {"expiry_time": "{now} + 2592000"}, "token_hash")
        _write(connection, number, "es_connect_event", EVENT)
        for index in indexes:
            index.create(connection)
    return list(old.values())


def plant_expired(url: str, number: int) -> None:
    """Write so many flows and as many sessions whose time is over."""
    with _in_haste(url) as connection:
        _write(connection, number, "es_connect_used_flow", {"hash": "{hex}", "expiry_time": "n"})
        _write(connection, number, "es_member_session", SESSION | {"expiry_time": "n"})


def get_sizes(url: str) -> dict[str, int]:
    """The bytes of each table, its indexes included."""
    with _in_haste(url) as connection:
        rows: Sequence[tuple[str, int]] = connection.execute(text(SIZES[connection.dialect.name])).all()  # type: ignore[assignment]
    return {name: int(size) for name, size in rows if name.startswith("es_")}


def find_servers(url: str) -> list[int]:
    """The processes of the database server that work for this database; SQLite has none."""
    if url.startswith("sqlite"):
        return []
    with create_engine(url, poolclass=NullPool).connect() as connection:
        question = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return [int(pid) for (pid,) in connection.execute(text(question))]


@contextmanager
def _in_haste(url: str) -> Iterator[Connection]:
    """A connection that may lose everything, and leaves the database in order."""
    with create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
        for order in HASTE[connection.dialect.name]:
            connection.execute(text(order))
        connection.execute(text("CREATE TEMPORARY TABLE old (n INTEGER PRIMARY KEY, id VARCHAR(32))"))
        yield connection
        for order in REST[connection.dialect.name]:
            connection.execute(text(order))


def _write(connection: Connection, number: int, table: str, columns: dict[str, str], order: str = "") -> None:
    engine = connection.dialect.name
    values = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    values = values.replace("{hex}", HEX[engine]).replace("{now}", str(int(time.time())))
    rows = f"{SERIES[engine].format(number)} SELECT {values} FROM s LEFT JOIN old USING (n)"
    sorted_by = f" ORDER BY {order}" if order else ""  # an index grows fastest in its own order
    connection.execute(text(f"INSERT INTO {table} ({', '.join(columns)}) {rows}{sorted_by}"))
