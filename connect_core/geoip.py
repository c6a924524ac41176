"""Where an address is, as far as the shop's own GeoIP file knows: country and city, in the languages of the pages.

Reads files in MaxMind's format (https://maxmind.github.io/MaxMind-DB/), such as GeoLite2 City. Asks nobody, and keeps
no address.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from connect_core.errors import SettingsError
from connect_core.limits import LOCATION_LIMIT

LANGUAGES = ("zh-CN", "en", "ja")
"""Languages in which names are kept: those of MaxMind's that pages may be in."""


@dataclass(frozen=True, slots=True)
class Location:
    """A country and a city, each by language tag (`zh-CN`, `en`, `ja`); empty where it is not known."""

    country: Mapping[str, str] = field(default_factory=dict)
    city: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the location that `dump` wrote; an empty one for an empty text."""
        return cls(**json.loads(text)) if text else cls()

    def dump(self) -> str:
        """Return it as JSON of at most `LOCATION_LIMIT` characters, to be stored; empty if nothing is known."""
        if not (self.country or self.city):
            return ""
        text = json.dumps({"country": self.country, "city": self.city}, ensure_ascii=False, separators=(",", ":"))
        return text if len(text) <= LOCATION_LIMIT else ""

    def name_in(self, language: str) -> tuple[str, str]:
        """Return city and country in a language (`zh`, `zh-CN`, `en`), or else in English; each may be empty.

        A city that is called like its country, such as Singapore, is left out.
        """
        city, country = _pick(self.city, language), _pick(self.country, language)
        return ("" if city == country else city), country

    def describe(self, language: str) -> str:
        """Return it as one text: `Hangzhou, China`, and in Chinese and Japanese the country first; empty if unknown."""
        city, country = self.name_in(language)
        is_country_first = language.partition("-")[0] in ("zh", "ja")
        return " ".join(filter(None, (country, city))) if is_country_first else ", ".join(filter(None, (city, country)))


NOWHERE = Location()


class Locator(Protocol):
    """Finds where an address is."""

    def find(self, address: str) -> Location:
        """Return the location of an IP address; an empty one where it is not known. Never raises."""


class NoLocator:
    """The locator of a shop without a GeoIP file."""

    def find(self, address: str) -> Location:
        """Return an empty location."""
        return NOWHERE


class _FileLocator:
    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def find(self, address: str) -> Location:
        """Look it up in the file."""
        try:
            record: object = self._reader.get(address)
        except (ValueError, OSError, RuntimeError, LookupError):  # no address, or a damaged file: a login goes on
            return NOWHERE
        return Location(_names(record, "country"), _names(record, "city"))


def open_locator(file: Path | None) -> Locator:
    """Return a locator for the GeoIP file, or one that knows nothing where there is none.

    The file is read once; a newer one counts from the next start. Raises `SettingsError` when it cannot be read, or the
    library is not installed.
    """
    if file is None:
        return NoLocator()
    try:
        import maxminddb  # noqa: PLC0415 - optional
    except ModuleNotFoundError:
        raise SettingsError(["pages.geoip_database: install connect-login[geoip]"]) from None
    try:
        # in memory: a program that renews the file in place cannot change what is read half-way
        return _FileLocator(maxminddb.open_database(file, maxminddb.MODE_MEMORY))
    except (OSError, ValueError, RuntimeError):  # maxminddb's InvalidDatabaseError is a RuntimeError
        raise SettingsError(["pages.geoip_database: the file is no MaxMind database (.mmdb)"]) from None


def _names(record: object, kind: str) -> dict[str, str]:
    place = record.get(kind) if isinstance(record, Mapping) else None
    names = place.get("names") if isinstance(place, Mapping) else None
    if not isinstance(names, Mapping):
        return {}
    return {language: name for language in LANGUAGES if isinstance(name := names.get(language), str)}


def _pick(names: Mapping[str, str], language: str) -> str:
    main = language.partition("-")[0]
    near = next((name for tag, name in names.items() if tag.partition("-")[0] == main), "")
    return names.get(language) or near or names.get("en", "")
