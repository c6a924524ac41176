"""Where a database URL leads: whether two lead to one database, and whether there is a file. Opens no connection."""

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from connect_core.errors import SettingsError

_PORTS = {"mysql": 3306, "postgresql": 5432}
_BACKENDS = {"mariadb": "mysql"}
_LOOPBACK = frozenset({None, "", "localhost", "::1"})
EXAMPLE = "mysql+pymysql://user@host/shop"


def parse_url(text: str, option: str) -> URL:
    """Return the URL that the option of a command gives. Raises `SettingsError`, which never repeats it."""
    try:
        return make_url(text)
    except (ArgumentError, ValueError):  # a port that is no number
        raise SettingsError([f"{option}: give an SQLAlchemy URL such as {EXAMPLE}"]) from None


def is_same_database(first: URL, second: URL) -> bool:
    """Tell whether both URLs lead to the same database; two names of one host are not recognized, but for this one."""
    return _get_location(first) == _get_location(second)


def is_missing_file(url: URL) -> bool:
    """Tell whether the URL names a SQLite file that does not exist, or none at all."""
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file()


def _get_location(url: URL) -> tuple[object, ...]:
    backend = _BACKENDS.get(url.get_backend_name(), url.get_backend_name())
    if backend == "sqlite":
        return backend, str(Path(url.database or "").resolve())
    host = url.host or url.query.get("host")
    return backend, "127.0.0.1" if host in _LOOPBACK else host, url.port or _PORTS.get(backend), url.database
