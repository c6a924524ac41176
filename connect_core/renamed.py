"""Names that were changed: the old ones work for one release, and say what they are called now.

Touches nothing but the module or mapping that it is handed.
"""

import warnings
from collections.abc import Mapping


def find_renamed(module: str, name: str, renamed: Mapping[str, str], namespace: Mapping[str, object]) -> object:
    """Return what the old `name` of a module is called now, with a `DeprecationWarning`: for a module's `__getattr__`.

    `renamed` maps old names to new ones, `namespace` is the module's `globals()`. Raises `AttributeError` for a name
    that was never there.
    """
    if name not in renamed:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    warn_renamed(f"{module}.{name}", renamed[name], stacklevel=4)
    return namespace[renamed[name]]


def warn_renamed(old: str, new: str, *, stacklevel: int = 3) -> None:
    """Warn that `old` is called `new` now, at the line that used it; `stacklevel` as in `warnings.warn`."""
    warnings.warn(f"{old} is now called {new}; the old name goes with the next release", DeprecationWarning, stacklevel)
