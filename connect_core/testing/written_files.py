"""What was written to files while a rule ran: a plugin may log into one of its own."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_MODES_THAT_WRITE = frozenset("wax+")
_LIMIT = 10_000_000
"""Bytes that are read of one file."""
_opened: set[str] = set()


@contextmanager
def recorded_files(excluded: Path) -> Iterator[Callable[[], list[tuple[str, str]]]]:
    """Yield a function that returns the files that were written since the block began, each with what was written.

    Those below `excluded` do not count, nor does the null device, on whatever machine it is a plain file.

    Files that were open already count where the operating system lists them (`/proc`), or where they belong to a
    handler of `logging`.
    """
    _listen()
    _opened.clear()
    sizes = {path: _size_of(path) for path in _list_open_files()}

    def read() -> list[tuple[str, str]]:
        paths = {path for path in {*_opened, *sizes, *_list_open_files()} if not Path(path).is_relative_to(excluded)}
        return [(path, _read(path, sizes.get(path, 0))) for path in sorted(paths - {os.devnull})]

    yield read


@cache
def _listen() -> None:
    """Have Python tell about every file that is opened. An audit hook cannot be removed, so there is one for all."""

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | os.PathLike) and _may_write(arguments):
            _opened.add(os.path.realpath(arguments[0]))

    sys.addaudithook(note)


def _may_write(arguments: tuple[object, ...]) -> bool:
    _, mode, flags = arguments
    if isinstance(mode, str):
        return bool(_MODES_THAT_WRITE & set(mode))
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def _list_open_files() -> set[str]:
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = [handler for logger in loggers for handler in getattr(logger, "handlers", ())]
    paths = {handler.baseFilename for handler in handlers if isinstance(handler, logging.FileHandler)}
    folder = Path("/proc/self/fd")
    for entry in folder.iterdir() if folder.is_dir() else ():
        try:
            path = entry.resolve(strict=True)
        except OSError:
            continue  # it was closed meanwhile, or was deleted
        if path.is_file():
            paths.add(str(path))
    return paths


def _size_of(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def _read(path: str, start: int) -> str:
    try:
        if not Path(path).is_file():
            return ""
        with Path(path).open("rb") as file:
            file.seek(start)
            return file.read(_LIMIT).decode("utf-8", "replace")
    except OSError:
        return ""
