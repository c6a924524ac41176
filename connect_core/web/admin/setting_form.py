"""One table of the configuration as a form: its fields as they are shown, and the changes that a posted form makes.

An input is called as its key is in the configuration, `providers.alipay.app_id`, so that each mistake that a check
reports finds its input. Reads and writes no database.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from markupsafe import Markup

from connect_core.identity import Language
from connect_core.web.admin.field_values import (
    FieldMistake,
    ShownValue,
    Submission,
    normalise,
    read_value,
    show_submitted,
    show_value,
)
from connect_core.web.admin.marked_text import mark_code
from connect_core.web.admin.setting_fields import FormField

Source = Literal["account", "file", "database", "default"]
"""Where a value comes from: an account, `connect.toml`, an operator's change, or the model's default."""
Lock = Literal["", "locked", "file_alone"]
"""Why a value cannot be changed here: `connect.toml` locks it, or settings come from that file alone."""


@dataclass(frozen=True, slots=True)
class SettingTable:
    """A table of the configuration, `section`, with what stands in it.

    `values` are those that are set in this table, secrets too, by key; `inherited` those that apply where it has none.
    `sources` says of each key where its value comes from, `locks` why it cannot be changed. `client_type` is that of a
    table with the differences of one client type, else empty.
    """

    section: str
    fields: tuple[FormField, ...]
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    inherited: Mapping[str, Any] = field(default_factory=dict, repr=False)
    sources: Mapping[str, Source] = field(default_factory=dict)
    locks: Mapping[str, Lock] = field(default_factory=dict)
    client_type: str = ""
    languages: tuple[Language, ...] = ()

    def name_input(self, key: str) -> str:
        """Return the name of the input of `key`."""
        return f"{self.section}.{key}"


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field as a page shows it: its input is called `name`.

    `is_set`: a value stands in this table, which for a secret is all that is shown. `inherited` is what applies while
    it is left empty, in words, and empty for a secret. `mistakes` are sentences.
    """

    field: FormField
    name: str
    shown: ShownValue
    is_set: bool
    source: Source
    inherited: str
    is_inherited: bool
    lock: Lock
    mistakes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id of its input."""
        return self.name.replace(".", "-")

    @property
    def help(self) -> Markup:
        """The field's description, with what stands between backticks as code."""
        return mark_code(self.field.help)


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as a page shows it: the fields that most shops need, and those that few need."""

    table: SettingTable
    fields: tuple[FieldView, ...]
    rare: tuple[FieldView, ...]

    @property
    def has_mistakes(self) -> bool:
        """Whether something in it is wrong."""
        return any(view.mistakes for view in self.fields) or self.has_rare_mistakes

    @property
    def has_rare_mistakes(self) -> bool:
        """Whether something in what few shops need is wrong."""
        return any(view.mistakes for view in self.rare)

    @property
    def rare_set(self) -> int:
        """How many of the settings that few shops need are set."""
        return sum(view.is_set for view in self.rare)


@dataclass(frozen=True, slots=True)
class ReadTable:
    """What a posted form says of a table: the `changes` by key, None for one that is taken away, and the mistakes."""

    table: SettingTable
    changes: Mapping[str, Any] = field(repr=False)
    mistakes: Mapping[str, FieldMistake]


def show_table(
    table: SettingTable, form: Submission | None = None, mistakes: Mapping[str, Sequence[str]] | None = None
) -> TableView:
    """Return the table as a page shows it: with its values, or with what was typed into `form`.

    `mistakes` are sentences by the name of the input.
    """
    views = [_show_field(table, item, form, mistakes or {}) for item in table.fields]
    return TableView(
        table,
        tuple(view for view in views if not view.field.is_rare),
        tuple(view for view in views if view.field.is_rare),
    )


def read_table(table: SettingTable, form: Submission) -> ReadTable:
    """Return what `form` changes in the table. Nothing is changed where a field says what the table has already.

    A key that is locked is not read. A secret that is left empty stays, unless its box `remove` is ticked. What comes
    from `connect.toml` can be replaced, and not taken away.
    """
    changes: dict[str, Any] = {}
    mistakes: dict[str, FieldMistake] = {}
    for item in table.fields:
        if table.locks.get(item.key):
            continue
        name, current = table.name_input(item.key), table.values.get(item.key)
        try:
            value = read_value(item, name, form)
        except FieldMistake as mistake:
            mistakes[name] = mistake
            continue
        if item.is_secret and value is None:
            value = None if form.get(f"{name}.remove") else current
        if value == normalise(item, current):
            continue
        if value is None and table.sources.get(item.key) == "file":
            mistakes[name] = FieldMistake("stays_in_file")
        else:
            changes[item.key] = value
    return ReadTable(table, changes, mistakes)


def assign_mistakes(lines: Iterable[str], tables: Iterable[SettingTable]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the mistakes of a check, by the name of their input, and those that belong to none.

    A line is a path, a colon and a sentence, as `SettingsError` has them.
    """
    names = {table.name_input(item.key) for table in tables for item in table.fields}
    assigned: dict[str, list[str]] = {}
    others: list[str] = []
    for line in lines:
        path, _, text = line.partition(": ")
        name = path
        while name and name not in names:  # a path may lead into the value of a key, `claims.nickname`
            name = name.rpartition(".")[0]
        if name:
            inner = path.removeprefix(name).removeprefix(".")
            assigned.setdefault(name, []).append(f"{inner}: {text}" if inner else text)
        else:
            others.append(line)
    return assigned, others


def _show_field(
    table: SettingTable, item: FormField, form: Submission | None, mistakes: Mapping[str, Sequence[str]]
) -> FieldView:
    name, value = table.name_input(item.key), table.values.get(item.key)
    lock = table.locks.get(item.key, "")
    if form is None or lock:
        shown = show_value(item, value, table.languages)
    else:
        shown = show_submitted(item, name, form, table.languages)
    inherited = table.inherited.get(item.key)
    return FieldView(
        item,
        name,
        shown,
        is_set=value is not None,
        source=table.sources.get(item.key, "default"),
        inherited=_describe(item, inherited) if inherited is not None else item.default_text,
        is_inherited=inherited is not None,
        lock=lock,
        mistakes=tuple(mistakes.get(name, ())),
    )


def _describe(item: FormField, value: Any) -> str:
    """Return a value in one line; nothing of a secret, and of a long text its beginning."""
    if item.is_secret:
        return ""
    shown = show_value(item, value)
    words = shown.text + (shown.unit if item.kind == "duration" else "") or ", ".join(shown.chosen)
    line = " ".join((words or ", ".join(text for _, text in shown.languages)).split())
    return line if len(line) <= 60 else f"{line[:57]}..."
