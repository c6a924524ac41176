"""Values of settings as a form shows them, and as it reads them back; a secret is never shown.

Whether a value is right is not decided here: the settings model and the plugin say so when a draft is made.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import BaseModel

from connect_core.errors import BadRequest
from connect_core.settings.values import UNITS, parse_duration, split_duration, write_duration
from connect_core.web.admin.setting_fields import FieldKind, FormField

FILE_LIMIT = 32 * 1024
"""Bytes of an uploaded certificate or key; a chain of certificates has about 8 KiB."""

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters but line breaks and tabs, and halves of surrogate pairs."""


class FieldMistake(ValueError):
    """What was typed cannot be a value of the field. `text` is the key of the words on the page, with `%s` for `about`.

    Neither contains what was typed.
    """

    def __init__(self, text: str, about: str = "") -> None:
        """`text` is a key of `messages`."""
        super().__init__(text)
        self.text, self.about = text, about


@dataclass(frozen=True, slots=True)
class Submission:
    """A posted form: the texts of each input by its name, and the content of each uploaded file."""

    texts: Mapping[str, Sequence[str]] = field(repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def of_pairs(cls, pairs: Iterable[tuple[str, str]], files: Mapping[str, bytes]) -> Self:
        """Return a form of its fields in their order. Raises `BadRequest` for a text that no setting can be."""
        texts: dict[str, list[str]] = {}
        for name, text in pairs:
            if _UNPRINTABLE.search(text):
                raise BadRequest("a text of the form contains control characters")
            texts.setdefault(name, []).append(text)
        return cls(texts, files)

    def get(self, name: str) -> str:
        """Return the text of an input without blanks around it, with single line breaks; empty where it has none."""
        return self.get_all(name)[0] if self.get_all(name) else ""

    def get_all(self, name: str) -> list[str]:
        """Return every text of the inputs called `name`."""
        return [text.replace("\r\n", "\n").replace("\r", "\n").strip() for text in self.texts.get(name, ())]


@dataclass(frozen=True, slots=True)
class ShownValue:
    """What the inputs of a field contain.

    `text` is that of a text, number, duration or table, and has the lines of a list; `unit` is a duration's. `chosen`
    are the values that are ticked or chosen. `languages` has a text for each language, and is for names alone.
    """

    text: str = ""
    unit: str = "s"
    chosen: tuple[str, ...] = ()
    languages: tuple[tuple[str, str], ...] = ()


def show_value(field: FormField, value: Any, languages: Iterable[str] = ()) -> ShownValue:
    """Return what the inputs contain for `value`, which stands in the configuration; None where nothing does.

    `languages` are those that a name is asked for, besides those that it has.
    """
    match field.kind:
        case FieldKind.SECRET:
            return ShownValue()
        case FieldKind.BY_LANGUAGE:
            named = dict(value) if isinstance(value, Mapping) else {}
            tags = dict.fromkeys([*languages, *named])
            text = "" if value is None or isinstance(value, Mapping) else str(value)
            return ShownValue(text, languages=tuple((tag, str(named.get(tag, ""))) for tag in tags))
        case FieldKind.SWITCH:
            return ShownValue(chosen=() if value is None else ("on" if value else "off",))
        case FieldKind.CHOICE | FieldKind.CHOICES:
            return ShownValue(chosen=_list_texts(value))
        case _ if value is None:
            return ShownValue(unit=_get_unit(field))
        case FieldKind.DURATION:
            return _show_duration(value)
        case FieldKind.LIST:
            return ShownValue("\n".join(_list_texts(value)))
        case FieldKind.TABLE:
            return ShownValue(write_table(value))
    return ShownValue(str(value))


def show_submitted(field: FormField, name: str, form: Submission, languages: Iterable[str] = ()) -> ShownValue:
    """Return what was typed, for a form that is shown again; a secret has to be typed again."""
    if field.is_secret:
        return ShownValue()
    tags = [key.removeprefix(f"{name}:") for key in form.texts if key.startswith(f"{name}:")]
    chosen = tuple(text for text in form.get_all(name) if text) if field.kind in _CHOSEN else ()
    return ShownValue(
        "" if field.kind in _CHOSEN else form.get(name),
        form.get(f"{name}.unit") or "s",
        chosen,
        tuple((tag, form.get(f"{name}:{tag}")) for tag in dict.fromkeys([*languages, *tags]))
        if field.kind is FieldKind.BY_LANGUAGE
        else (),
    )


def read_value(field: FormField, name: str, form: Submission) -> Any:
    """Return the value that the inputs of `field` say, as a configuration has it; None where they are left empty.

    A secret that is left empty is None too. Raises `FieldMistake`.
    """
    if field.takes_file and (content := form.files.get(name)):
        return _read_file(content)
    match field.kind:
        case FieldKind.BY_LANGUAGE:
            return _read_languages(name, form)
        case FieldKind.CHOICES:
            return [text for text in form.get_all(name) if text] or None
    text = form.get(name)
    if not text:
        return None
    match field.kind:
        case FieldKind.SWITCH:
            return text == "on"
        case FieldKind.NUMBER:
            return _read_number(text)
        case FieldKind.DURATION:
            return _read_duration(text, form.get(f"{name}.unit"))
        case FieldKind.LIST:
            return [line.strip() for line in text.split("\n") if line.strip()]
        case FieldKind.TABLE:
            return _read_table(text)
    return text


def normalise(field: FormField, value: Any) -> Any:
    """Return `value`, which stands in the configuration, as the form would read it back: equal ones are no change."""
    if value is None or field.is_secret:
        return value
    match field.kind:
        case FieldKind.DURATION:
            return write_duration(parse_duration(value))
        case FieldKind.LIST | FieldKind.CHOICES:
            return list(_list_texts(value)) or None
        case FieldKind.TABLE:
            return _to_plain(value) or None
        case FieldKind.BY_LANGUAGE if isinstance(value, Mapping):
            return dict(value) or None
        case FieldKind.TEXT | FieldKind.PASSAGE | FieldKind.BY_LANGUAGE:
            return str(value).replace("\r\n", "\n").strip() or None
    return value


def write_table(value: Any) -> str:
    """Return a table as lines of TOML, `name = value`."""
    return "\n".join(f"{_write_key(key)} = {_write_toml(item)}" for key, item in _to_plain(value).items())


_CHOSEN = (FieldKind.SWITCH, FieldKind.CHOICE, FieldKind.CHOICES)
_BARE_KEY = re.compile("[A-Za-z0-9_-]+")


def _get_unit(field: FormField) -> str:
    if field.kind is FieldKind.DURATION and isinstance(field.default, int):
        return split_duration(field.default)[1]
    return "s"


def _show_duration(value: Any) -> ShownValue:
    try:
        amount, unit = split_duration(parse_duration(value))
    except ValueError:  # the model has refused it already, and says what is wrong
        return ShownValue(str(value))
    return ShownValue(str(amount), unit)


def _list_texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _read_file(content: bytes) -> str:
    if len(content) > FILE_LIMIT:
        raise FieldMistake("file_too_large", str(FILE_LIMIT // 1024))
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError:
        raise FieldMistake("file_not_text") from None
    if not text or "\0" in text:
        raise FieldMistake("file_not_text")
    return text


def _read_languages(name: str, form: Submission) -> str | dict[str, str] | None:
    named = {key.removeprefix(f"{name}:"): form.get(key) for key in form.texts if key.startswith(f"{name}:")}
    named = {tag: text for tag, text in named.items() if text}
    if named and form.get(name):
        raise FieldMistake("either_language")
    return named or form.get(name) or None


def _read_number(text: str) -> int:
    if not re.fullmatch("-?[0-9]{1,12}", text):
        raise FieldMistake("not_a_number")
    return int(text)


def _read_duration(text: str, unit: str) -> str:
    if not re.fullmatch("[0-9]{1,9}", text) or unit not in UNITS:
        raise FieldMistake("not_a_number")
    return write_duration(int(text) * UNITS[unit])


def _read_table(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        raise FieldMistake("not_a_table", place[1] if place else "1") from None


def _to_plain(value: Any) -> Any:
    """Return a table of a model or of the configuration as plain dictionaries and lists, without what is not set."""
    if isinstance(value, BaseModel):
        return _to_plain(value.model_dump(exclude_defaults=True))
    if isinstance(value, Mapping):
        return {str(key): _to_plain(item) for key, item in value.items()}
    return [_to_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _write_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _write_toml(value: Any) -> str:
    match value:
        case Mapping():
            return "{ " + ", ".join(f"{_write_key(key)} = {_write_toml(item)}" for key, item in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(_write_toml, value)) + "]"
        case bool() | int() | float():
            return json.dumps(value)
    # a JSON text is a basic string of TOML, but for DEL
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007F")
