"""Finds classes, functions and values in the package's own source, and reads their parts.

Parses files and imports nothing of what it reads; a name that another library defines is `None` here.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc
from itertools import zip_longest
from pathlib import Path

import connect_core

PACKAGE = connect_core.__name__
ROOT = Path(connect_core.__file__).parent
LINE = 96
"""Characters that a signature may have on one line."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Statement = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True, slots=True)
class Definition:
    """The statement that defines `name` in `module`, and its docstring: for a value, the text below it."""

    module: str
    name: str
    node: Statement
    text: str

    @property
    def decorators(self) -> list[str]:
        """The decorators' names, without modules and arguments: `dataclass`, `property`."""
        if not isinstance(self.node, ast.ClassDef | Function):
            return []
        calls = (node.func if isinstance(node, ast.Call) else node for node in self.node.decorator_list)
        return [ast.unparse(node).rpartition(".")[2] for node in calls]

    @property
    def body(self) -> Iterator["Definition"]:
        """What a class's own body defines, in order."""
        if isinstance(self.node, ast.ClassDef):
            yield from _read_block(self.module, self.node.body)

    @property
    def base_names(self) -> list[str]:
        """The bases of a class as its source names them, without type parameters."""
        bases = self.node.bases if isinstance(self.node, ast.ClassDef) else []
        return [ast.unparse(base).partition("[")[0] for base in bases]

    @property
    def bases(self) -> Iterator["Definition"]:
        """The bases of a class that are defined in this package."""
        for name in self.base_names:
            if base := _find(self.module, name):
                yield base

    @property
    def annotation(self) -> str:
        """The declared type of a field or value; empty where there is none."""
        return self.write_type(self.node.annotation) if isinstance(self.node, ast.AnnAssign) else ""

    @property
    def attributes(self) -> Iterator["Definition"]:
        """The public attributes that a constructor sets on `self`, with their types where the source tells them."""
        if isinstance(self.node, Function):
            types = {argument.arg: argument.annotation for argument in self.node.args.args + self.node.args.kwonlyargs}
            for statement in self.node.body:
                yield from _read_attribute(self.module, statement, types)

    @property
    def description(self) -> str:
        """What pydantic's `Field(description=...)` says of a key; empty where there is none."""
        keywords = self.value.keywords if isinstance(self.value, ast.Call) else []
        texts = (keyword.value for keyword in keywords if keyword.arg == "description")
        return next((str(text.value) for text in texts if isinstance(text, ast.Constant)), "")

    @property
    def value(self) -> ast.expr | None:
        """The expression that a field or value is assigned."""
        return self.node.value if isinstance(self.node, ast.Assign | ast.AnnAssign) else None

    def write_type(self, node: ast.expr) -> str:
        """Return an annotation; one that is quoted comes without its quotes."""
        return str(node.value) if isinstance(node, ast.Constant) else self.write(node)

    def write(self, node: ast.AST) -> str:
        """Return a part of the definition as its author wrote it, on one line."""
        text = ast.get_source_segment(_read_module(self.module)[0], node) or ""
        return ast.unparse(node) if "\n" in text or not text else text


@cache
def find_definition(module: str, name: str) -> Definition | None:
    """Return where `name` of `module` is defined, through imports; None where another library defines it.

    Raises `LookupError` for a name that the module does not have.
    """
    tree = _read_module(module)[1]
    for definition in _read_block(module, tree.body):
        if definition.name == name:
            return definition
    for statement in (statement for statement in tree.body if isinstance(statement, ast.ImportFrom)):
        for alias in statement.names:
            if (alias.asname or alias.name) == name:
                source = statement.module or ""
                return find_definition(source, alias.name) if source.partition(".")[0] == PACKAGE else None
    raise LookupError(f"{module} has no {name}")


def get_exported(module: str) -> list[str]:
    """Return `__all__` of a module."""
    definition = find_definition(module, "__all__")
    names: list[str] = ast.literal_eval(definition.value) if definition and definition.value else []
    return names


def write_signature(function: Definition, name: str = "") -> str:
    """Return a function's signature under `name`, without `self`, on one line or one parameter a line.

    A name of another function's class gives the form of a call: no `self`, no return type.
    """
    node = function.node
    assert isinstance(node, Function)
    parameters = list(_write_parameters(function, node.args))
    if parameters and parameters[0] in ("self", "cls"):
        parameters = parameters[1:]
    head = f"{'async ' if isinstance(node, ast.AsyncFunctionDef) else ''}{name or function.name}"
    returns = f" -> {function.write_type(node.returns)}" if node.returns and not name else ""
    return write_call(head, parameters, returns)


def write_call(head: str, parameters: Sequence[str], returns: str = "") -> str:
    """Return `head(parameters)`, with a line for each parameter where one line is too short."""
    line = f"{head}({', '.join(parameters)}){returns}"
    if len(line) <= LINE:
        return line
    return "\n".join([f"{head}(", *(f"    {parameter}," for parameter in parameters), f"){returns}"])


def join_lines(signature: str) -> str:
    """Return a signature that has a line for each parameter on one line."""
    return " ".join(signature.split()).replace("( ", "(").replace(", )", ")")


def _write_parameters(function: Definition, arguments: ast.arguments) -> Iterator[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults]
    for argument, default in zip(positional, defaults, strict=True):
        yield _write_parameter(function, argument, default)
    if arguments.vararg:
        yield f"*{_write_parameter(function, arguments.vararg)}"
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _write_parameter(function, argument, default)
    if arguments.kwarg:
        yield f"**{_write_parameter(function, arguments.kwarg)}"


def _write_parameter(function: Definition, argument: ast.arg, default: ast.expr | None = None) -> str:
    annotation = f": {function.write_type(argument.annotation)}" if argument.annotation else ""
    equals = " = " if annotation else "="
    return f"{argument.arg}{annotation}{equals + function.write(default) if default else ''}"


def _find(module: str, name: str) -> Definition | None:
    try:
        return find_definition(module, name)
    except LookupError:  # a builtin, or a dotted name of another library
        return None


@cache
def _read_module(module: str) -> tuple[str, ast.Module]:
    path = ROOT.joinpath(*module.split(".")[1:])
    text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text("utf-8")
    return text, ast.parse(text)


def _read_block(module: str, body: Sequence[ast.stmt]) -> Iterator[Definition]:
    """Yield the definitions of a module or class; a string below an assignment is that value's docstring."""
    for statement, following in zip_longest(body, body[1:]):
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield Definition(module, name, statement, ast.get_docstring(statement) or "")
            case ast.Assign(targets=[ast.Name(id=name), *_]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield Definition(module, name, statement, _get_text(following))


def _read_attribute(module: str, statement: ast.stmt, types: Mapping[str, ast.expr | None]) -> Iterator[Definition]:
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    if not isinstance(target, ast.Attribute) or ast.unparse(target.value) != "self" or target.attr.startswith("_"):
        return
    annotation: ast.expr = ast.Constant("")  # the source does not tell
    match statement:
        case ast.AnnAssign(annotation=declared):
            annotation = declared
        case ast.Assign(value=ast.Name(id=name)):
            annotation = types.get(name) or annotation
        case ast.Assign(value=ast.Call(func=function)) if ast.unparse(function).rpartition(".")[2][:1].isupper():
            annotation = function
    node = ast.AnnAssign(ast.Name(target.attr), annotation, None, 1)
    yield Definition(module, target.attr, node, "")


def _get_text(statement: ast.stmt | None) -> str:
    match statement:
        case ast.Expr(ast.Constant(str() as text)):
            return cleandoc(text)
        case _:
            return ""
