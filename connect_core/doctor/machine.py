"""What the checks look at of this machine: free disk space, mounted file systems, installed modules, the user.

Tests put another machine in its place.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


def _get_free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _has_module(name: str) -> bool:
    return find_spec(name) is not None


def _get_user_id() -> int:
    return os.getuid() if hasattr(os, "getuid") else -1


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that the doctor runs on. `mounts` lists its file systems, where it is Linux."""

    mounts: Path = Path("/proc/self/mounts")
    get_free_bytes: Callable[[Path], int] = _get_free_bytes
    has_module: Callable[[str], bool] = _has_module
    get_user_id: Callable[[], int] = _get_user_id
