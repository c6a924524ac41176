"""Chooses the engine of the MySQL family by what the server says of itself, and refuses what cannot keep our promises.

Opens no connection: the caller passes the server's answers on.
"""

from connect_core.errors import SettingsError
from connect_core.store.engine.mariadb import Mariadb
from connect_core.store.engine.mysql import Mysql
from connect_core.store.engine.mysql_engine import MysqlEngine, read_version, write_version
from connect_core.store.engine.oceanbase import Oceanbase
from connect_core.store.engine.polardbx import Polardbx
from connect_core.store.engine.tidb import Tidb

_KINDS: tuple[tuple[str, str, type[MysqlEngine]], ...] = (
    # a word of the server's answer, what comes before the engine's own version number, the engine
    ("OceanBase", r"OceanBase\w*(?: |-v)", Oceanbase),
    ("TiDB", "TiDB-v", Tidb),
    ("-TDDL-", "-TDDL-", Polardbx),
    ("MariaDB", r"(?:^5\.5\.5-|^)", Mariadb),
)
_UNFIT = ("ClickHouse", "Databend", "Doris", "Manticore", "MemSQL", "SelectDB", "SingleStore", "StarRocks")
"""Servers that speak MySQL's protocol and have no row locks, or no unique constraints like ours."""
_STRICT_MODES = frozenset({"STRICT_ALL_TABLES", "STRICT_TRANS_TABLES"})


def choose_engine(version: str, comment: str) -> MysqlEngine:
    """Return the engine of a server that answers `version` and `comment` (`@@version_comment`).

    Raises `SettingsError` for an engine or a version that cannot keep our promises.
    """
    answer = f"{version} {comment}"
    if name := next((name for name in _UNFIT if name.lower() in answer.lower()), ""):
        raise _refuse(f"the server is {name}, which lacks row locks or unique constraints: use another engine")
    for word, before, kind in _KINDS:
        if word in answer:
            return _check(kind(read_version(answer, before)))
    return _check(Mysql(read_version(version)))


def check_settings(sql_mode: str, storage_engine: str) -> None:
    """Refuse a session that cuts text short without an error, or a server that makes tables without transactions.

    Raises `SettingsError`.
    """
    if not _STRICT_MODES & set(sql_mode.split(",")):
        raise _refuse(
            "the parameter sql_mode has to contain STRICT_ALL_TABLES: else ids are cut short without an error"
        )
    if storage_engine.lower() in ("aria", "memory", "myisam"):
        raise _refuse(f"the server makes {storage_engine} tables, without transactions: set default_storage_engine")


def _check(engine: MysqlEngine) -> MysqlEngine:
    if engine.version < engine.oldest:
        version = f"{engine.name} {write_version(engine.version)}".strip()
        raise _refuse(f"the server is {version}: connect-login needs {write_version(engine.oldest)} or newer")
    return engine


def _refuse(mistake: str) -> SettingsError:
    return SettingsError([f"service.database_url: {mistake}"])
