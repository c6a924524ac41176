"""`connect-login sandbox --write`: tables are appended to a configuration, and what is there already stays."""

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connect_core.cli import app
from connect_core.cli.sandbox import _toml, append_tables
from connect_core.cli.serve import init
from connect_core.errors import SettingsError
from connect_core.settings import load_settings

from ..kit.commands import running, stop
from ..kit.ports import free_port

TABLES = ['[providers.acme.pc]   # Acme\napp_id = "a"', '[providers.acme.h5]   # Acme\napp_id = "b"']


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration that `init` writes."""
    init(tmp_path)
    return tmp_path / "connect.toml"


@pytest.mark.parametrize("ending", ["", "\n", "# the last line has no end", '\n[providers.own]\napp_id = "x"'])
def test_every_letter_that_was_there_stays(config: Path, ending: str) -> None:
    """Comments too, whatever the file ends with."""
    before = config.read_text("utf-8") + ending
    config.write_text(before, "utf-8")
    append_tables(config, TABLES)
    after = config.read_text("utf-8")
    assert after.startswith(before)
    assert tomllib.loads(after)["providers"]["acme"] == {"pc": {"app_id": "a"}, "h5": {"app_id": "b"}}
    load_settings(config)


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        ('[providers.acme]\napp_id = "mine"', "is there already"),
        ('[providers.acme.mini]\napp_id = "mine"', "is there already"),
        ("[providers]\nacme = {}", "is there already"),
        ("providers = {}", "write `providers` as tables"),
    ],
)
def test_a_provider_of_the_same_name_is_never_replaced(tmp_path: Path, there: str, reason: str) -> None:
    """Nothing is written, not even the tables of others."""
    path = tmp_path / "connect.toml"
    path.write_text(there, "utf-8")
    with pytest.raises(SettingsError, match=f"{reason}.*nothing was written"):
        append_tables(path, [*TABLES, '[providers.other.pc]\napp_id = "c"'])
    assert path.read_text("utf-8") == there


@pytest.mark.parametrize("content", [None, "[providers", b"\xff\xfe"])
def test_a_file_that_is_no_configuration_is_left_alone(tmp_path: Path, content: str | bytes | None) -> None:
    """One line names the file."""
    path = tmp_path / "connect.toml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = CliRunner().invoke(app, ["sandbox", "--write", "--config", str(path), "--port", "1"])
    assert isinstance(result.exception, SettingsError)
    assert str(result.exception).startswith(f"{path}: ")
    assert path.exists() is (content is not None)


def test_a_port_that_changes_is_not_written(config: Path) -> None:
    """The tables would lead nowhere after the next start."""
    before = config.read_text("utf-8")
    result = CliRunner().invoke(app, ["sandbox", "--write", "--config", str(config), "--port", "0"])
    assert "give a --port of your own" in str(result.exception)
    assert config.read_text("utf-8") == before


def test_what_is_written_is_said_and_can_be_served(config: Path) -> None:
    """The tables of every sandbox, with the lists that show them; a second time nothing is written."""
    port = str(free_port())
    with running(config.parent, "sandbox", "--write", "--port", port) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(2)]
        assert said[0].startswith("# wrote ")
        assert "alipay" in said[0]
        assert said[1] == "# to show them, put into [clients] of connect.toml:\n"
        lists = [process.stdout.readline() for _ in range(4)]
        assert process.stdout.readline().startswith("# faults: ")  # what it says last
        assert stop(process)[0] == 0
    written = tomllib.loads(config.read_text("utf-8"))
    assert f"http://127.0.0.1:{port}/wechat" in written["providers"]["wechat"]["pc"]["api_url"]
    assert "alipay" in tomllib.loads("".join(lists))["pc"]
    load_settings(config)


@pytest.mark.parametrize("text", ['a "quoted" \\ text', "tab\tand\x7f", "two\nlines", "it's '''three'''\n", "李华"])
def test_values_come_back_as_they_were(text: str) -> None:
    """Whatever a plugin's sandbox has for a setting."""
    for value in (text, [text, True, 3], {"key with blanks": text}):
        assert tomllib.loads(f"value = {_toml(value)}")["value"] == value
