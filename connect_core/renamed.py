"""Names that were changed: the old ones work for one release, and a warning says the new ones.

Owns the wording of that warning and the look-up of a module's old names. Each module keeps its own table of them.
"""

import warnings
from collections.abc import Mapping


def find_renamed(module: str, name: str, renamed: Mapping[str, str], namespace: Mapping[str, object]) -> object:
    """Return the object behind a module's old `name`, with a `DeprecationWarning`. Call it from `__getattr__`.

    `renamed` maps old names to new ones, `namespace` is the module's `globals()`. Raises `AttributeError` for a name
    that is not in `renamed`.
    """
    if name not in renamed:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    warn_renamed(f"{module}.{name}", renamed[name], stacklevel=4)
    return namespace[renamed[name]]


def get_notice(old: str, new: str) -> str:
    """Say that `old` is called `new` now, in one sentence without a full stop."""
    return f"{old} is now called {new}; the old name goes with the next release"


def warn_renamed(old: str, new: str, *, stacklevel: int = 3) -> None:
    """Warn that `old` is called `new` now, at the line that used it; `stacklevel` as in `warnings.warn`."""
    warnings.warn(get_notice(old, new), DeprecationWarning, stacklevel)
