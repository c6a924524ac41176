"""Describes an error of a database driver by its kind and number, without its text, which may quote parameters."""

import re

_PHRASES = (
    "certificate verify failed",
    "Connection refused",
    "could not translate host name",
    "does not exist",
    "does not support SSL",
    "failed to resolve host",
    "No route to host",
    "no such user",
    "not permitted to log in",
    "no pg_hba.conf entry",
    "password authentication failed",
    "remaining connection slots are reserved",
    "server is in hot standby mode",
    "server is not in hot standby mode",
    "server login has been failing",
    "session is not read-only",
    "session is read-only",
    "SSL connection is required",
    "the database system is shutting down",
    "the database system is starting up",
    "timeout expired",
    "too many clients already",
    "too many connections",
    "unsupported startup parameter",
)
"""What libpq and PgBouncer say of a connection that cannot be opened; such an error has no SQLSTATE."""
_PHRASE = re.compile("|".join([*map(re.escape, _PHRASES), r"invalid [a-z_]+ value", r"definition of service"]))


def describe_failure(error: BaseException) -> str:
    """Return the error's class with its SQLSTATE (PostgreSQL), errno (MariaDB) or name (SQLite).

    For a connection that PostgreSQL or PgBouncer refuses, which has no number, it is a phrase of theirs. An error of
    SQLAlchemy's is described by the driver's error in it.
    """
    origin = getattr(error, "orig", None) or error
    return f"{type(origin).__name__} {find_number(origin) or _find_phrase(origin)}".strip()


def find_number(error: BaseException) -> str:
    """Return the SQLSTATE, errno or SQLite's name of a driver's error; empty where it has none."""
    if error.args and isinstance(error.args[0], int):
        return str(error.args[0])  # before the SQLSTATE that PyMySQL adds: MariaDB's documentation lists errnos
    return getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None) or ""


def _find_phrase(error: BaseException) -> str:
    phrase = _PHRASE.search(str(error))
    return f"({phrase[0]})" if phrase else ""
