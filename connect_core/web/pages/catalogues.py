"""The texts of pages in every offered language, read once at the start from gettext catalogues: ours, then the shop's.

A catalogue is `<language>/LC_MESSAGES/connect.po`, or `.mo`; the context (`msgctxt`) of an entry is the key of its text
in `messages`, the `msgid` its English. Never touches a request.
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import PoFileError, read_po, write_po

from connect_core.errors import SettingsError
from connect_core.identity import Language
from connect_core.languages import TAG, match_language, pick_language
from connect_core.web.pages.messages import LANGUAGES, get_sources

LOCALE_FOLDER = Path(__file__).parent / "locale"
DOMAIN = "connect"
_PLACEHOLDER = re.compile(r"%[^a-zA-Z%]*[a-zA-Z%]?")
_PLAIN_PLACEHOLDER = re.compile(r"%[sd]")

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Catalogues:
    """The offered languages, best first, each with all its texts by key; `default` is for who asks for none of them."""

    languages: tuple[Language, ...]
    default: Language
    texts: Mapping[Language, Texts]

    def find_language(self, tag: str) -> Language | None:
        """Return the offered language for a tag, such as `zh`; None for another text or where there is none."""
        return match_language(tag, self.languages) if TAG.fullmatch(tag) else None

    def pick_language(self, accept_language: str) -> Language:
        """Return the offered language that an `Accept-Language` header asks for, else the default."""
        return pick_language(accept_language, self.languages, self.default)

    def find_second(self, language: Language) -> Language | None:
        """Return a language for those who cannot read `language`: English, on an English page Chinese, else any."""
        candidates = ("en", "zh-CN", "zh-TW", *self.languages)
        return next((other for other in candidates if other in self.languages and other != language), None)


def load_catalogues(
    languages: Sequence[str] = (), default: str | None = None, locale_folder: Path | None = None
) -> Catalogues:
    """Return the texts of `languages`, or of all that there are.

    `languages` are tags, in the order in which pages offer them; `default` is one of them; None means English, or the
    first where English is not offered. A text that the shop's `locale_folder` does not translate is ours, and English
    where we have none. Raises `SettingsError`, which names the file and the text, for a catalogue that cannot be read
    or has other placeholders than the English text, and for a language without a catalogue.
    """
    mistakes: list[str] = []
    shops = {} if locale_folder is None else dict(_read_folder(locale_folder, mistakes))
    known = (*LANGUAGES, *(language for language in shops if language not in LANGUAGES))
    matched = {tag: match_language(tag, known) for tag in languages}
    mistakes += [f"pages.languages: there is no catalogue for {tag}" for tag, match in matched.items() if not match]
    offered = tuple(dict.fromkeys(filter(None, matched.values()))) or known
    chosen = match_language(default, known) if default else "en" if "en" in offered else offered[0]
    if chosen not in offered:
        mistakes.append(f"pages.default_language: {default} is not offered; pages are in {', '.join(offered)}")
    if mistakes or chosen is None:
        raise SettingsError(mistakes)
    texts = {language: _put_together(language, shops.get(language, {})) for language in offered}
    return Catalogues(offered, chosen, texts)


def write_template(language: str = "") -> str:
    """Return a catalogue of every text to fill in; for a built-in `language`, with our translations."""
    catalogue = Catalog(
        locale=language.replace("-", "_") or None, header_comment="# The pages of connect-login", fuzzy=False
    )
    ours = _read_ours(language) if language in LANGUAGES else {}
    for key, source in get_sources().items():
        catalogue.add(source, ours.get(key, ""), context=key)
    buffer = BytesIO()
    write_po(buffer, catalogue, omit_header=False, no_location=True)
    return buffer.getvalue().decode()


def _put_together(language: Language, shops: Texts) -> Texts:
    texts = _put_ours_together(language)
    return {**texts, **shops, "html_language": language} if shops else texts


@cache
def _put_ours_together(language: Language) -> Texts:
    """Return our own texts: made once, so that workers share their main process's."""
    ours = {"own_name": _get_own_name(language), **_read_ours(language)}
    return {**get_sources(), **ours, "html_language": language}


