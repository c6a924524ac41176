"""What the interoperability tests share: a sandbox on loopback, drivers as processes, and skips that give a reason."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from connect_alipay.sandbox import AlipayOptions, AlipaySandbox
from connect_core.plugin import ClientType
from connect_core.sandbox import serving

HERE = Path(__file__).parent
_INSTALL = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]


def missing(what: str) -> NoReturn:
    """Skip with the reason; in CI, where everything must be there, fail with it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


def install_node(folder: Path, driver: str, source: Path = HERE) -> Path:
    """Install the npm packages of the lock file in `source` into `folder`, put the driver there, and return it."""
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            missing(tool)
    for name in ("package.json", "package-lock.json", driver):
        shutil.copy(source / name, folder)
    done = subprocess.run(_INSTALL, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        missing(f"an npm package ({done.stderr.strip()[-200:]})")
    return folder


def drive(command: Sequence[str | Path], job: Mapping[str, Any], zone: str, folder: Path = HERE) -> dict[str, Any]:
    """Run a driver with `job` on its standard input, and return what it wrote.

    Both SDKs write the machine's local time into their requests, and Alipay reads China's: `zone` makes them agree.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        input=json.dumps(job),
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@contextmanager
def serving_alipay(**options: Any) -> Iterator[tuple[AlipaySandbox, dict[str, str]]]:
    """Serve a new sandbox with the `AlipayOptions` in `options`; yields it and the settings of its website."""
    sandbox = AlipaySandbox(AlipayOptions(**options))
    with serving(sandbox.app()) as url:
        yield sandbox, sandbox.settings(url, ClientType.PC)


def check_persons(told: Mapping[str, Any], sandbox: AlipaySandbox, user_id: str = "user_id") -> None:
    """Both answers must name the same person, and the profile be the sandbox's."""
    assert "error" not in told, told
    assert told["token"][user_id] == told["person"][user_id] == sandbox.user_id("wangfang")
    assert "王芳" in (told["person"].get("nick_name") or told["person"]["nickName"])
