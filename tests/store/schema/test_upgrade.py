"""The schema's versions: how a database comes to ours, what is refused, and that no kill breaks it."""

import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from connect_core.errors import SettingsError
from connect_core.store import Database, schema
from connect_core.store.models import Declared
from connect_core.store.schema.diff import find_differences
from connect_core.store.schema.migrations import v0001_tables
from connect_core.store.schema.state import SchemaState
from connect_core.store.schema.upgrade import upgrade_schema

from ...kit.acme import execute
from ...kit.forked import fork, upgrade_database

STEPS = (
    "The first tables",
    "The column `es_connect_event.told_time` becomes `dispatched_at`, and its index goes with it",
    "The column `es_member.face` holds links of pictures of up to 2048 characters",
    "The new table `es_connect_vendor_session`: which session at a vendor a login came from",
    "The new table `es_member_consent`: which version of the shop's terms a member agreed to, and when",
    "Sessions and QR logins say from which browser, system and place they come",
    "The new column `es_connect_used_flow.result`: a choice or a proof that a repeated callback is answered with",
    "The new columns `lock_count`, raised by locks in a cluster, and `generation`, which orders the tokens of a login",
    "The new column `es_connect_schema.min_version`: the oldest version that runs on the schema",
    "Settings with revisions, administrators and their audit log, and deliveries of webhooks",
)
CURRENT = f"the schema is current: {schema.VERSIONS[0]}"
EVENT = {
    **dict.fromkeys(("provider", "client_type", "union_type", "subject_hash", "request_id"), ""),
    "kind": "erased",
    "member_id": 1,
    "connect_id": 0,
    "create_time": 7,
    "told_time": 8,
}
SHOP = """
import sys

from sqlmodel import Field, SQLModel

class Order(SQLModel, table=True):
    id: int | None = Field(None, primary_key=True)

class Member(SQLModel, table=True):
    __tablename__ = "es_member"
    id: int | None = Field(None, primary_key=True)

from connect_core.store import Database
from connect_core.store import schema
from connect_core.store.schema.upgrade import upgrade_schema

database = Database(sys.argv[1])
schema.prepare(database)
print(schema.find_state(database))
database.close()
"""


def differences(database: Database) -> list[str]:
    """What the database differs in from the models."""
    with database.backend.engine.connect() as connection:
        found = find_differences(connection, Declared.metadata)
        connection.rollback()
    return [*found, *schema.find_wrong_columns(database)]


def refused(database: Database) -> list[str]:
    """What keeps a service from starting on this database."""
    with pytest.raises(SettingsError) as caught:
        schema.prepare(database)
    return [one.removeprefix("service.database_url: ") for one in caught.value.mistakes]


# what the versions make


def test_the_versions_make_what_the_models_declare(upgraded: Database) -> None:
    """Tables, columns, types, defaults, computed columns, collations, constraints and indexes, on every engine."""
    assert differences(upgraded) == []


def test_a_start_makes_what_the_versions_make(tmp_path: Path) -> None:
    """An empty file gets its tables from the models: they are the same but for blanks, and so is the version."""
    urls = []
    for make in (schema.prepare, upgrade_schema):
        urls.append(f"sqlite:///{tmp_path / make.__name__}.db")
        with closing(Database(urls[-1])) as made:
            make(made)
    for ask in ("SELECT type, name, sql FROM sqlite_master ORDER BY name", "SELECT * FROM es_connect_schema"):
        started, upgraded_to = (
            [{name: " ".join(str(value).split()) for name, value in row.items()} for row in execute(url, ask)]
            for url in urls
        )
        assert started == upgraded_to != []


def test_a_shops_own_tables_are_its_own(tmp_path: Path) -> None:
    """A shop may declare tables with SQLModel too, before it imports us, even under our names."""
    ran = subprocess.run(
        [sys.executable, "-c", SHOP, f"sqlite:///{tmp_path / 'ours.db'}"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "current\n", "")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE es_member ADD COLUMN secret INTEGER", "remove_column es_member secret"),
        ("DROP INDEX ix_event_member", "add_index es_connect_event.ix_event_member"),
        ("CREATE INDEX ix_more ON es_member (nickname)", "remove_index es_member.ix_more"),
    ],
)
def test_a_difference_is_told(upgraded: Database, empty: str, change: str, told: str) -> None:
    """Else the test above could not fail."""
    on_table = " ON es_connect_event" if change.startswith("DROP") and "mysql" in empty else ""
    execute(empty, change + on_table)
    assert differences(upgraded) == [told]


def test_a_default_that_is_another_is_told(upgraded: Database, empty: str) -> None:
    """Defaults are compared by us, since alembic mistakes an empty text for none."""
    if upgraded.is_sqlite:
        pytest.skip("SQLite cannot alter a default")
    execute(empty, "ALTER TABLE es_member ALTER COLUMN login_count SET DEFAULT 7")
    execute(empty, "ALTER TABLE es_member ALTER COLUMN city DROP DEFAULT")
    assert differences(upgraded) == ["modify_default es_member city", "modify_default es_member login_count"]