def _get_own_name(language: Language) -> str:
    try:
        name = Locale.parse(language, sep="-").get_language_name()
    except (UnknownLocaleError, ValueError):
        return language
    return f"{name[0].upper()}{name[1:]}" if name else language


@cache
def _read_ours(language: Language) -> dict[str, str]:
    path = LOCALE_FOLDER / language.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.po"
    return dict(_get_translated(_read(path), get_sources())) if path.exists() else {}


def _read_folder(folder: Path, mistakes: list[str]) -> Iterator[tuple[Language, Texts]]:
    """Yield the shop's languages with their texts, and note what is wrong with its catalogues."""
    paths = sorted([*folder.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"), *folder.glob(f"*/LC_MESSAGES/{DOMAIN}.po")])
    if not paths:
        mistakes.append(f"pages.locale_folder: there is no <language>/LC_MESSAGES/{DOMAIN}.po in it")
    texts: dict[Language, dict[str, str]] = {}
    for path in paths:  # a `.po` comes after its `.mo` and so counts more
        name = path.relative_to(folder).as_posix()
        tag = path.parts[-3].replace("_", "-")
        if not TAG.fullmatch(tag):
            mistakes.append(f"pages.locale_folder: {name}: {path.parts[-3]} is no language, such as fr or pt_BR")
            continue
        try:
            translated = dict(_get_translated(_read(path), get_sources()))
        except (PoFileError, ValueError, OSError, struct.error) as error:
            mistakes.append(f"pages.locale_folder: {name}: {_describe(error)}")
            continue
        mistakes += [f"pages.locale_folder: {name}: {mistake}" for mistake in _find_wrong(translated, get_sources())]
        texts.setdefault(_get_language(tag), {}).update(translated)
    yield from texts.items()


def _get_language(tag: str) -> Language:
    """Return the built-in language whose texts the folder `tag` replaces, else `tag` in the usual letters."""
    if tag.lower() == "zh":
        return "zh-CN"
    same = [language for language in LANGUAGES if language.lower() == tag.lower()]
    primary, *rest = tag.split("-")
    return next(
        iter(same), "-".join([primary.lower(), *(part.upper() if len(part) == 2 else part.title() for part in rest)])
    )


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_mo(file) if path.suffix == ".mo" else read_po(file, abort_invalid=True)


def read_translations(path: Path, sources: Texts) -> dict[str, str]:
    """Return the finished texts of a catalogue of ours by key; `sources` are the English ones.

    Raises `SettingsError` for a text that has other placeholders than the English one.
    """
    translated = dict(_get_translated(_read(path), sources))
    if mistakes := [f"{path.name}: {mistake}" for mistake in _find_wrong(translated, sources)]:
        raise SettingsError(mistakes)
    return translated


def _get_translated(catalogue: Catalog, known: Texts) -> Iterator[tuple[str, str]]:
    """Yield the key and text of every finished entry, as gettext's own tools do: not of a fuzzy or an empty one."""
    for message in catalogue:
        context: object = message.context
        key = context.decode("utf-8") if isinstance(context, bytes) else context  # of a `.mo` Babel leaves it encoded
        if key in known and isinstance(message.string, str) and message.string and not message.fuzzy:
            yield str(key), message.string


def _find_wrong(translated: Texts, sources: Texts) -> Iterator[str]:
    for key, text in translated.items():
        if expected := _PLACEHOLDER.findall(sources[key]):
            if _PLACEHOLDER.findall(text) != expected:
                yield f"{key}: the translation needs {' and '.join(expected)} as the English text has, and no other %"
        elif wrong := _PLAIN_PLACEHOLDER.findall(text):
            yield f"{key}: the English text has no {wrong[0]}"


def _describe(error: Exception) -> str:
    if isinstance(error, PoFileError):
        return f"line {error.lineno}: {error}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not in the encoding that it names"
    if isinstance(error, OSError) and error.errno:
        return f"it cannot be read: {error.strerror}"
    return "it is no gettext catalogue"
