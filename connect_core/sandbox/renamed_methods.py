"""Sandbox methods that were renamed: subclasses and callers may use the old names for one release.

Touches nothing but the class that it receives.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from connect_core.renamed import warn_renamed


def alias_methods(kind: type, renamed: Mapping[str, str]) -> None:
    """Make the methods of a new class available under both names: call it from `__init_subclass__`.

    `renamed` maps old names to new ones. A method that `kind` defines under its old name becomes the new one, with a
    `DeprecationWarning` at the class statement. A method that it defines under its new name can be called by the old
    one, with a `DeprecationWarning` at the call.
    """
    for old, new in renamed.items():
        if new in vars(kind):
            setattr(kind, old, _deprecated(vars(kind)[new], old, new))
        elif old in vars(kind):
            # from this line up to the class statement: this function, `__init_subclass__`, `ABCMeta.__new__`
            warn_renamed(f"{kind.__qualname__}.{old}", new, stacklevel=5)
            setattr(kind, new, vars(kind)[old])


def _deprecated(method: Callable[..., Any], old: str, new: str) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        warn_renamed(old, new)
        return method(*arguments, **named)

    return call
