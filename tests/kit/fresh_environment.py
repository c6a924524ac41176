"""A virtual environment with our built wheel and other people's distributions, installed from their folders.

What all of them depend on is not downloaded again: it is found where this run's own packages are.
"""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 300
"""Seconds that a command in such an environment may take."""


class Fresh:
    """A virtual environment in `folder` with our wheel in it."""

    def __init__(self, folder: Path) -> None:
        """Build the wheel and install it, without an index and without build isolation."""
        self.folder = folder
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        self.bin = folder / "venv" / "bin"
        [site_packages] = (folder / "venv").glob("lib/python*/site-packages")
        # only what lies there is seen: path files in it, such as an editable install's, are not read
        (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        options = ["--no-deps", "--no-build-isolation", "--no-index", "-q", "--disable-pip-version-check"]
        self._options = options
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", *options, "-w", str(folder), str(ROOT)], check=True, timeout=PATIENCE
        )
        pip = self.bin / "pip"
        pip.write_text(
            f'#!/bin/sh\ncommand=$1; shift\nexec {self.bin}/python -m pip "$command" {" ".join(options)} -I "$@"\n'
        )
        pip.chmod(0o755)
        [wheel] = folder.glob("connect_login-*.whl")
        self.install(wheel)

    def install(self, *sources: Path) -> None:
        """Install wheels and folders, as pip does."""
        # --ignore-installed: where the run itself has our wheel, pip would find it and install nothing
        pip = [sys.executable, "-m", "pip", "--python", str(self.bin / "python"), "install", "-I", *self._options]
        subprocess.run([*pip, *map(str, sources)], check=True, timeout=PATIENCE, env=self.environment)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a shell has after `activate`."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
        return {**variables, "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(self.bin.parent)}

    def run(self, *command: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment to its end; `folder` is where it works."""
        return subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=folder or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


def can_build() -> bool:
    """Tell whether this machine has what `Fresh` needs."""
    return os.name == "posix" and all(find_spec(name) for name in ("pip", "hatchling"))
