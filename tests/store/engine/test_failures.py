"""What is said of a database that does not answer: which of the reasons it is, what to do, and no value of the URL."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pymysql  # type: ignore[import-untyped]
import pytest
from sqlalchemy import make_url

from connect_core.errors import ConnectError, SettingsError, Unavailable
from connect_core.store import Database
from connect_core.store.engine.failures import describe_failure

from ...kit.databases import SERVERS, is_answering, run_on_server, server_of

SECRET = "c4n4ry"


def fail(url: str) -> str:
    """What is said when a database is opened and asked."""
    with pytest.raises(ConnectError) as caught, closing(Database(url)) as database:
        database.read_blocking(lambda tx: tx.cursor.execute("SELECT 1"))
    assert caught.value.__suppress_context__
    return str(caught.value)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, require: Callable[[bool, str], None]) -> str:
    """The address of each server."""
    url = server_of(request.param)
    require(is_answering(url), f"{request.param} does not answer on this machine")
    return url


@pytest.fixture
def stranger(server: str) -> Iterator[str]:
    """A user of each server who has a password and no right in the database `test` or `postgres`."""
    name = f"connect_stranger_{os.getpid()}"
    if server.startswith("postgresql"):
        database = f"connect_closed_{os.getpid()}"
        run_on_server(server, f"CREATE DATABASE {database}")
        run_on_server(server, f"REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")
        run_on_server(server, f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
    else:
        database = "mysql"
        run_on_server(server, f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY '{SECRET}'")
        run_on_server(server, f"CREATE USER {name}@localhost IDENTIFIED BY '{SECRET}'")
    url = make_url(server).set(username=name, password=SECRET, database=database)
    yield url.render_as_string(hide_password=False)
    if server.startswith("postgresql"):
        run_on_server(server, f"DROP DATABASE {database}")
        run_on_server(server, f"DROP ROLE {name}")
    else:
        run_on_server(server, f"DROP USER {name}@'127.0.0.1'")
        run_on_server(server, f"DROP USER {name}@localhost")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"port": 1}, "the connection is refused"),
        ({"host": "nowhere-c4n4ry.invalid"}, "the host is unknown"),
        ({"database": "no_c4n4ry"}, "the server has no database of that name"),
    ],
)
def test_each_reason_is_told_apart(server: str, change: dict[str, object], reason: str) -> None:
    """On both servers in the same words, with a remedy and without a value of the URL."""
    url = make_url(server).set(**change).render_as_string(hide_password=False)  # type: ignore[arg-type]
    said = fail(url)
    assert said.startswith(f"the database does not answer: {reason}")
    assert "in the URL" in said
    assert SECRET not in said
    assert "127.0.0.1" not in said


def test_a_refused_password_is_told(server: str) -> None:
    """A wrong one, or a user who does not exist."""
    user = make_url(server).set(username="nobody_c4n4ry", password=SECRET)
    said = fail(user.render_as_string(hide_password=False))
    assert "the server refuses the user or the password" in said
    assert SECRET not in said


def test_a_user_without_the_right_to_the_database_is_told(stranger: str) -> None:
    """The password is right; the database is not theirs."""
    said = fail(stranger)
    assert "the user lacks a right in the database; grant it" in said
    assert SECRET not in said


def test_missing_tls_is_told(server: str) -> None:
    """The URL asks for it, and the server has none; neither is a certificate that does not exist a traceback."""
    parameter = "sslmode=require" if server.startswith("postgresql") else "ssl_check_hostname=false"
    said = fail(f"{server}?{parameter}")
    assert "TLS" in said
    parameter = "sslmode=verify-full&sslrootcert=/no/c4n4ry" if server.startswith("postgresql") else "ssl_ca=/no/c4n4ry"
    said = fail(f"{server}?{parameter}")
    assert "TLS" in said or "ssl_ca" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    "options",
    [
        *("-cc4n4ry%3D1", "-cstatement_timeout%3Dc4n4ry", "-cwork_mem%3D-5", "-cmax_connections%3D5"),
        *("-cserver_version%3D1", "c4n4ry", "--c4n4ry"),
    ],
)
def test_options_that_the_server_refuses_are_told(options: str, require: Callable[[bool, str], None]) -> None:
    """They are sent with the connection, and what is refused then has no number."""
    server = server_of("postgresql")
    require(is_answering(server), "postgresql does not answer on this machine")
    said = fail(f"{server}?options={options}")
    assert said.startswith(
        "the database does not answer: the server refuses what the parameter options of the URL sets"
    )
    assert SECRET not in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('FATAL:  password authentication failed for user "c4n4ry"', "the user or the password"),
        ('FATAL:  no pg_hba.conf entry for host "1", user "c4n4ry", no encryption', "the server wants TLS"),
        ('FATAL:  no pg_hba.conf entry for host "1", user "c4n4ry", SSL encryption', "does not let this user in"),
        ('FATAL:  permission denied for database "c4n4ry"', "lacks a right"),
        ("SSL error: certificate verify failed", "TLS fails"),
        ('server certificate for "c4n4ry" does not match host name "x"', "TLS fails"),
        ("FATAL:  sorry, too many clients already", "no connection left"),
        ("connection timeout expired", "cannot be reached"),
        ("FATAL:  no more connections allowed (max_client_conn)", "the pooler takes no more connections"),
        ("FATAL:  client connections exceeded (max_db_client_connections)", "the pooler takes no more connections"),
        ("FATAL:  unsupported startup parameter: c4n4ry", "the pooler refuses a parameter"),
        (
            "FATAL: Feature not supported: RDS Proxy currently doesn't support command-line options.",
            "the pooler refuses a parameter",
        ),
    ],
)
def test_phrases_of_postgresql(text: str, reason: str) -> None:
    """A connection that cannot be opened has no SQLSTATE; names in the message stay out."""
    said = describe_failure(psycopg.OperationalError(f"connection failed: {text}"))
    assert reason in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (1044, "lacks a right"),
        (1130, "does not let this user in"),
        (1142, "lacks a right"),
        (1698, "the user or the password"),
        (3159, "the server wants TLS"),
        (1040, "no connection left"),
        (1071, "short index keys"),
    ],
)
def test_numbers_of_mariadb(number: int, reason: str) -> None:
    """Each number of a connection or statement that is refused."""
    said = describe_failure(pymysql.OperationalError(number, "c4n4ry"))
    assert reason in said
    assert said.endswith(f"[OperationalError {number}]")
    assert SECRET not in said


def test_sqlite_tells_what_is_wrong_with_its_file(tmp_path: Path) -> None:
    """A folder that is missing, a folder for a file, something else than a database, a database that is read-only."""
    missing = tmp_path / "gone" / "connect.db"
    for path, reason in ((missing, f"the folder {missing.parent} does not exist"), (tmp_path, "this is a folder")):
        with pytest.raises(SettingsError, match=reason):
            Database(f"sqlite:///{path}")
    assert not missing.parent.exists()
    text = tmp_path / "text.db"
    text.write_text("no database at all" * 100)
    assert "the file is no SQLite database" in fail(f"sqlite:///{text}")
    kept = tmp_path / "kept.db"
    with closing(sqlite3.connect(kept)) as connection:
        connection.execute("CREATE TABLE t (a)")
    assert "the file is read-only" in fail(f"sqlite:///file:{kept}?mode=ro&uri=true")


def test_an_unknown_failure_is_its_class_and_number() -> None:
    """Nothing is guessed."""
    assert describe_failure(psycopg.errors.UndefinedTable("c4n4ry")) == "UndefinedTable 42P01"
    assert describe_failure(Unavailable("c4n4ry")) == "Unavailable"
