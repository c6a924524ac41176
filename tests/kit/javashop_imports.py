"""One run of `connect-login import javashop`: an old shop, a new one, and the command between them."""

import json
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from typer.testing import CliRunner

from connect_core.cli import app
from connect_core.errors import ConnectError

from .databases import server_of
from .full_tables import as_text
from .old_shops import SECRET, OldShop

COMMAND = str(Path(sysconfig.get_path("scripts"), "connect-login"))
SOURCE = "CONNECT_IMPORT_FROM"
SERVERS = {"mariadb": (server_of("mariadb"), "pymysql"), "postgresql": (server_of("postgresql"), "psycopg")}
"""The address and the driver of each server; when the run is about OceanBase, it stands for MariaDB."""


@dataclass
class Move:
    """An old shop and the new one that its members move to."""

    old: OldShop
    target: str
    folder: Path

    def arguments(self, *options: str) -> list[str]:
        """What stands after `connect-login`."""
        return ["import", "javashop", "--config", str(self.folder / "connect.toml"), *options]

    def run(self, *options: str, code: int = 0) -> str:
        """Run the command to its end and return what it said: the report, or why there is none."""
        result = CliRunner().invoke(app, self.arguments(*options), env={SOURCE: self.old.url})
        mistakes = str(result.exception) if isinstance(result.exception, ConnectError) else ""
        assert (2 if mistakes else result.exit_code) == code, result.output
        assert SECRET not in mistakes + result.output
        return mistakes or result.stdout

    def report(self, *options: str, code: int = 0) -> dict[str, Any]:
        """Run the command and return its JSON report."""
        self.run("--report", str(self.folder / "report.json"), *options, code=code)
        report: dict[str, Any] = json.loads((self.folder / "report.json").read_text("utf-8"))
        return report

    def new(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """Run a statement in the new shop's database and return its rows."""
        engine = create_engine(self.target)
        try:
            with engine.begin() as connection:
                result = connection.execute(text(statement), values)
                return [tuple(map(as_text, row)) for row in result] if result.returns_rows else []
        finally:
            engine.dispose()


def is_up(url: str) -> bool:
    engine = create_engine(url)
    try:
        engine.connect().close()
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()
    return True
