"""Refuses attributes of a class that nothing reads, because their name is that of a known one with a typing error.

Knows no sandbox: `Sandbox` and the contract's base class call it for each of their subclasses.
"""

from difflib import get_close_matches
from typing import Any

_ALIKE = 0.9
"""How alike two names are (`difflib`) of which one is the other, misspelt."""
_STATED = "documented"
"""How the names of attributes begin that a subclass states and never invents."""


def refuse_misspelt(cls: type[Any]) -> None:
    """Raise `TypeError` for a public attribute of `cls` that nearly has the name of one that its base classes have.

    Any other name that begins with `documented` is refused too. Names that begin with `_` are the author's own.
    """
    known = {name for base in cls.__mro__[1:] for name in vars(base) if not name.startswith("_")}
    known |= {name for base in cls.__mro__[1:] for name in vars(base).get("__annotations__", {})}
    for name in vars(cls):
        if name.startswith(("_", "test_")) or name in known:
            continue
        near = get_close_matches(name, known, 1, _ALIKE)
        if not near and name.startswith(_STATED):
            near = get_close_matches(name, [other for other in known if other.startswith(_STATED)], 1, 0)
        if near:
            raise TypeError(
                f"{cls.__name__}.{name}: nothing reads it; did you mean {near[0]}? A name of your own begins with _"
            )
