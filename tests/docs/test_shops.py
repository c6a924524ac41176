"""The shops of `docs/examples`, each started with the commands of its README, and logged in to over HTTP."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from connect_core.harness import RunningShop, Visitor
from connect_core.sandbox import listen

from ..conftest import Require
from ..kit.web_shops import come_back, wait_for

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
SHOPS = {"fastapi_shop": "fastapi", "starlette_shop": "starlette", "django_shop": "django"}
"""Each shop with the package that it needs."""
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ENVIRONMENT = ". .venv/bin/activate\n"


def read_commands(shop: str) -> tuple[str, str, str]:
    """The three blocks of a README: what installs, what starts the sandboxes, and what starts the shop."""
    installing, sandboxes, serving = BLOCK.findall((EXAMPLES / shop / "README.md").read_text("utf-8"))
    return installing, sandboxes, serving


@contextmanager
def running(folder: Path, script: str) -> Iterator[None]:
    """Run commands of which the last one serves; `exec` lets it be ended."""
    *before, last = script.strip().splitlines()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    lines = "\n".join([*before, f"exec {last}"])
    with (folder / f"output-{len([*folder.iterdir()])}").open("w") as output:
        process = subprocess.Popen(
            ["sh", "-eu", "-c", lines], cwd=folder, stdout=output, stderr=output, env={**os.environ, "PATH": path}
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(params=SHOPS)
def shop(request: pytest.FixtureRequest, tmp_path: Path, require: Require) -> Iterator[RunningShop]:
    """A shop that runs as its README says, on other ports and in this environment."""
    require(find_spec(SHOPS[request.param]), f"{SHOPS[request.param]} is in tox's environment `examples`")
    folder = tmp_path / "shop"
    shutil.copytree(EXAMPLES / request.param, folder)
    with listen() as first, listen() as second:
        port, vendors = first.getsockname()[1], second.getsockname()[1]
    configuration = folder / "connect.toml"
    configuration.write_text(configuration.read_text("utf-8").replace(":8000", f":{port}"), "utf-8")
    _, sandboxes, serving = read_commands(request.param)
    with ExitStack() as stack:
        stack.enter_context(running(folder, f"{sandboxes.strip()} --port {vendors}"))
        wait_for(f"http://127.0.0.1:{vendors}/alipay/_sandbox/calls")
        stack.enter_context(running(folder, serving.replace(ENVIRONMENT, "").replace("8000", str(port))))
        wait_for(f"http://127.0.0.1:{port}/")
        yield RunningShop(f"http://127.0.0.1:{port}", Starlette(), {}, "")


def test_somebody_logs_in(shop: RunningShop) -> None:
    """The first page leads to the logins, and knows the member afterwards; orders are the member's alone."""
    with Visitor(shop) as visitor:
        page = visitor.http.get("/")
        login_page = re.findall(r'href="(/connect/login[^"]*)"', page.text)[0]
        assert "/connect/alipay/pc/login?return_to=" in visitor.http.get(login_page).text
        refused = visitor.http.get("/orders")
        assert (refused.status_code, refused.json()) == (401, {"detail": "please log in"})
        ended = visitor.http.get(come_back(visitor, return_to="/"))
        assert ended.headers["location"] == f"{shop.url}/"
        assert "Hello, 李华." in visitor.http.get("/").text
        [uid] = {visitor.http.get("/connect/me").json()["uid"], visitor.http.get("/orders").json()["member"]}
        assert uid
    assert httpx.get(f"{shop.url}/orders", trust_env=False).status_code == 401


@pytest.mark.parametrize("shop_name", SHOPS)
def test_a_readme_installs_what_the_shop_imports(shop_name: str) -> None:
    """Its requirements name connect-login and the framework, and the first block installs both from the clone."""
    installing, _, serving = read_commands(shop_name)
    assert installing.splitlines()[-1] == "pip install ../../.. -r requirements.txt"
    assert (EXAMPLES / shop_name / "../../..").resolve() == EXAMPLES.parents[1]
    requirements = (EXAMPLES / shop_name / "requirements.txt").read_text("utf-8").split()
    names = {re.split(r"[<>=~]", requirement)[0] for requirement in requirements}
    assert names == {"connect-login", SHOPS[shop_name]} - {"starlette"}
    assert serving.startswith(ENVIRONMENT)
