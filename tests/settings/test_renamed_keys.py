"""Keys of `connect.toml` with a new name: the old one is read for one release and says so once."""

import logging
from pathlib import Path
from typing import Any

import pytest

from connect_core.errors import SettingsError
from connect_core.settings import Settings, load_settings, parse_settings
from connect_core.settings.renamed_keys import RENAMED_KEYS, log_renamed, rename_keys

SERVICE = {"public_url": "https://shop.example", "secret_keys": ["A" * 43]}
VALUES = {
    ("limits", "per_account"): "5/hour",
    ("service", "merge_undo"): 3600,
    ("service", "unbind_cooldown"): "1d",
    ("sessions", "recent"): 120,
}
EVERY_KEY = pytest.mark.parametrize(("section", "old"), RENAMED_KEYS, ids=".".join)


def with_keys(section: str, **keys: Any) -> dict[str, Any]:
    """A configuration with `keys` in a section."""
    return {"service": SERVICE} | {section: {**(SERVICE if section == "service" else {}), **keys}}


def mistakes(raw: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(raw)
    return list(caught.value.mistakes)


@EVERY_KEY
def test_an_old_key_is_read_and_says_its_new_name_once(
    section: str, old: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The settings are those of the new key, and the log has one warning with both paths."""
    new, value = RENAMED_KEYS[section, old], VALUES[section, old]
    settings = parse_settings(with_keys(section, **{old: value}))
    [record] = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.WARNING, "setting_renamed")
    assert (vars(record)["old"], vars(record)["new"]) == (f"{section}.{old}", f"{section}.{new}")
    assert settings == parse_settings(with_keys(section, **{new: value}))
    assert settings != parse_settings({"service": SERVICE})
    assert len(caplog.records) == 1


@EVERY_KEY
def test_both_names_of_a_key_are_refused(section: str, old: str, caplog: pytest.LogCaptureFixture) -> None:
    """Which of two values holds is not guessed, also where they are equal."""
    new, value = RENAMED_KEYS[section, old], VALUES[section, old]
    assert mistakes(with_keys(section, **{old: value, new: value})) == [
        f"{section}.{old}: is now called `{new}`, which is given too; remove `{old}`"
    ]
    assert caplog.records == []


@EVERY_KEY
def test_a_new_key_is_a_key_of_its_section(section: str, old: str) -> None:
    """Every old name leads to a key that exists, and is none itself."""
    model = Settings.model_fields[section].annotation
    fields = getattr(model, "model_fields", {})
    assert RENAMED_KEYS[section, old] in fields
    assert old not in fields


@EVERY_KEY
def test_no_mistake_suggests_an_old_name(section: str, old: str) -> None:
    """A misspelt old key is an unknown one; what is suggested, if anything, is a key of today."""
    misspelt = old[:-1]
    [line] = mistakes(with_keys(section, **{misspelt: VALUES[section, old]}))
    assert line.startswith(f"{section}.{misspelt}: unknown key")
    assert f"`{old}`" not in line


def test_a_wrong_value_is_reported_under_the_new_name() -> None:
    """What the operator reads is the name to write."""
    [line] = mistakes(with_keys("sessions", recent="soon"))
    assert line.startswith("sessions.reauth_after: give whole seconds")


def test_what_an_old_key_lacks_is_reported_under_the_new_name() -> None:
    """An indirection is followed for the new key."""
    assert mistakes(with_keys("sessions", recent="env:CONNECT_TEST_NONE")) == [
        "sessions.reauth_after: the environment variable CONNECT_TEST_NONE is not set"
    ]


def test_a_section_that_is_no_table_is_left_for_its_own_mistake() -> None:
    """Renaming looks into tables only."""
    assert [line.partition(":")[0] for line in mistakes({"service": SERVICE, "sessions": "recent"})] == ["sessions"]


def test_the_callers_tables_stay_as_they_are() -> None:
    """A configuration given as data may be used again."""
    raw = with_keys("sessions", recent=120)
    renamed, mistakes = rename_keys(raw, log_renamed)
    assert raw == {"service": SERVICE, "sessions": {"recent": 120}}
    assert (renamed["sessions"], mistakes) == ({"reauth_after": 120}, [])


def test_a_file_with_old_keys_is_reported_to_whoever_asks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A command that prints gets both paths in place of the log."""
    path = tmp_path / "connect.toml"
    keys = "merge_undo = 60\nunbind_cooldown = 60\n[sessions]\nrecent = 60\n[limits]\nper_account = 'off'"
    path.write_text(f"[service]\npublic_url = 'https://shop.example'\nsecret_keys = ['{'A' * 43}']\n{keys}")
    path.chmod(0o600)
    reports: list[tuple[str, str]] = []
    load_settings(path, report_renamed=lambda old, new: reports.append((old, new)))
    assert reports == [(f"{section}.{old}", f"{section}.{new}") for (section, old), new in RENAMED_KEYS.items()]
    assert caplog.records == []
