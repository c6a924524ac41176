"""What the reference says of one name: read from its definition, written as Markdown.

Owns kinds, constructors and members. Finding a definition in a file is the business of `source`.
"""

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from textwrap import indent

from connect_core.cli.plugin.source import (
    LINE,
    Definition,
    Function,
    find_definition,
    get_exported,
    join_lines,
    write_call,
    write_signature,
)

FACES = ("connect_core.plugin", "connect_core.sandbox", "connect_core.testing")
"""The three modules that a plugin imports."""
FOREIGN = {
    "Field": "Declares a key of a settings class: its default, its limits and its description. A function of pydantic, "
    "see https://docs.pydantic.dev/latest/concepts/fields/.",
    "SecretStr": "A text that `repr`, logs and error messages hide; `get_secret_value()` returns it. A class of "
    "pydantic, see https://docs.pydantic.dev/latest/api/types/.",
}
"""Names that another library defines, with a text of ours in place of that library's docstring."""
_TITLES = ("Values", "Fields", "Methods", "Rules")
_NO_CONSTRUCTOR = ("Enumeration", "Protocol", "Pydantic model")


@dataclass(frozen=True, slots=True)
class EntryMember:
    """A field, property, method or contract rule of a class."""

    name: str
    signature: str
    text: str
    remark: str = ""

    def to_markdown(self) -> str:
        """The member as an item of a list."""
        head = f"- `{join_lines(self.signature)}`{f' ({self.remark})' if self.remark else ''}"
        if "\n" not in self.text:
            return f"{head}: {self.text}" if self.text else head
        return f"{head}\n\n{indent(self.text, '  ')}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A public name: what kind of thing it is, how it is used, what its docstring says, and its members by title.

    `bases` are those classes above it that are public names too; their members are described there.
    """

    name: str
    module: str
    kind: str
    signature: str
    text: str
    bases: tuple[str, ...] = ()
    members: Mapping[str, Sequence[EntryMember]] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.text.partition("\n")[0]

    def __iter__(self) -> Iterator[EntryMember]:
        return (member for members in self.members.values() for member in members)

    def to_markdown(self) -> str:
        """The whole entry; it can be read as plain text too."""
        inherited = f"Inherits the members of {' and '.join(f'`{base}`' for base in self.bases)}." if self.bases else ""
        parts = [
            f"### `{self.name}`",
            f"{self.kind}, `from {self.module} import {'hookimpl' if self.kind == 'Hook' else self.name}`",
            indent(self.signature, "    "),
            self.text,
            inherited,
        ]
        for title, members in self.members.items():
            parts += [f"{title}:", "\n".join(member.to_markdown() for member in members)]
        return "\n\n".join(part for part in parts if part)


def read_entry(module: str, name: str) -> Entry:
    """Return the entry of a public name of `module`. Raises `KeyError` for another library's name without a text."""
    definition = find_definition(module, name)
    if definition is None:
        return Entry(name, module, "Another library's", "", FOREIGN[name])
    if isinstance(definition.node, ast.ClassDef):
        return _read_class(module, definition)
    if isinstance(definition.node, Function):
        kind = "Context manager" if "contextmanager" in definition.decorators else "Function"
        return Entry(name, module, kind, write_signature(definition), definition.text)
    assert definition.value is not None
    return Entry(name, module, "Value", f"{name} = {_write_value(definition, definition.value)}", definition.text)


def _write_value(definition: Definition, value: ast.expr) -> str:
    """Return a value as source text; a long tuple with a line for each item, anything else that is long as `...`."""
    text = definition.write(value)
    if len(text) <= LINE:
        return text
    if not isinstance(value, ast.Tuple):
        return "..."
    return "\n".join(["(", *(f"    {definition.write(item)}," for item in value.elts), ")"])


def _read_class(module: str, definition: Definition) -> Entry:
    hidden, bases = _split_lineage(definition)
    lineage = list(_walk_bases(definition))
    kind = _get_kind(lineage)
    constructor = _find_constructor(lineage, kind)
    texts = [definition.text]
    if constructor in [method for above in hidden for method in above.body]:
        texts.append(constructor.text)
    return Entry(
        definition.name,
        module,
        kind,
        _write_constructor(definition, constructor, kind),
        "\n\n".join(filter(None, texts)),
        tuple(base.name for base in bases),
        _read_members(hidden, lineage, kind),
    )


def _split_lineage(definition: Definition) -> tuple[list[Definition], list[Definition]]:
    """Return the class with those above it that are no public names, and the first public ones above these."""
    hidden, bases = [definition], []
    for base in definition.bases:
        if (base.module, base.name) in _get_public():
            bases.append(base)
        else:
            more_hidden, more_bases = _split_lineage(base)
            hidden += more_hidden
            bases += more_bases
    return hidden, bases


def _walk_bases(definition: Definition) -> Iterator[Definition]:
    yield definition
    for base in definition.bases:
        yield from _walk_bases(base)


@cache
def _get_public() -> frozenset[tuple[str, str]]:
    definitions = [find_definition(module, name) for module in FACES for name in get_exported(module)]
    return frozenset((definition.module, definition.name) for definition in definitions if definition)


