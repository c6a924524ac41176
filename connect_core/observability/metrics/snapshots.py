"""A folder in which the workers of a service leave what they have counted, for the process that answers `/metrics`.

Each worker writes a file of its own, as a whole, about once a second. What a worker that has ended had counted is added
to the archive, so that counters never go back; its gauges are forgotten.
"""

import json
import logging
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from connect_core.observability.metrics.counting import Sums

WRITE_SECONDS = 1.0
"""Time between two snapshots of a worker."""
SERVING_SECONDS = 10.0
"""Age of the snapshot after which a worker does not count as serving: its event loop is blocked, or it hangs."""
FORGOTTEN_SECONDS = 60.0
"""The same for a worker to count as ended, on Windows, where nobody can ask."""
_ARCHIVE = "archive.json"
_UNREADABLE = (OSError, KeyError, TypeError, ValueError)
log = logging.getLogger("connect_login")


class SnapshotWriter:
    """Writes the snapshots of this process."""

    def __init__(self, folder: Path) -> None:
        """`folder` exists, and only this service's processes may read it."""
        self._path = folder / f"{os.getpid()}-{time.time_ns()}.json"
        self._has_failed = False

    def write(self, sums: Sums) -> None:
        """Write a snapshot in place of the last one. A folder that cannot be written is logged, once, as a warning."""
        draft = self._path.with_suffix(".draft")
        try:
            draft.write_text(json.dumps(sums.to_json()), "utf-8")
            draft.replace(self._path)
        except OSError as error:
            if not self._has_failed:
                log.warning("metrics_not_written", extra={"reason": error.strerror})
            self._has_failed = True
        else:
            self._has_failed = False


class Snapshots:
    """Reads the snapshots of all processes. One process alone may call `read`, which also tidies the folder up."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Sums:
        """Return the sums of all workers, those that have ended included, and the gauges of those that live."""
        archived, archived_names = self._read_archive()
        alive: list[Sums] = []
        ended: list[str] = []
        for path in self._find():
            if path.name in archived_names:
                path.unlink(missing_ok=True)  # whoever archived it was ended before it could
            elif _is_alive(path):  # before it is read: one that ends in between has written its last snapshot
                alive += _read(path)
            else:
                ended.append(path.name)
                for sums in _read(path):
                    archived.add_counts(sums)
        if ended:
            self._write_archive(archived, ended)
        for sums in alive:
            archived.add_counts(sums)
            archived.add_gauges(sums)
        return archived

    def look(self) -> Sums:
        """Return the same without writing or deleting anything; any process may call it."""
        sums, archived_names = self._read_archive()
        for path in self._find():
            if path.name in archived_names:
                continue
            for snapshot in _read(path):
                sums.add_counts(snapshot)
                if _is_alive(path):
                    sums.add_gauges(snapshot)
        return sums

    def count_serving(self) -> int:
        """Return how many workers live, and have written a snapshot within `SERVING_SECONDS`."""
        oldest = time.time() - SERVING_SECONDS
        return sum(_is_alive(path) and _get_time(path) > oldest for path in self._find())

    def _find(self) -> list[Path]:
        return list(self._folder.glob("*-*.json"))

    def _read_archive(self) -> tuple[Sums, list[str]]:
        with suppress(*_UNREADABLE):
            archive = json.loads((self._folder / _ARCHIVE).read_text("utf-8"))
            return Sums.from_json(archive), archive["names"]
        return Sums(), []

    def _write_archive(self, sums: Sums, names: list[str]) -> None:
        """Write the archive, whose `names` are those that it has just taken in; then their files are deleted."""
        draft = self._folder / "archive.draft"
        content: dict[str, Any] = {**sums.to_json(), "names": names}
        with suppress(OSError):  # a full disk: they are read again the next time
            draft.write_text(json.dumps(content), "utf-8")
            draft.replace(self._folder / _ARCHIVE)
            for name in names:
                (self._folder / name).unlink(missing_ok=True)


def _read(path: Path) -> list[Sums]:
    """Return the snapshot, or nothing when it has gone or cannot be read."""
    with suppress(*_UNREADABLE):
        return [Sums.from_json(json.loads(path.read_text("utf-8")))]
    return []


def _get_time(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _is_alive(path: Path) -> bool:
    if sys.platform == "win32":  # where `os.kill` ends a process whatever the signal
        return _get_time(path) > time.time() - FORGOTTEN_SECONDS
    try:
        os.kill(int(path.name.partition("-")[0]), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:  # another user's process has the number by now
        return False
    return True
