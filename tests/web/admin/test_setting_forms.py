"""Forms that are made from the settings models of plugins: every field is shown, and reads back as it was."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, SecretStr

from connect_core.providers.registry import Plugins
from connect_core.settings import Limits, PageSettings
from connect_core.web import admin
from connect_core.web.admin.field_values import (
    FILE_LIMIT,
    FieldMistake,
    Submission,
    normalise,
    read_value,
    show_value,
    write_table,
)
from connect_core.web.admin.setting_fields import FieldKind, FormField, make_fields
from connect_core.web.admin.setting_form import SettingTable, assign_mistakes, read_table, show_table

from ...kit.form_inputs import Inputs

PLUGINS = Plugins(loads_ours=True)
MODELS: Mapping[str, type[BaseModel]] = {
    **{name: plugin.provider.Settings for name, plugin in sorted(PLUGINS.available.items())},
    "limits": Limits,
    "pages": PageSettings,
}
SECRET = "hidden-41f7"
EXAMPLES: Mapping[FieldKind, Any] = {
    FieldKind.TEXT: "https://shop.example/<a>&'\"",
    FieldKind.PASSAGE: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    FieldKind.SECRET: SECRET,
    FieldKind.NUMBER: 7,
    FieldKind.DURATION: "1h30m",
    FieldKind.SWITCH: False,
    FieldKind.LIST: ["a b", "c"],
    FieldKind.BY_LANGUAGE: {"zh": "极品", "en": "Acme"},
    FieldKind.TABLE: {"nickname": ["name", "data.0.name"], "a b": 'x"y', "inner": {"deep": True}},
}


def get_example(field: FormField) -> Any:
    """Return a value that the field can have."""
    if field.choices:
        return field.choices[-1] if field.kind is FieldKind.CHOICE else list(field.choices[:2])
    return EXAMPLES[field.kind]


def render(table: SettingTable, **mistakes: Any) -> str:
    """Return the fields of a table as HTML."""
    return str(get_macros().table(show_table(table, **mistakes), Texts()))


@cache
def get_macros() -> Any:
    """Return the template of the fields."""
    folder = Path(next(iter(admin.__path__))) / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("setting_fields.html").module


class Texts:
    """Words of the page: each is its own key."""

    def __getattr__(self, key: str) -> str:
        """Return a text with a place for a value where the template fills one in."""
        return f"{key} %s" if key.endswith("_of") or key in ("by_default", "values_set") else key


@pytest.mark.parametrize("name", MODELS)
def test_every_field_is_shown_and_reads_back_as_it_was(name: str) -> None:
    """A form that is posted as it was shown changes nothing, whatever the plugin's settings are."""
    fields = make_fields(MODELS[name])
    values = {field.key: get_example(field) for field in fields}
    table = SettingTable(f"providers.{name}", fields, values, languages=("zh", "en"))
    text = render(table)
    inputs = Inputs(text)
    assert {field.key for field in fields} == set(MODELS[name].model_fields)
    assert all(field.help for field in fields)
    assert read_table(table, Submission(inputs.sent, {})).changes == {}
    assert SECRET not in text
    assert len(inputs.ids) == len(set(inputs.ids))
    empty = SettingTable(f"providers.{name}", fields, languages=("zh", "en"))
    assert read_table(empty, Submission(Inputs(render(empty)).sent, {})).changes == {}


def post(**texts: str) -> Submission:
    """Return a posted form of provider `alipay`, by key."""
    return Submission({f"providers.alipay.{key.replace('__', '.')}": [text] for key, text in texts.items()})


def make_table(**values: Any) -> SettingTable:
    """Return the form of an Alipay provider with these values."""
    return SettingTable("providers.alipay", make_fields(MODELS["alipay"]), values)


def test_only_what_differs_is_a_change() -> None:
    """A key that is typed becomes a change, one that is emptied is taken away, and others stay."""
    table = make_table(app_id="1", scope="auth_base", private_key=SECRET, profile_max_age="30d")
    form = post(app_id="2", scope="", profile_max_age="720", **{"profile_max_age.unit": "h"})
    assert read_table(table, form).changes == {"app_id": "2", "scope": None}


def test_a_secret_stays_until_it_is_replaced_or_removed() -> None:
    """An empty input keeps a secret, a filled one replaces it, and the box takes it away."""
    table = make_table(private_key=SECRET, app_id="1")
    kept = {"app_id": "1"}
    assert read_table(table, post(**kept)).changes == {}
    assert read_table(table, post(**kept, private_key="new")).changes == {"private_key": "new"}
    assert read_table(table, post(**kept, **{"private_key.remove": "1"})).changes == {"private_key": None}


