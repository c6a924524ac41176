"""Describes an error of a database driver: why, what to do about it, and the driver's number; never its own text.

That text may quote parameters, addresses and names. What is said of it here comes from closed lists.
"""

import re
import ssl
from collections.abc import Mapping, Sequence

_REFUSED = "the connection is refused: nothing listens there; start the server, or correct host and port in the URL"
_UNKNOWN_HOST = "the host is unknown; correct its name in the URL, or the name service of this machine"
_UNREACHABLE = "the host cannot be reached; look at the network and the firewall, or correct host and port in the URL"
_PASSWORD = "the server refuses the user or the password; correct them in the URL"  # noqa: S105 - no password
_NO_DATABASE = "the server has no database of that name; create it, or correct the name in the URL"
_NO_RIGHT = "the user lacks a right in the database; grant it"
_NOT_ALLOWED = (
    "the server does not let this user in from this machine; allow it there (pg_hba.conf, or the user's host)"
)
_TLS = "TLS fails; correct the certificates, or the ssl parameters in the URL"
_TLS_MISSING = "the URL asks for TLS, which the server does not offer; switch it on there, or change the URL"
_TLS_NEEDED = "the server wants TLS; add the ssl parameters to the URL"
_FULL = "the server has no connection left; let it take more, or lower the number of workers"
_READ_ONLY = "the server takes no writes; the URL has to lead to the primary server"
_WRONG_KIND = "the server is no standby; correct target_session_attrs in the URL"
_PARAMETER = "a parameter of the URL has no such value; correct it"
_OPTIONS = "the server refuses what the parameter options of the URL sets; correct it"
_POOLER_PARAMETER = "the pooler refuses a parameter; allow it there, or remove it from the URL"
_POOLER_FULL = "the pooler takes no more connections; let it take more, or lower the number of workers"
_FILE = "the file cannot be opened; its folder has to exist, and this user needs the right to write there"
_FILE_READ_ONLY = "the file is read-only; this user needs the right to write it and its folder"

_REASONS: Mapping[str, str] = {
    # PostgreSQL, "Appendix A. Error Codes"
    "3D000": _NO_DATABASE,
    "25006": _READ_ONLY,
    "28000": _NOT_ALLOWED,
    "28P01": _PASSWORD,
    "42501": _NO_RIGHT,
    "53300": _FULL,
    # MariaDB and MySQL, "Error Codes"
    **dict.fromkeys(("1045", "1251", "1698"), _PASSWORD),
    **dict.fromkeys(("1044", "1142", "1143", "1227", "1370"), _NO_RIGHT),
    **dict.fromkeys(("1040", "1203", "1226"), _FULL),
    **dict.fromkeys(("1290", "1792", "1836", "1874"), _READ_ONLY),
    "1049": _NO_DATABASE,
    "1071": "the server allows short index keys only; set innodb_default_row_format = DYNAMIC there",
    "1130": _NOT_ALLOWED,
    "2026": _TLS,
    "3159": _TLS_NEEDED,
    # SQLite, "Result and Error Codes"; an extended code begins like the code that it extends
    "SQLITE_CANTOPEN": _FILE,
    "SQLITE_CORRUPT": "the file is damaged; put the last back-up in its place",
    "SQLITE_FULL": "the disk is full; free some space",
    "SQLITE_NOTADB": "the file is no SQLite database; correct the path in the URL",
    "SQLITE_PERM": _FILE_READ_ONLY,
    "SQLITE_READONLY": _FILE_READ_ONLY,
}
_PHRASES: Mapping[str, str] = {
    "certificate verify failed": _TLS,
    "server certificate for": _TLS,
    "root certificate file": _TLS,
    "server does not support SSL": _TLS_MISSING,
    "SSL is required but": _TLS_MISSING,
    "no encryption": _TLS_NEEDED,
    "SSL connection is required": _TLS_NEEDED,
    "Connection refused": _REFUSED,
    "Is the server running locally": _REFUSED,
    "could not translate host name": _UNKNOWN_HOST,
    "failed to resolve host": _UNKNOWN_HOST,
    "Name or service not known": _UNKNOWN_HOST,
    "Temporary failure in name resolution": _UNKNOWN_HOST,
    "No route to host": _UNREACHABLE,
    "Network is unreachable": _UNREACHABLE,
    "timeout expired": _UNREACHABLE,
    "timed out": _UNREACHABLE,
    "no such user": _PASSWORD,
    "no such database": _NO_DATABASE,
    "no password supplied": _PASSWORD,
    "password authentication failed": _PASSWORD,
    "not permitted to log in": _NOT_ALLOWED,
    "no pg_hba.conf entry": _NOT_ALLOWED,
    "permission denied for database": _NO_RIGHT,
    "remaining connection slots are reserved": _FULL,
    "too many clients already": _FULL,
    "too many connections": _FULL,
    "server is in hot standby mode": _READ_ONLY,
    "server is not in hot standby mode": _WRONG_KIND,
    "session is not read-only": _WRONG_KIND,
    "session is read-only": _READ_ONLY,
    "server login has been failing": "the pooler cannot log in at its server; look at its log",
    "the database system is shutting down": "the server is being stopped; wait, or start it",
    "the database system is starting up": "the server is being started; wait a moment",
    "unsupported startup parameter": _POOLER_PARAMETER,
    "doesn't support command-line options": _POOLER_PARAMETER,
    "unrecognized configuration parameter": _OPTIONS,
    "invalid value for parameter": _OPTIONS,
    "outside the valid range for parameter": _OPTIONS,
    "cannot be changed": _OPTIONS,
    "permission denied to set parameter": _OPTIONS,
    "invalid command-line argument": _OPTIONS,
    "requires a value": _OPTIONS,
    "no more connections allowed": _POOLER_FULL,
    "client connections exceeded": _POOLER_FULL,
}
"""What drivers, libpq and poolers say of a connection that cannot be opened; most such errors have no number."""
_PATTERNS: Sequence[tuple[re.Pattern[str], str, str]] = (
    (re.compile(r'FATAL:\s+database ".*" does not exist'), "database does not exist", _NO_DATABASE),
    (re.compile(r'FATAL:\s+role ".*" does not exist'), "role does not exist", _PASSWORD),
    (re.compile("invalid [a-z_]+ value"), "", _PARAMETER),
    (re.compile("definition of service"), "", _PARAMETER),
)
"""Messages of PostgreSQL: the pattern, its words where a name stands between them, and the reason."""
_CANNOT_CONNECT = "2003"
"""PyMySQL's number for all that keeps it from connecting."""


