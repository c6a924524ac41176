"""`connect-login plugin explain` tells the truth: what it reads in the source is what Python makes of it."""

import inspect
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from connect_core.cli import app
from connect_core.cli.plugin.entries import FACES, Entry
from connect_core.cli.plugin.reference import explain, list_names, read_reference
from connect_core.errors import PluginError
from connect_core.providers.hookspecs import Hooks

ENTRIES: Mapping[str, Entry] = read_reference()
OBJECTS = {name: getattr(import_module(entry.module), name) for name, entry in ENTRIES.items()}
CLASSES = [name for name, value in OBJECTS.items() if inspect.isclass(value) and value.__module__.startswith("connect")]
CALLABLE = [name for name, entry in ENTRIES.items() if "(" in entry.signature and entry.kind != "Value"]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["plugin", "explain", *arguments])
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize("face", FACES)
def test_every_exported_name_is_explained(face: str) -> None:
    """Names, modules and docstrings are those of the imported objects."""
    module = import_module(face)
    assert [name for name, entry in ENTRIES.items() if entry.module == face] == module.__all__
    for name in module.__all__:
        assert ENTRIES[name].text, f"{name} has no docstring"
    for name in set(CLASSES) & set(module.__all__):
        assert ENTRIES[name].text.startswith(inspect.cleandoc(OBJECTS[name].__doc__))


@pytest.mark.parametrize("name", CALLABLE)
def test_signatures_are_those_that_python_sees(name: str) -> None:
    """Every parameter of a constructor or function is named, in its order."""
    expected = [str(parameter).partition(":")[0] for parameter in inspect.signature(OBJECTS[name]).parameters.values()]
    signature = " ".join(ENTRIES[name].signature.split())
    places = [re.search(rf"[( ]{re.escape(parameter)}: ", signature) for parameter in expected]
    starts = [place.start() for place in places if place]
    assert (len(starts), starts) == (len(expected), sorted(starts))


@pytest.mark.parametrize("name", CLASSES)
def test_members_are_those_that_python_sees(name: str) -> None:
    """Every public attribute of a class is a member of it, of a public class above it, or a field of its signature."""
    bases = [base for base in OBJECTS[name].__mro__ if base.__module__.startswith("connect_core.")]
    expected = {key for base in bases for key in (*vars(base), *vars(base).get("__annotations__", {}))}
    expected = {key for key in expected if not key.startswith(("_", "pytest_", "model_"))}
    if issubclass(OBJECTS[name], BaseModel):
        expected |= set(OBJECTS[name].model_fields)
    text = "\n".join(ENTRIES[base.__name__].to_markdown() for base in bases if base.__name__ in ENTRIES)
    expected -= set(getattr(OBJECTS[name], "_RENAMED_METHODS", ()))  # old names work, and are not documented
    fixtures = {key for key in expected if "Fixture" in type(getattr(OBJECTS[name], key, None)).__name__}
    missing = {key for key in expected - fixtures if not re.search(rf"[`( ]{key}[`(: ]", text)}
    assert missing <= {"code", "status"}  # the line with an exception's kind has their values


def test_a_method_is_explained_alone() -> None:
    """By the class that has it or by one below; the text is that of the class's entry."""
    alone = run("Provider.login_callback")
    assert alone.startswith(
        "### `Provider.login_callback`\n\n    async login_callback(response: AuthorizationResponse)"
    )
    assert "ProviderFault" in alone
    assert run("ProviderConfig.vendor").startswith("### `ConnectError.vendor`")
    assert "Identity" not in run("Profile.of").splitlines()[0]


def test_a_class_is_explained_with_defaults_and_types() -> None:
    """Fields, defaults and the description of a setting, as the author wrote them."""
    assert 'grant: str = ""' in run("Identity")
    assert '- `token_method: Method = "form"`: How the code is redeemed' in run("connect_core.plugin.Quirks")
    assert "code `provider_config` and HTTP status 502" in run("ProviderConfig")
    assert '- `CLIENT_CODE = "client_code"`: A mini program' in run("Entrance")


def test_hooks_are_explained() -> None:
    """A hook is found by its name, with the decorator that makes a function one."""
    hooks = [name for name in vars(Hooks) if name.startswith("connect_")]
    assert "    @hookimpl\n    def connect_erased(event: ErasedEvent) -> None" in run("connect_erased")
    assert set(hooks) <= {line.split()[0] for line in list_names()}


def test_without_a_name_there_is_a_line_for_each() -> None:
    """The list has every name with the first line of its docstring."""
    lines = [line.split(maxsplit=1) for line in run().splitlines()]
    assert set(ENTRIES) <= {line[0] for line in lines}
    assert ["Identity", ENTRIES["Identity"].text.splitlines()[0]] in lines


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("Identty", "did you mean Identity"),
        ("identity", "did you mean Identity"),
        ("fetch_profile", "did you mean Provider.fetch_profile"),
        ("Provider.login_calback", "did you mean Provider.login_callback"),
        ("connect_registred", "did you mean connect_registered"),
        ("qqqqqq", "without a name you get the list"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, nearest: str) -> None:
    """A mistake of the user's, so one line and exit code 2, as for every command."""
    result = CliRunner().invoke(app, ["plugin", "explain", name])
    assert isinstance(result.exception, PluginError)  # `main` makes a line and exit code 2 of it
    assert "\n" not in str(result.exception)
    assert nearest in str(result.exception)
    with pytest.raises(LookupError):
        explain(name)


def test_it_needs_no_pytest() -> None:
    """Authors look names up before they install the extra `testing`."""
    code = "import sys; sys.modules['pytest'] = None; from connect_core.cli.plugin.reference import explain; "
    code += "print(explain('ProviderContract'))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.startswith("### `ProviderContract`")
