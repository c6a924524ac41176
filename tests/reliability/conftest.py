"""What every reliability test gets: each engine in turn, and a line a figure at the end of the run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.acme import NOTE
from tests.kit.databases import ENGINES, check, is_answering, new_database, server_of

from .services import FIGURES, Tell


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, require: Callable[[object, str], None]) -> str:
    """SQLite, PostgreSQL, MariaDB."""
    require(is_answering(server_of(request.param)), f"{request.param} does not answer on this machine")
    return str(request.param)


@pytest.fixture
def url(engine: str, tmp_path: Path) -> Iterator[str]:
    """A fresh database of the engine; when the test is over, no rule that rows must keep is broken."""
    with new_database(server_of(engine), tmp_path) as address:
        yield address
        check(address)


@pytest.fixture
def database_url(url: str, tmp_path: Path) -> str:
    """Let the managers of `manager` and `make_manager` work on the engine that the test is about."""
    (tmp_path / NOTE).write_text(url, "utf-8")
    return url


@pytest.fixture
def tell(request: pytest.FixtureRequest, engine: str) -> Tell:
    """`tell(name, measured, bound)`: note a figure for the table at the end."""

    def note(name: str, measured: object, bound: str) -> None:
        FIGURES.append((name, engine, str(measured), bound))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a figure: its name, the engine, what was measured, the bound."""
    if FIGURES:
        terminalreporter.section("figures")
    for name, engine, measured, bound in sorted(FIGURES):
        terminalreporter.write_line(f"{name:<52} {engine:<10}  {measured:<34} {bound}")