# states


def test_a_database_goes_from_missing_to_current_once(database: Database) -> None:
    """Running it again changes nothing and tells so."""
    assert schema.find_state(database) is SchemaState.MISSING
    steps = [f"upgrading: {step}" for step in STEPS]
    for expected in ([*steps, CURRENT], [CURRENT]):
        told: list[str] = []
        upgrade_schema(database, told.append)
        assert told == expected
        assert schema.find_state(database) is SchemaState.CURRENT
    schema.prepare(database)


def test_a_database_of_the_first_version_is_upgraded_with_its_rows(database: Database, empty: str) -> None:
    """`told_time` is `dispatched_at` afterwards, with the times that stood there."""
    make_first_version(database, empty)
    execute(
        empty,
        f"INSERT INTO es_connect_event ({', '.join(EVENT)}) VALUES ({', '.join('?' * len(EVENT))})",
        *EVENT.values(),
    )
    assert schema.find_state(database) is SchemaState.OLD
    upgrade_schema(database)
    schema.prepare(database)
    assert differences(database) == []
    assert execute(empty, "SELECT kind, dispatched_at FROM es_connect_event") == [
        {"kind": "erased", "dispatched_at": 8}
    ]


def test_an_upgrade_that_was_killed_half_way_goes_on(database: Database, empty: str) -> None:
    """On MariaDB each statement commits by itself: the column may be renamed while the version is still the old one."""
    make_first_version(database, empty)
    execute(empty, "ALTER TABLE es_connect_event RENAME COLUMN told_time TO dispatched_at")
    upgrade_schema(database)
    assert differences(database) == []


