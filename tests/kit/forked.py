"""Commands in processes that begin with every import done: one starts in milliseconds and not in half a second.

A server process (`multiprocessing`) imports the commands once and forks for each call.
"""

import multiprocessing
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from connect_core.store import Database
from connect_core.store.schema.upgrade import upgrade_schema

_IMPORTED = (
    "connect_core.cli.members",
    "connect_core.cli.serve",
    "connect_core.cli.plugin",
)
_BEFORE_THE_START = re.compile("PYTHON.*|LANG|LC_.*|TZ|SSL_.*")
"""Variables that count when an interpreter starts or imports a module, and change nothing later."""
_STARTED_WITH = dict(os.environ)
_ROOT = str(Path(__file__).parents[2])
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__, *_IMPORTED])


def can_fork(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Tell whether a process that is forked does the same as one that is started with these.

    A service starts processes of its own, which `multiprocessing` does not allow.
    """
    given = {name: value for name, value in environment.items() if _BEFORE_THE_START.fullmatch(name)}
    return arguments[:1] != ("serve",) and given.items() <= _STARTED_WITH.items()


def run_forked(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run `connect-login` with `arguments` to its end, in `folder`; returns what `subprocess.run` returns.

    Raises `subprocess.TimeoutExpired` after so many `seconds`.
    """
    with TemporaryDirectory() as outputs:
        out, err = Path(outputs, "out"), Path(outputs, "err")
        process = fork(_call, list(arguments), folder, dict(environment), out, err)
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), seconds)
        said, complaints = out.read_text("utf-8"), err.read_text("utf-8")
        return subprocess.CompletedProcess(list(arguments), process.exitcode, said, complaints)


def fork(target: Callable[..., None], *arguments: Any) -> Any:
    """Start a process that calls `target`, and return it.

    A function of another module is called later: the process imports that module first.
    """
    process = _CONTEXT.Process(target=target, args=arguments, daemon=True)
    sys.path.append(_ROOT)  # the process gets this path, and imports `tests` by it; pytest itself does not need it
    try:
        process.start()
    finally:
        sys.path.remove(_ROOT)
    return process


def upgrade_database(url: str) -> None:
    """Do what `connect-login db upgrade` does."""
    with closing(Database(url)) as database:
        upgrade_schema(database)


def _call(arguments: list[str], folder: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    for stream, path in ((sys.stdout, out), (sys.stderr, err)):
        stream.flush()
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["connect-login", *arguments]
    from connect_core.cli import main  # noqa: PLC0415 - as the command does

    main()
