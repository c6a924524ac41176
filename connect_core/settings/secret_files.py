"""Files with secrets in them: which there are, and whether every user of the machine may read them. Changes none."""

import logging
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

log = logging.getLogger("connect_login")

ReportReadable = Callable[[Sequence[str], str], None]
"""Called with the paths of keys, such as `service.secret_keys.0`, and the name of the file that holds their values."""
_SECRET_KEY = re.compile(
    r"(?:secret|password|private_key|aes_key|api_key|(?:secrets|secret_keys)\.\d+)$"
    r"|(?<!access)(?<!refresh)(?<!app)_token$"  # `access_token` is where an answer has it, or for how long it is valid
)
SHOWN_KEYS = 3
_URL_PASSWORDS = frozenset({"password", "passwd", "sslpassword"})
_URL = re.compile(r"[a-z0-9+]+://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileOfSettings:
    """A file that settings come from: `connect.toml`, with an empty `key`, or one that `key` names by `file:`."""

    key: str
    path: Path
    is_secret: bool


def log_readable(keys: Sequence[str], file: str) -> None:
    """Log the event `secret_readable`, a warning, with the keys and the file."""
    log.warning("secret_readable", extra={"key": list_keys(keys), "file": file})


def list_keys(keys: Sequence[str]) -> str:
    """Return the first keys as a text; of the others, only how many there are."""
    more = len(keys) - SHOWN_KEYS
    return ", ".join(keys[:SHOWN_KEYS]) + (f" and {more} more" if more > 0 else "")


def is_readable_by_others(file: Path) -> bool:
    """Tell whether the file's mode lets users read it who are neither its owner nor of its group (POSIX alone)."""
    return os.name == "posix" and bool(file.stat().st_mode & stat.S_IROTH)


def is_secret(key: str, text: str) -> bool:
    """Tell whether the value `text` of `key` is a secret: by its key, a private key in it, or a password in an address.

    A database URL may have its password among its parameters (libpq, PyMySQL).
    """
    if _SECRET_KEY.search(key) or "PRIVATE KEY-----" in text:
        return bool(text)
    try:
        if not _URL.match(text):
            return False
        parts = urlsplit(text)
        return bool(parts.password) or any(name in _URL_PASSWORDS for name, _ in parse_qsl(parts.query))
    except ValueError:
        return False


def find_files(config: Path) -> list[FileOfSettings]:
    """Return the files that the settings of `config` come from; it has been read before, so it is no mistake."""
    pairs = list(_walk(tomllib.loads(config.read_text("utf-8-sig")), ""))
    files = [FileOfSettings("", config, any(is_secret(key, text) and not _is_indirect(text) for key, text in pairs))]
    for key, text in pairs:
        kind, _, name = text.strip().partition(":")
        path = config.parent / name.strip()
        if kind == "file" and path.is_file():
            files.append(FileOfSettings(key, path, is_secret(key, path.read_text("utf-8", "replace"))))
    return files


def _is_indirect(text: str) -> bool:
    return text.strip().startswith(("env:", "file:"))


def _walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the key and text of every text in a table, as `loading` calls the keys."""
    match value:
        case dict():
            for key, item in value.items():
                yield from _walk(item, f"{path}.{key}".lstrip("."))
        case list():
            for place, item in enumerate(value):
                yield from _walk(item, f"{path}.{place}")
        case str():
            yield path, value
