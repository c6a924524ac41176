"""The fields of a form, made from a settings model: what each key takes, what it is for and what applies without it.

Knows no provider and no request. Values are shown and read by `field_values`.
"""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from connect_core.settings import Endpoint, ProviderSettings
from connect_core.settings.values import is_duration, write_duration

_IN_FILES = re.compile(r"(?:^|_)(?:cert|certificate|private_key|public_key)$")
"""Keys whose values vendors give out as files: certificates and keys in PEM form."""


class FieldKind(StrEnum):
    """What a field takes, and so which input it is."""

    TEXT = "text"
    PASSAGE = "passage"
    """A text of several lines, such as a certificate."""
    SECRET = "secret"  # noqa: S105 - a kind of field
    NUMBER = "number"
    DURATION = "duration"
    SWITCH = "switch"
    CHOICE = "choice"
    CHOICES = "choices"
    LIST = "list"
    """Texts, one a line."""
    BY_LANGUAGE = "by_language"
    """One text, or a text for each language."""
    TABLE = "table"
    """Names and values, written as in `connect.toml`."""


@dataclass(frozen=True, slots=True)
class FormField:
    """One key of a settings model.

    `help` is its description. `default` is the value that applies without it; None where there is none, or where the
    description tells it. `choices` are the values that a choice takes. `takes_file`: a PEM file can be uploaded.
    `is_rare`: few shops need it, so the form shows it folded.
    """

    key: str
    kind: FieldKind
    help: str
    is_required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    takes_file: bool = False
    is_rare: bool = False

    @property
    def is_secret(self) -> bool:
        """Whether the value is never shown."""
        return self.kind is FieldKind.SECRET

    @property
    def default_text(self) -> str:
        """The default as the form words it; empty where there is none to tell."""
        if self.default in (None, "", (), [], {}) or isinstance(self.default, BaseModel):
            return ""
        if self.kind is FieldKind.SWITCH:
            return ""
        if self.kind is FieldKind.DURATION:
            return write_duration(int(self.default))
        if isinstance(self.default, list | tuple):
            return ", ".join(map(str, self.default))
        return "" if isinstance(self.default, Mapping) else str(self.default)


def make_fields(model: type[BaseModel], without: Container[str] = ()) -> tuple[FormField, ...]:
    """Return the fields of a model's keys, in their order: those that must be given first, rare ones last."""
    fields = [_make_field(key, info) for key, info in model.model_fields.items() if key not in without]
    return tuple(sorted(fields, key=lambda field: (field.is_rare, not field.is_required)))


def _make_field(key: str, info: FieldInfo) -> FormField:
    kind, choices = _find_kind(key, info)
    return FormField(
        key,
        kind,
        info.description or "",
        is_required=info.is_required(),
        default=None if info.is_required() else info.default,
        choices=choices,
        takes_file=_IN_FILES.search(key) is not None and kind in (FieldKind.SECRET, FieldKind.PASSAGE),
        is_rare=not info.is_required() and (key in ProviderSettings.model_fields or _is_endpoint(info.annotation)),
    )


def _find_kind(key: str, info: FieldInfo) -> tuple[FieldKind, tuple[str, ...]]:
    if is_duration(info):
        return FieldKind.DURATION, ()
    kinds = list(_strip(info.annotation))
    mapping = next((kind for kind in kinds if _get_class(kind) in (Mapping, dict)), None)
    if mapping is not None:
        return (FieldKind.BY_LANGUAGE if str in kinds else FieldKind.TABLE), ()
    [kind, *others] = kinds
    if get_origin(kind) is Literal and not others:
        return FieldKind.CHOICE, get_args(kind)
    if _get_class(kind) in (list, tuple) and not others:
        [item, *_] = _strip(get_args(kind)[0])
        return (FieldKind.CHOICES, get_args(item)) if get_origin(item) is Literal else (FieldKind.LIST, ())
    if _get_class(kind) is str and _IN_FILES.search(key):
        return FieldKind.PASSAGE, ()
    simple = {SecretStr: FieldKind.SECRET, bool: FieldKind.SWITCH, int: FieldKind.NUMBER, str: FieldKind.TEXT}
    return (FieldKind.TABLE if _is_table(kind) else simple.get(kind, FieldKind.TEXT)), ()


def _strip(annotation: Any) -> Iterator[Any]:
    """Yield the types that an annotation allows, without None and without what checks their values."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _strip(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from _strip(member)
    elif annotation is not NoneType:
        yield annotation


def _get_class(kind: Any) -> Any:
    return get_origin(kind) or kind


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_endpoint(annotation: Any) -> bool:
    """Tell whether the annotation is `Endpoint`, with or without None: an address in place of the vendor's own."""
    return Endpoint in (annotation, *get_args(annotation))
