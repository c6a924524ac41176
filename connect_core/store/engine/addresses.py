"""Opens the engine of a database URL: every parameter of the URL takes effect, or is refused by its name.

What connect-login sets by default gives way to a parameter. Knows the parameters of each driver; opens no connection.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import URL, Engine, create_engine

_HOSTS = frozenset({"host", "port"})
"""Parameters that may come several times: the hosts of one database (SQLAlchemy, "Specifying multiple fallback hosts").
"""


class UnusableUrl(ValueError):
    """A database URL that cannot be used. Its text names parameters, never values."""


@dataclass(frozen=True, slots=True)
class _Driver:
    """The parameters of one driver: `names` of all, those that are `decided` here, and what texts are converted to.

    `try_out` raises `UnusableUrl` for values that the driver would refuse when it connects; it opens no connection.
    """

    names: Callable[[Any], frozenset[str]]
    decided: frozenset[str]
    conversions: Mapping[str, Callable[[str], object]] = field(default_factory=dict)
    try_out: Callable[[URL, Mapping[str, object]], None] = lambda *_: None


def open_engine(url: URL, defaults: Mapping[str, object], **options: Any) -> Engine:
    """Return SQLAlchemy's engine for `url`.

    `defaults` are arguments of the driver that a parameter of the URL replaces; `options` go to SQLAlchemy. Raises
    `UnusableUrl` for a parameter that the driver does not have, that is given twice, that has a value of the wrong
    form, or that connect-login decides; and what SQLAlchemy raises for an URL that is none.
    """
    driver = _DRIVERS.get(url.get_backend_name())
    arguments = {name: value for name, value in defaults.items() if name not in url.query}
    if driver is not None:
        names = driver.names(url.get_dialect().import_dbapi())
        _check(url, names, driver.decided)
        for name, convert in driver.conversions.items():
            if name in url.query:
                arguments[name] = _convert(name, str(url.query[name]), convert)
        driver.try_out(url, arguments)
    try:
        return create_engine(url, connect_args=arguments, **options)
    except ValueError:
        raise UnusableUrl("a parameter has a value of the wrong form") from None


def _check(url: URL, names: frozenset[str], decided: frozenset[str]) -> None:
    takes_any = not names or str(url.query.get("uri", "")).lower() in _TRUE
    for name, value in url.query.items():
        if name in decided:
            raise UnusableUrl(f"remove the parameter {name}: connect-login decides that itself")
        if name not in names and not takes_any:
            raise UnusableUrl(f"the driver has no parameter {name}")
        if not isinstance(value, str) and name not in _HOSTS:
            raise UnusableUrl(f"the parameter {name} is given twice")


def describe_missing_driver(error: ModuleNotFoundError) -> str:
    """Return what to do about a driver that is not installed: one of ours comes with an extra."""
    extra = {"psycopg": "postgres", "greenlet": "postgres", "pymysql": "mariadb"}.get(error.name or "")
    remedy = f"pip install 'connect-login[{extra}]'" if extra else "give postgresql+psycopg:// or mysql+pymysql://"
    return f"the driver {error.name} is not installed; {remedy}"


def _convert(name: str, text: str, convert: Callable[[str], object]) -> object:
    try:
        return convert(text)
    except ValueError:
        raise UnusableUrl(f"the parameter {name} has a value of the wrong form") from None


_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def _to_bool(text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError
    return text.lower() in _TRUE


def _to_threshold(text: str) -> int | None:
    return None if text.lower() in ("", "none", "null") else int(text)


def _names_of_psycopg(driver: Any) -> frozenset[str]:
    libpq = (option.keyword.decode() for option in driver.pq.Conninfo.get_defaults())
    return frozenset({*libpq, "prepare_threshold", "autocommit"})


def _names_of_pymysql(driver: Any) -> frozenset[str]:
    ssl = {"ssl_capath", "ssl_cipher", "ssl_check_hostname"}  # SQLAlchemy makes one argument of them
    # an old name, which PyMySQL leaves aside because the path has the database
    return (frozenset(inspect.signature(driver.connect).parameters) | ssl) - {"db"}


def _try_out_pymysql(url: URL, arguments: Mapping[str, object]) -> None:
    """Make PyMySQL read the parameters: together, since some need others; then each alone, to name the wrong one."""
    if _is_accepted(url, arguments):
        return
    for name, value in url.query.items():
        if not _is_accepted(url.set(query={name: value}), {k: v for k, v in arguments.items() if k == name}):
            raise UnusableUrl(f"the parameter {name} has a value that cannot be used")
    raise UnusableUrl("the parameters cannot be used together")


def _is_accepted(url: URL, arguments: Mapping[str, object]) -> bool:
    dialect = url.get_dialect()()
    driver: Any = url.get_dialect().import_dbapi()
    try:
        positional, named = dialect.create_connect_args(url)
        if not any(name.startswith("ssl") for name in url.query):
            named["ssl_disabled"] = True  # else PyMySQL reads the machine's certificates, to no end
        driver.connect(*positional, **{**named, **arguments}, defer_connect=True)
    except Exception:  # noqa: BLE001 - whatever it is, it would come at each connection
        return False
    return True


def _names_of_sqlite(driver: Any) -> frozenset[str]:
    return frozenset({"uri", "timeout", "detect_types", "cached_statements", "isolation_level", "check_same_thread"})


_INTEGERS = (
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
)
_POSTGRESQL = _Driver(
    _names_of_psycopg,
    frozenset({"autocommit", "replication"}),
    {"prepare_threshold": _to_threshold, **dict.fromkeys(_INTEGERS, int)},
)
_MYSQL = _Driver(
    _names_of_pymysql,
    frozenset({"auth_plugin_map", "autocommit", "conv", "cursorclass", "defer_connect", "use_unicode"}),
    {
        "binary_prefix": _to_bool,
        "max_allowed_packet": int,
        "port": int,
        "ssl_disabled": _to_bool,
        "ssl_verify_cert": _to_bool,
        "ssl_verify_identity": _to_bool,
    },
    _try_out_pymysql,
)
_SQLITE = _Driver(_names_of_sqlite, frozenset({"check_same_thread", "isolation_level"}))
_DRIVERS = {"postgresql": _POSTGRESQL, "mysql": _MYSQL, "mariadb": _MYSQL, "sqlite": _SQLITE}
