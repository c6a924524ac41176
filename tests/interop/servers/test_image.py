"""The Dockerfile of `docs/operations`: hadolint, and its commands, run in a folder that stands in for the image."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from subprocess import DEVNULL

import pytest

from connect_core.cli.keys import new_key

from ...conftest import Require
from ...kit.ports import free_port
from ...kit.web_shops import wait_for, write_toml
from .operations import OPERATIONS, find_program, lint

ROOT = OPERATIONS.parents[1]
DOCKERFILE = OPERATIONS / "docker" / "Dockerfile"


def read_instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, each with its arguments."""
    text = re.sub(r"(?m)^\s*#.*\n", "", DOCKERFILE.read_text("utf-8")).replace("\\\n", " ")
    return [(name, rest.strip()) for name, rest in re.findall(r"(?m)^([A-Z]+) (.+)$", text)]


def find_instructions(name: str) -> list[str]:
    """The arguments of every instruction of a kind."""
    return [rest for instruction, rest in read_instructions() if instruction == name]


def test_hadolint_is_content(require: Require) -> None:
    """The Dockerfile has none of the usual mistakes, not even one that hadolint only remarks on."""
    lint(require, "hadolint", "--failure-threshold", "style", str(DOCKERFILE))


def test_what_the_image_is_and_is_not() -> None:
    """A number as user, so that Kubernetes knows it is not root; slim; forms that need no shell."""
    assert find_instructions("USER") == ["10001:10001"]
    assert {image.split()[0] for image in find_instructions("FROM")} == {"python:3.13-slim"}
    assert json.loads(find_instructions("ENTRYPOINT")[0]) == ["connect-login"]
    [health] = find_instructions("HEALTHCHECK")
    assert json.loads(health.partition("CMD ")[2])[0] == "python"


def test_what_is_copied_is_sent_to_the_builder() -> None:
    """Every source of a COPY exists, and `.dockerignore` lets it and no secret through."""
    ignored = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] not in ("", "#")]
    assert ignored[0] == "*", "only what is named is sent"
    allowed = [line[1:] for line in ignored if line.startswith("!")]
    copied = [source for rest in find_instructions("COPY") if "--from" not in rest for source in rest.split()[:-1]]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
    assert sorted(allowed) == sorted(copied)
    assert not any(fnmatch(secret, pattern) for secret in ("connect.toml", "keys/a.key") for pattern in allowed)


@dataclass
class Image:
    """What was made of the first stage, and how a container of it would run here."""

    folder: Path
    port: int
    management_port: int

    def find_command(self, arguments: str) -> list[str]:
        """A command of the image, with the ports and the folders of this test."""
        ports = {"8000": self.port, "9000": self.management_port}
        words = [word.replace("/etc/connect-login", str(self.folder)) for word in json.loads(arguments)]
        return [re.sub(r"\b[89]000\b", lambda match: str(ports[match[0]]), word) for word in words]

    def run_health_check(self) -> int:
        """The exit code of HEALTHCHECK."""
        [health] = find_instructions("HEALTHCHECK")
        _, *arguments = self.find_command(health.partition("CMD ")[2])
        return subprocess.run([self.bin / "python", *arguments], check=False, timeout=30, stderr=DEVNULL).returncode

    @property
    def bin(self) -> Path:
        """The programs of the image."""
        return self.folder / "opt" / "connect" / "bin"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, require: Require) -> Image:
    """A folder in which the commands of the first stage have run; its `opt/connect` is what the image gets."""
    require(find_program("uv"), "uv is in tox's environment `servers`")
    folder = tmp_path_factory.mktemp("image")
    work = folder / "src"
    work.mkdir()
    environment = {**os.environ, "EXTRAS": find_instructions("ARG")[0].partition("=")[2]}
    environment["UV_SYSTEM_CERTS"] = "1"  # the certificates of this machine, as pip uses them
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    stages = 0
    for name, rest in read_instructions():
        stages += name == "FROM"
        if stages > 1:
            break
        if name == "COPY":
            *sources, target = rest.split()
            for source in sources:
                copy(ROOT / source, work / target)
        elif name == "RUN":
            run_step(rest, folder, environment)
    return Image(folder, free_port(), free_port())


def copy(source: Path, target: Path) -> None:
    """Do what COPY does: a folder's content into the target, a file into the folder that ends with a slash."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def run_step(command: str, folder: Path, environment: Mapping[str, str]) -> None:
    """Run a RUN in the folder; uv is not installed again, and its environment has this Python."""
    script = re.sub(r"--mount=\S+ ", "", command).replace("/opt/connect", f"{folder}/opt/connect")
    script = script.replace("pip install --requirement uv.txt", "grep -q '^uv==.*[0-9]' uv.txt")
    script = script.replace("uv venv ", f"uv venv --python {sys.executable} ")
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=folder / "src",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"


def test_the_image_serves(image: Image) -> None:
    """ENTRYPOINT with CMD serves from what was installed, and HEALTHCHECK tells a service from none."""
    configuration = {
        "public_url": f"http://127.0.0.1:{image.port}",
        "database_url": f"sqlite:///{image.folder}/connect.db",
        "secret_keys": [new_key()],
    }
    write_toml(image.folder / "connect.toml", {"service": configuration})
    [program] = json.loads(find_instructions("ENTRYPOINT")[0])
    assert image.run_health_check() != 0
    command = [image.bin / program, *image.find_command(find_instructions("CMD")[0])]
    with (image.folder / "output").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_for(f"http://127.0.0.1:{image.port}/connect/login")
        assert image.run_health_check() == 0
    finally:
        process.terminate()
        process.wait(30)
    assert "Traceback" not in (image.folder / "output").read_text("utf-8")