def make_first_version(database: Database, url: str) -> None:
    v0001_tables.TABLES.create_all(database.backend.engine)
    execute(url, "CREATE TABLE es_connect_schema (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    execute(url, "INSERT INTO es_connect_schema VALUES ('0001')")


def test_starting_makes_tables_in_an_empty_file_alone(database: Database) -> None:
    """A server's operator is told the command."""
    if database.is_sqlite:
        schema.prepare(database)
        assert schema.find_state(database) is SchemaState.CURRENT
    else:
        assert refused(database) == ["the schema is missing: run: connect-login db upgrade"]
        assert schema.find_state(database) is SchemaState.MISSING


def test_a_newer_schema_is_left_alone(upgraded: Database, empty: str) -> None:
    """A version of the program that does not know the schema neither serves from it nor changes it."""
    execute(empty, "UPDATE es_connect_schema SET version_num = '9999', min_version = '9998'")
    newer = ["the schema is newer than this version of connect-login: install the version that made it"]
    assert schema.find_state(upgraded) is SchemaState.NEWER
    assert refused(upgraded) == newer
    with pytest.raises(SettingsError, match=newer[0]):
        upgrade_schema(upgraded)
    assert execute(empty, "SELECT version_num FROM es_connect_schema") == [{"version_num": "9999"}]


def test_a_schema_that_lost_a_table_is_refused(upgraded: Database, empty: str) -> None:
    """Its version is ours, and an upgrade would not bring back what stood in the table."""
    execute(empty, "DROP TABLE es_connect_event")
    assert schema.find_state(upgraded) is SchemaState.INCOMPLETE
    assert refused(upgraded) == ["a table of ours is gone: play the back-up back"]
    with pytest.raises(SettingsError, match="a table of ours is gone"):
        upgrade_schema(upgraded)


def test_tables_made_before_there_were_versions_are_taken_over(database: Database, empty: str) -> None:
    """They are refused until the upgrade has compared them; what stands in them stays."""
    v0001_tables.TABLES.create_all(database.backend.engine)
    execute(empty, "INSERT INTO es_member (uname) VALUES ('m_1')")
    assert refused(database) == ["the schema is old: run: connect-login db upgrade"]
    upgrade_schema(database)
    schema.prepare(database)
    assert differences(database) == []
    assert execute(empty, "SELECT uname FROM es_member") == [{"uname": "m_1"}]


def test_somebody_elses_table_with_our_name_is_not_taken_over(database: Database, empty: str) -> None:
    """Nothing is made beside it, and it is named."""
    execute(empty, "CREATE TABLE es_member (id INTEGER PRIMARY KEY, password VARCHAR(64))")
    with pytest.raises(SettingsError, match="a table has our name and is not ours: remove_column es_member password"):
        upgrade_schema(database)
    assert schema.find_state(database) is SchemaState.OLD
    assert set(execute(empty, "SELECT * FROM es_member")) == set()
    with pytest.raises(Exception, match="es_connect"):
        execute(empty, "SELECT * FROM es_connect")


def test_tables_of_ours_that_lack_a_column_are_not_taken_over(database: Database, empty: str) -> None:
    """What the first version would not add by itself must be there; a missing index or table is made."""
    v0001_tables.TABLES.create_all(database.backend.engine)
    execute(empty, "ALTER TABLE es_member DROP COLUMN city")
    with pytest.raises(SettingsError, match="add_column es_member city"):
        upgrade_schema(database)
    execute(empty, "DROP TABLE es_member")
    upgrade_schema(database)
    assert differences(database) == []


def test_an_operators_own_tables_are_left_alone(database: Database, empty: str) -> None:
    """Another program's tables, alembic's among them, are neither read nor changed."""
    execute(empty, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    execute(empty, "INSERT INTO alembic_version VALUES ('theirs')")
    execute(empty, "CREATE TABLE es_goods (id INTEGER PRIMARY KEY)")
    assert schema.find_state(database) is SchemaState.MISSING
    upgrade_schema(database)
    assert differences(database) == []
    assert execute(empty, "SELECT version_num FROM alembic_version") == [{"version_num": "theirs"}]
    assert execute(empty, "SELECT id FROM es_goods") == []


# killed, and two at once


def test_an_upgrade_killed_at_any_moment_can_be_run_again(empty: str) -> None:
    """A dozen times in a row on one database: each finds what the one before left."""
    dice = random.Random(empty.partition(":")[0])
    for _ in range(12):
        process = fork(upgrade_database, empty)
        time.sleep(dice.uniform(0, 0.15))
        process.kill()
        process.join()
        with closing(Database(empty)) as database:
            if dice.random() < 0.5 and schema.find_state(database) is SchemaState.CURRENT:
                drop_all(database, empty)
    with closing(Database(empty)) as database:
        upgrade_schema(database)
        schema.prepare(database)
        assert differences(database) == []


def drop_all(database: Database, url: str) -> None:
    """Begin anew."""
    Declared.metadata.drop_all(database.backend.engine)
    execute(url, "DROP TABLE es_connect_schema")


def test_two_upgrades_at_once_both_end_well(empty: str) -> None:
    """The second waits for the first, and finds nothing left to do."""
    processes = [fork(upgrade_database, empty) for _ in range(3)]
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with closing(Database(empty)) as database:
        assert differences(database) == []


# how columns compare


CONVERSIONS = {
    "postgresql": 'ALTER TABLE es_connect_alias ALTER COLUMN value TYPE VARCHAR(255) COLLATE "en_US.utf8"',
    "mysql": "ALTER TABLE es_connect_alias MODIFY value VARCHAR(255) CHARACTER SET utf8mb4"
    " COLLATE utf8mb4_general_ci NOT NULL",
}


def test_an_id_column_that_was_converted_is_refused(upgraded: Database, empty: str) -> None:
    """An id that compares without case logs one person in as another; the column is named."""
    if upgraded.is_sqlite:
        [made] = execute(empty, "SELECT sql FROM sqlite_master WHERE name = 'es_connect_alias'")
        execute(empty, "DROP TABLE es_connect_alias")
        value = 'value VARCHAR(255) COLLATE "{}"'
        execute(empty, made["sql"].replace(value.format("BINARY"), value.format("NOCASE")))
    else:
        execute(empty, CONVERSIONS[upgraded.backend.engine.dialect.name].replace("en_US.utf8", "POSIX"))
    [mistake] = refused(upgraded)
    assert mistake.startswith("es_connect_alias.value compares by ")
    assert mistake.endswith(": convert it back")


def has_character_set(url: str, name: str) -> bool:
    """Whether the engine has character sets, and this one: MySQL and MariaDB have."""
    return url.startswith("mysql") and bool(execute(url, f"SHOW CHARACTER SET LIKE '{name}'"))


TEXTS = ("city", "face", "mobile", "nickname", "password_hash", "province", "register_client", "uname")


def test_text_that_cannot_hold_every_character_is_refused(upgraded: Database, empty: str) -> None:
    """MariaDB's older character set has no emoji, so a nickname could not be written."""
    if not has_character_set(empty, "utf8mb3"):
        pytest.skip("a rule about engines with other character sets")
    execute(empty, "ALTER TABLE es_member CONVERT TO CHARACTER SET utf8mb3")
    assert [one.partition(" ")[0] for one in refused(upgraded)] == [f"es_member.{name}" for name in TEXTS]


def test_a_database_with_another_character_set_is_not_begun(database: Database, empty: str) -> None:
    """Told before anything is made, with the command that cures it."""
    if not has_character_set(empty, "latin1"):
        pytest.skip("a rule about engines with other character sets")
    execute(empty, "ALTER DATABASE CHARACTER SET latin1")
    with pytest.raises(SettingsError, match="character set is latin1: run: ALTER DATABASE CHARACTER SET utf8mb4"):
        upgrade_schema(database)
    assert schema.find_state(database) is SchemaState.MISSING
