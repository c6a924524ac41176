"""Files with secrets in them that every user of the machine may read. Reads no file and changes none."""

import logging
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

log = logging.getLogger("connect_login")

ReportReadable = Callable[[str, str], None]
"""Called with the path of a key, such as `service.secret_keys.0`, and the name of the file that holds its value."""
_SECRET_KEY = re.compile(r"(?:secret|password|private_key|aes_key|secret_keys\.\d+)$")
_URL_PASSWORDS = frozenset({"password", "passwd", "sslpassword"})
_URL = re.compile(r"[a-z0-9+]+://", re.IGNORECASE)


def log_readable(key: str, file: str) -> None:
    """Log the event `secret_readable`, a warning, with the key and the file."""
    log.warning("secret_readable", extra={"key": key, "file": file})


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
