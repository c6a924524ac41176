"""A plugin with an icon: a package in a folder or in a zip archive, and the drawings in it."""

import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" rx="13" fill="#7a3ff2"/>'
    '<path d="M14 34 24 12l10 22" fill="none" stroke="#fff" stroke-width="4"/></svg>'
)


@contextmanager
def package(folder: Path, icon: str | bytes = ICON, *, is_zipped: bool = False) -> Iterator[None]:
    """Have the package `connect_drawn` with `drawn.svg` and `icons/drawn.svg`; `icon` is what is in both."""
    content = icon.encode() if isinstance(icon, str) else icon
    files = {"__init__.py": b"", "drawn.svg": content, "icons/drawn.svg": content}
    place = folder / "drawn.zip" if is_zipped else folder
    if is_zipped:
        with zipfile.ZipFile(place, "w") as archive:
            for name, data in files.items():
                archive.writestr(f"connect_drawn/{name}", data)
    else:
        for name, data in files.items():
            path = folder / "connect_drawn" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    sys.path.insert(0, str(place))
    try:
        yield
    finally:
        sys.path.remove(str(place))
        for name in [name for name in sys.modules if name.partition(".")[0] == "connect_drawn"]:
            del sys.modules[name]