def _get_kind(lineage: Sequence[Definition]) -> str:
    names = {name for above in lineage for name in above.base_names}
    if "Exception" in names:
        code, status = (_find_literal(lineage, name) for name in ("code", "status"))
        return f"Exception with code `{code}` and HTTP status {status}" if code else "Exception"
    if names & {"Enum", "StrEnum"}:
        return "Enumeration"
    if "BaseModel" in names:
        return "Pydantic model"
    if "Protocol" in lineage[0].base_names:
        return "Protocol"
    if "dataclass" in lineage[0].decorators:
        return "Dataclass"
    methods: dict[str, bool] = {}
    for member in (member for above in lineage for member in above.body):
        methods.setdefault(member.name, "abstractmethod" in member.decorators)
    return "Abstract class" if any(methods.values()) else "Class"


def _find_literal(lineage: Sequence[Definition], name: str) -> object:
    values = (member.value for above in lineage for member in above.body if member.name == name)
    return next((value.value for value in values if isinstance(value, ast.Constant)), None)


def _find_constructor(lineage: Sequence[Definition], kind: str) -> Definition | None:
    """Return the `__init__` that counts; None where there is none to call, be it that it raises whatever comes."""
    methods = (member for above in lineage for member in above.body if member.name == "__init__")
    constructor = next(methods, None)
    if constructor is None or kind in _NO_CONSTRUCTOR:
        return None
    assert isinstance(constructor.node, Function)
    return None if isinstance(constructor.node.body[0], ast.Raise) else constructor


def _write_constructor(definition: Definition, constructor: Definition | None, kind: str) -> str:
    if constructor is not None:
        return write_signature(constructor, definition.name)
    if kind != "Dataclass":
        return ""
    fields = [member for member in definition.body if _is_field(member)]
    parameters = [_write_field(member) for member in fields]
    assert isinstance(definition.node, ast.ClassDef)
    only_keywords = any("kw_only=True" in definition.write(node) for node in definition.node.decorator_list)
    return write_call(definition.name, ["*", *parameters] if only_keywords else parameters)


def _is_field(member: Definition) -> bool:
    return member.annotation != "" and not member.annotation.startswith("ClassVar")


def _write_field(member: Definition) -> str:
    """Return `name: type = default`; a default that `field` or pydantic's `Field` holds is taken out of the call."""
    default = member.value
    if isinstance(default, ast.Call) and ast.unparse(default.func) in ("field", "Field"):
        values = {str(keyword.arg): keyword.value for keyword in default.keywords}
        factory = values.get("default_factory")
        default = default.args[0] if default.args else values.get("default")
        written = f"{member.write(factory)}()" if factory else member.write(default) if default else ""
    else:
        written = member.write(default) if default else ""
    annotation = f": {member.annotation}" if member.annotation else ""
    return f"{member.name}{annotation}{f' = {written}' if written else ''}"


def _read_members(
    hidden: Sequence[Definition], lineage: Sequence[Definition], kind: str
) -> dict[str, list[EntryMember]]:
    """Return the members of a class and of the `hidden` classes above it, by title, without those overridden."""
    members: dict[str, list[EntryMember]] = {title: [] for title in _TITLES}
    seen = {"model_config", *(("code", "status") if kind.startswith("Exception with") else ())}
    declared = {member.name for above in lineage for member in above.body}
    for member in (member for above in hidden for member in _walk_body(above, declared)):
        is_public = not member.name.startswith(("_", "pytest_")) or member.name == "__call__"
        if is_public and member.name not in seen and "fixture" not in member.decorators:
            seen.add(member.name)
            title, item = _read_member(member, kind, _find_text(member.name, lineage))
            if title != "Fields" or item.text or kind != "Dataclass":  # a dataclass's signature has its fields
                members[title].append(item)
    return {title: group for title, group in members.items() if group}


def _find_text(name: str, lineage: Sequence[Definition]) -> str:
    """Return the docstring of a member, or of the one that it overrides."""
    texts = (member.text for above in lineage for member in above.body if member.name == name)
    return next(filter(None, texts), "")


def _walk_body(definition: Definition, declared: Collection[str]) -> Iterator[Definition]:
    """Yield what a class's body defines, then the attributes that its constructor sets and no body has `declared`."""
    yield from definition.body
    for constructor in (member for member in definition.body if member.name == "__init__"):
        yield from (attribute for attribute in constructor.attributes if attribute.name not in declared)


def _read_member(member: Definition, kind: str, text: str) -> tuple[str, EntryMember]:
    if not isinstance(member.node, Function):
        title = "Values" if kind == "Enumeration" else "Fields"
        return title, EntryMember(member.name, _write_field(member), text or member.description)
    if member.name.startswith("test_"):
        return "Rules", EntryMember(member.name, member.name, text)
    decorators = set(member.decorators)
    if decorators & {"property", "cached_property"}:
        returns = f": {member.write_type(member.node.returns)}" if member.node.returns else ""
        return "Fields", EntryMember(member.name, f"{member.name}{returns}", text, "read only")
    remark = "abstract" if "abstractmethod" in decorators else "class method" if "classmethod" in decorators else ""
    return "Methods", EntryMember(member.name, write_signature(member), text, remark)
