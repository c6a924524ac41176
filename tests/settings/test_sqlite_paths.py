"""A relative SQLite path begins at the folder of `connect.toml`, wherever the command is started."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from connect_core.cli.serve import init
from connect_core.errors import SettingsError
from connect_core.settings import load_settings, parse_settings
from connect_core.store import Database

from ..kit.commands import refused, run_in
from ..kit.configurations import raw


@pytest.mark.parametrize(
    ("url", "located"),
    [
        ("sqlite:///connect.db", "sqlite:////etc/shop/connect.db"),
        ("sqlite:///data/sqlite", "sqlite:////etc/shop/data/sqlite"),
        ("sqlite+pysqlite:///connect.db?timeout=3", "sqlite+pysqlite:////etc/shop/connect.db?timeout=3"),
        ("sqlite:///../connect.db", "sqlite:////etc/shop/../connect.db"),
        ("sqlite:///file:a%20b.db?uri=true&mode=ro", "sqlite:///file:/etc/shop/a%20b.db?uri=true&mode=ro"),
        ("sqlite:////var/connect.db", None),
        ("sqlite:///file:/var/connect.db?uri=true", None),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("sqlite:///file::memory:?cache=shared&uri=true", None),
        ("sqlite:///file:shared?mode=memory&cache=shared&uri=true", None),
        ("postgresql+psycopg://shop@db/shop", None),
        ("mysql+pymysql://shop@db/shop?ssl_ca=ca.pem", None),
    ],
)
def test_only_a_relative_path_of_sqlite_is_seen_from_the_folder(url: str, located: str | None) -> None:
    """With its parameters; what names no file, or an absolute one, stays as it is."""
    settings = parse_settings(raw(service={"database_url": url}), Path("/etc/shop"))
    assert settings.service.database_url == (located or url)


def test_the_default_is_seen_from_the_folder_too() -> None:
    """A configuration without `database_url` has its file beside it."""
    assert parse_settings(raw(), Path("/etc/shop")).service.database_url == "sqlite:////etc/shop/connect.db"


def test_a_file_uri_is_opened_where_it_is_said_to_be(tmp_path: Path) -> None:
    """Also in a folder whose name has to be quoted in a URI."""
    folder = tmp_path / "my shop 100%"
    folder.mkdir()
    settings = parse_settings(raw(service={"database_url": "sqlite:///file:connect.db?uri=true"}), folder)
    with closing(Database(settings.service.database_url)) as database:
        database.read_blocking(lambda tx: tx.cursor.execute("SELECT 1"))
    assert (folder / "connect.db").is_file()


@pytest.mark.parametrize("command", ["db upgrade", "db check", "members find 1"])
def test_every_command_uses_the_file_beside_the_configuration(tmp_path: Path, command: str) -> None:
    """Started elsewhere, nothing is written there."""
    shop, elsewhere = tmp_path / "shop", tmp_path / "elsewhere"
    elsewhere.mkdir()
    init(shop)
    assert run_in(elsewhere, "db", "upgrade", "--config", "../shop/connect.toml").returncode == 0
    assert run_in(elsewhere, *command.split(), "--config", "../shop/connect.toml").returncode in (0, 1)
    assert list(elsewhere.iterdir()) == []
    assert (shop / "connect.db").is_file()


def test_a_database_left_where_it_was_is_told(tmp_path: Path) -> None:
    """No empty one is made beside the configuration; once it is moved, or the path is absolute, all is well."""
    shop, start = tmp_path / "shop", tmp_path / "start"
    start.mkdir()
    init(shop)
    with closing(sqlite3.connect(start / "connect.db")) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    for command in ("serve", "db upgrade", "members erase 1 --yes"):
        [line] = refused(start, *command.split(), "--config", "../shop/connect.toml")
        assert f"../shop/connect.db does not exist, but {start}/connect.db does" in line
    assert not (shop / "connect.db").exists()
    (start / "connect.db").rename(shop / "connect.db")
    assert run_in(start, "db", "upgrade", "--config", "../shop/connect.toml").returncode == 0


def test_the_same_file_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts the service in the folder of `connect.toml` notices nothing; a file that is nowhere is made."""
    init(tmp_path)
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert load_settings(Path("connect.toml")).service.database_url == "sqlite:///connect.db"
        (tmp_path / "connect.db").touch()
    monkeypatch.chdir(tmp_path.parent)
    (tmp_path.parent / "connect.db").touch()
    assert load_settings(tmp_path / "connect.toml").service.database_url == f"sqlite:///{tmp_path}/connect.db"
    (tmp_path / "connect.db").unlink()
    with pytest.raises(SettingsError, match="stop the service and move it there"):
        load_settings(tmp_path / "connect.toml")
    (tmp_path.parent / "connect.db").unlink()
