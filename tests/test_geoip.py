"""Where an address is: read from a file in MaxMind's format, in the languages of the pages, and never an error."""

import json
import sys
from pathlib import Path

import pytest

from connect_core.errors import SettingsError
from connect_core.geoip import NOWHERE, Location, open_locator
from connect_core.limits import LOCATION_LIMIT

from .kit.geoip_files import HANGZHOU, SINGAPORE, write_geoip_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with three networks."""
    places = {"203.0.113.0/24": HANGZHOU, "2001:db8::/32": HANGZHOU, "198.51.100.0/24": SINGAPORE, "192.0.2.0/24": {}}
    return write_geoip_file(tmp_path / "city.mmdb", places)


def test_an_address_has_a_city_and_a_country(file: Path) -> None:
    """In Chinese and English, for IPv4 and IPv6; languages that no page has are not kept."""
    for address in ("203.0.113.7", "2001:db8:1:2::"):
        location = open_locator(file).find(address)
        assert location.name_in("zh") == location.name_in("zh-CN") == ("杭州", "中国")
        assert location.name_in("en") == ("Hangzhou", "China")
        assert "ru" not in location.country
        assert (location.describe("zh"), location.describe("en")) == ("中国 杭州", "Hangzhou, China")


def test_a_language_without_a_name_gets_the_english_one(file: Path) -> None:
    """A Japanese page shows the country in Japanese and the city in English."""
    location = open_locator(file).find("203.0.113.7")
    assert location.name_in("ja") == ("Hangzhou", "中国")
    assert location.name_in("ko") == ("Hangzhou", "China")


def test_a_city_that_is_a_country_is_named_once(file: Path) -> None:
    """Singapore, not "Singapore, Singapore"."""
    assert open_locator(file).find("198.51.100.9").describe("en") == "Singapore"


@pytest.mark.parametrize("address", ["", "unknown", "192.0.2.1", "10.0.0.1", "203.0.113.0/24", "~_hidden"])
def test_nothing_is_known_of_other_addresses(file: Path, address: str) -> None:
    """No error, and nothing to store."""
    location = open_locator(file).find(address)
    assert (location, location.dump(), location.describe("en")) == (NOWHERE, "", "")


def test_without_a_file_nothing_is_known() -> None:
    """No library is needed then."""
    assert open_locator(None).find("203.0.113.7") == NOWHERE


def test_a_location_is_stored_and_read_again(file: Path) -> None:
    """As JSON within the column's length; names that would not fit are left away, and the login goes on."""
    location = open_locator(file).find("203.0.113.7")
    assert Location.parse(location.dump()) == location
    assert set(json.loads(location.dump())) == {"country", "city"}
    assert Location.parse("") == NOWHERE
    assert Location({"en": "x" * LOCATION_LIMIT}).dump() == ""


@pytest.mark.parametrize("content", [b"", b"no database", b"\xab\xcd\xefMaxMind.com"])
def test_a_file_that_is_no_database_stops_the_start(tmp_path: Path, content: bytes) -> None:
    """The operator reads which key is wrong."""
    wrong = tmp_path / "wrong.mmdb"
    wrong.write_bytes(content)
    with pytest.raises(SettingsError, match=r"pages\.geoip_database: the file is no MaxMind database"):
        open_locator(wrong)


def test_a_damaged_file_costs_no_login(file: Path) -> None:
    """What cannot be read is not known."""
    content = bytearray(file.read_bytes())
    start = content.index(bytes(16)) + 16
    content[start : start + 40] = b"\xff" * 40
    file.write_bytes(content)
    assert open_locator(file).find("203.0.113.7") == NOWHERE


def test_the_missing_library_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    with pytest.raises(SettingsError, match=r"connect-login\[geoip\]"):
        open_locator(file)
