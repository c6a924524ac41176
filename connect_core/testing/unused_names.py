"""Names that an author gave to methods and attributes of a sandbox and that no code reads: misspelt or invented ones.

Reads source code alone: runs no login and decides about no rule.
"""

import ast
import inspect
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from sys import modules
from types import ModuleType

from connect_core.sandbox import Sandbox

_NEAREST = 3
"""How many names are suggested at most where no known name shares a word."""
_ALIKE = 0.5
"""How alike those are (`difflib`)."""


def find_unused_names(sandbox: type[Sandbox], tests: ModuleType | None = None) -> dict[str, list[str]]:
    """Return the public names of a sandbox class that nothing reads, each with the known names that may be meant.

    A name is known when a base class in `connect_core` has it, or `for_tests`. Any other name counts as read when code
    of the sandbox's package or of the module `tests` has it as an attribute or a text, outside of its own method.
    Raises `OSError` where the source code of such a module is not at hand.
    """
    bases = [cls for cls in sandbox.__mro__ if _is_ours(cls)]
    written = [cls for cls in sandbox.__mro__ if cls not in bases and cls.__module__ not in ("abc", "builtins")]
    known = {name for cls in bases for name in (*vars(cls), *vars(cls).get("__annotations__", ()))}
    known |= {*sandbox._RENAMED_METHODS, *sandbox.for_tests}
    added = {name for cls in written for name in vars(cls) if not name.startswith("_")} - known
    if not added:
        return {}
    read = {
        name for module in _find_modules(written, tests) for name in _find_read(ast.parse(inspect.getsource(module)))
    }
    return {name: _find_nearest(name, known) for name in sorted(added - read)}


def _is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == __name__.partition(".")[0]


def _find_modules(written: Collection[type], tests: ModuleType | None) -> Iterator[ModuleType]:
    """Yield the loaded modules of the packages that have the classes `written`, and `tests`."""
    packages = {cls.__module__.rpartition(".")[0] or cls.__module__ for cls in written}
    for name, module in list(modules.items()):
        is_of_package = any(name == package or name.startswith(f"{package}.") for package in packages)
        if is_of_package and getattr(module, "__file__", None):
            yield module
    if tests:
        yield tests


def _find_read(node: ast.AST) -> set[str]:
    """Return the names that code reads, and its texts; a method that reads its own name reads it for nobody."""
    names = {name for child in ast.iter_child_nodes(node) for name in _find_read(child)}
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name, ctx=ast.Load()) | ast.Constant(value=str(name)):
            names.add(name)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            names.discard(name)
    return names


def _find_nearest(name: str, known: Collection[str]) -> list[str]:
    """Return the public known names that share a word with `name`, or else those that look like it."""
    public, words = sorted(other for other in known if not other.startswith("_")), set(name.split("_"))
    alike = [other for other in public if words & set(other.split("_"))]
    return alike or get_close_matches(name, public, _NEAREST, _ALIKE)