def test_a_typed_secret_is_not_shown_again() -> None:
    """After a mistake what was typed stays, but for secrets."""
    form = post(app_id="typed-app", private_key="typed-secret")
    text = render(make_table(), form=form, mistakes={"providers.alipay.app_id": ["wrong form"]})
    assert "typed-app" in text
    assert "typed-secret" not in text
    assert 'aria-invalid="true"' in text
    assert "wrong form" in text


def test_a_locked_value_is_disabled_and_not_read() -> None:
    """What `connect.toml` locks is shown with the reason, and a form that was tampered with does not change it."""
    table = SettingTable("providers.alipay", make_fields(MODELS["alipay"]), {"app_id": "1"}, locks={"app_id": "locked"})
    assert re.search(r'id="providers-alipay-app_id"[^>]* disabled', render(table))
    assert "lock_locked" in render(table)
    assert read_table(table, post(app_id="2")).changes == {}


def test_an_uploaded_file_is_the_value() -> None:
    """A certificate is read from its file, without the marks and line ends of Windows."""
    content = "\ufeff-----BEGIN CERTIFICATE-----\r\nMIIB\r\n-----END CERTIFICATE-----\r\n".encode()
    form = Submission({}, {"providers.alipay.app_cert": content})
    assert read_table(make_table(), form).changes == {"app_cert": EXAMPLES[FieldKind.PASSAGE]}


@pytest.mark.parametrize(
    ("content", "mistake"),
    [(b"0" * (FILE_LIMIT + 1), "file_too_large"), (b"\x30\x82\xff", "file_not_text"), (b"a\0b", "file_not_text")],
)
def test_a_file_that_is_no_text_is_refused(content: bytes, mistake: str) -> None:
    """A file that is too large, or binary, is a mistake of its field and no change."""
    read = read_table(make_table(), Submission({}, {"providers.alipay.app_cert": content}))
    assert read.changes == {}
    assert read.mistakes["providers.alipay.app_cert"].text == mistake


@pytest.mark.parametrize(
    ("kind", "text", "mistake"),
    [
        (FieldKind.NUMBER, "many", "not_a_number"),
        (FieldKind.DURATION, "-1", "not_a_number"),
        (FieldKind.TABLE, "a = \n", "not_a_table"),
    ],
)
def test_what_has_not_the_form_is_a_mistake(kind: FieldKind, text: str, mistake: str) -> None:
    """A number, duration or table that cannot be read is refused with the key of its words."""
    with pytest.raises(FieldMistake, match=mistake):
        read_value(FormField("key", kind, "help"), "key", Submission({"key": [text]}, {}))


def test_a_name_is_one_text_or_a_text_for_each_language() -> None:
    """Both at once contradict each other."""
    field = FormField("title", FieldKind.BY_LANGUAGE, "help")
    both = Submission({"title": ["Acme"], "title:zh": ["极品"]})
    with pytest.raises(FieldMistake, match="either_language"):
        read_value(field, "title", both)
    assert read_value(field, "title", Submission({"title": [""], "title:zh": ["极品"]}, {})) == {"zh": "极品"}
    assert show_value(field, {"fr": "A"}, ["zh"]).languages == (("zh", ""), ("fr", "A"))


def test_a_table_of_a_model_is_written_without_its_defaults() -> None:
    """A value that is a model, such as `claims`, is shown as `connect.toml` has it."""
    [field] = [field for field in make_fields(MODELS["oauth2"]) if field.key == "claims"]
    claims = MODELS["oauth2"].model_fields["claims"].annotation
    assert claims is not None
    assert write_table(claims(nickname=("name",))) == 'nickname = ["name"]'
    assert normalise(field, {"nickname": "name"}) == {"nickname": "name"}


def test_mistakes_of_a_check_find_their_inputs() -> None:
    """A line leads to the input of its path, also from inside its value; what belongs to none is kept."""
    table = make_table()
    lines = [
        "providers.alipay.app_id: is missing",
        "providers.alipay.denial_words.0: give a text",
        "providers.alipay: give either one key or the other",
        "clients.pc: alipay is listed twice",
    ]
    assigned, others = assign_mistakes(lines, [table])
    assert assigned == {
        "providers.alipay.app_id": ["is missing"],
        "providers.alipay.denial_words": ["0: give a text"],
    }
    assert others == lines[2:]


def test_a_secret_of_the_default_is_no_text_of_the_page() -> None:
    """A default or inherited value of a secret is never put into words."""
    field = FormField("client_secret", FieldKind.SECRET, "help", default=SecretStr(SECRET))
    table = SettingTable("accounts.pay", (field,), inherited={"client_secret": SECRET})
    assert SECRET not in render(table)
