"""The TypeScript client is compiled by the strictest rules and calls a running shop."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connect_core.harness import RunningShop, Visitor

from ..kit.databases import run_shop
from ..kit.web_shops import alipay_and_wechat

EXAMPLE = Path(__file__).parents[2] / "docs/examples/api_clients/log_in.ts"
CLIENT = Path(__file__).parents[2] / "clients/typescript"
INSTALL = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
WRONG = (
    'import { ConnectLogin } from "./index.js";\nnew ConnectLogin({ baseUrl: "" }).listProviders({ client: "tv" });\n'
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, require: Callable[[object, str], None]) -> Path:
    """A folder with the client, compiled."""
    require(shutil.which("node") and shutil.which("npm"), "Node.js and npm are missing")
    folder = tmp_path_factory.mktemp("typescript") / "client"
    shutil.copytree(CLIENT, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    shutil.copy(EXAMPLE, folder / "src")
    installed = subprocess.run(INSTALL, cwd=folder, capture_output=True, text=True, check=False)
    require(installed.returncode == 0, f"an npm package is missing ({installed.stderr.strip()[-200:]})")
    assert compile_in(folder) == ""
    return folder


def compile_in(folder: Path) -> str:
    """Run the compiler, and return what it says."""
    command = ["node", "node_modules/typescript/bin/tsc"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop with Alipay and WeChat."""
    with run_shop(alipay_and_wechat()) as running_shop:
        yield running_shop


def test_a_login_from_its_beginning_to_its_end(built: Path, shop: RunningShop) -> None:
    """Providers, login URL, login, who am I, connections, refresh, log-out, and refusals with their code."""
    with Visitor(shop) as visitor:
        [code], [other] = (visitor.client_parameters("alipay", "mini").values() for _ in range(2))
    shutil.copy(Path(__file__).with_name("typescript_client.mjs"), built)
    command = ["node", "typescript_client.mjs", shop.url, code, other]
    done = subprocess.run(command, cwd=built, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "providers": ["alipay", "wechat"],
        "begins": True,
        "isSame": True,
        "connections": ["ALIPAY"],
        "left": True,
        "notAllowed": [400, "redirect_not_allowed", True],
        "after": [401, "not_logged_in", True],
        "greetings": ["Hello 李华", "Please log in again."],
        "again": [400, "code_seen", True],
    }


def test_a_client_type_that_does_not_exist_does_not_compile(built: Path) -> None:
    """The types hold: a word that is none of the four client types is a mistake before the program runs."""
    wrong = built / "src/wrong.ts"
    wrong.write_text(WRONG, "utf-8")
    try:
        assert "is not assignable to type" in compile_in(built)
    finally:
        wrong.unlink()