def describe_failure(error: BaseException) -> str:
    """Return why the database failed, with a remedy, and in brackets the error's class and number.

    Without a known reason the class and number stand alone. An error of SQLAlchemy's is described by the driver's error
    in it.
    """
    origin = getattr(error, "orig", None) or error
    reason, name = _find_reason(origin), _get_technical_name(origin)
    return f"{reason} [{name}]" if reason else name


def find_number(error: BaseException) -> str:
    """Return the SQLSTATE, errno or SQLite's name of a driver's error; empty where it has none."""
    if error.args and isinstance(error.args[0], int):
        return str(error.args[0])  # before the SQLSTATE that PyMySQL adds: MariaDB's documentation lists errnos
    return getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None) or ""


def _get_technical_name(error: BaseException) -> str:
    """Return the error's class with its SQLSTATE (PostgreSQL), errno (MariaDB) or name (SQLite), or else a phrase."""
    number = find_number(error)
    phrase = "" if number else _find_phrase(error)[0]
    return f"{type(error).__name__} {number or (f'({phrase})' if phrase else '')}".strip()


def _find_reason(error: BaseException) -> str:
    number = find_number(error)
    if number == _CANNOT_CONNECT or not number:
        is_tls = isinstance(getattr(error, "original_exception", None), ssl.SSLError)
        return _TLS if is_tls else _find_phrase(error)[1]
    name = next((name for name in _REASONS if number.startswith(name)), "")
    if name == "2026":  # PyMySQL's for TLS that fails, and for a server without TLS
        return _find_phrase(error)[1] or _TLS
    return _REASONS.get(name, "")


def _find_phrase(error: BaseException) -> tuple[str, str]:
    """Return a phrase of the error's text and its reason, both empty when it contains none that is known."""
    text = str(error)
    for pattern, words, reason in _PATTERNS:
        if match := pattern.search(text):
            return words or match[0], reason
    return next(((phrase, reason) for phrase, reason in _PHRASES.items() if phrase in text), ("", ""))
