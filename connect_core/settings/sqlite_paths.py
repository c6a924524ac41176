"""Where a relative path in a SQLite URL begins: at the folder of `connect.toml`, like every other path in it.

Works on the text of the URL, and opens no file.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote

_URL = re.compile(r"(sqlite(?:\+\w+)?:///)([^?]+)(\?.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Parts:
    """A SQLite URL that names a file, taken apart: `query` begins with its question mark."""

    scheme: str
    path: Path
    query: str
    is_uri: bool

    def replace(self, path: Path) -> str:
        """Return the URL with another path."""
        return (
            f"{self.scheme}file:{quote(str(path))}{self.query}" if self.is_uri else f"{self.scheme}{path}{self.query}"
        )


def locate_sqlite(url: str, folder: Path) -> str:
    """Return `url` with the path of its file seen from `folder`; a URL without a relative path comes back as it is.

    The path of a `file:` URI (https://sqlite.org/uri.html) is taken in the same way.
    """
    parts = _split(url)
    return url if parts is None or parts.path.is_absolute() else parts.replace(folder / parts.path)


def find_left_behind(url: str, folder: Path) -> tuple[Path, Path] | None:
    """Return two paths when the URL's file is missing in `folder` and there is one in the working directory.

    They are the paths of the missing file and of the other one, where release 0.1 would have looked. `url` is
    as it stands in `connect.toml`, which is in `folder`.
    """
    parts = _split(url)
    if parts is None or parts.path.is_absolute() or not parts.path.is_file() or (folder / parts.path).exists():
        return None
    return folder / parts.path, parts.path.absolute()


def find_file(url: str) -> Path | None:
    """Return the path of a SQLite URL's file; None for a database in memory and for any other database."""
    parts = _split(url)
    return parts.path if parts else None


def _split(url: str) -> _Parts | None:
    """Take the URL apart; None for a database in memory and for any other database."""
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme, path, query = match[1], match[2], match[3] or ""
    parameters = parse_qs(query.removeprefix("?"))
    if path.startswith("file:") and "uri" in parameters:
        path = path.removeprefix("file:")
        is_in_memory = path == ":memory:" or "memory" in parameters.get("mode", ())
        return None if is_in_memory else _Parts(scheme, Path(unquote(path)), query, is_uri=True)
    return None if path == ":memory:" else _Parts(scheme, Path(path), query, is_uri=False)
