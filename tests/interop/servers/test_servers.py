"""The service under uvicorn, hypercorn and granian, mounted in FastAPI, with `root_path` and behind a cutting proxy."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connect_core.harness import RunningShop, sandbox_settings
from connect_core.sandbox.serving import sandbox_app, serving
from connect_core.web import Plugins

from ...conftest import Require
from ...kit.mounts import go_round
from ...kit.ports import free_port
from ...kit.web_shops import alipay_and_wechat, new_key, wait_for, write_toml

SERVERS = ["uvicorn", "hypercorn", "granian"]
WAYS = {
    # where a proxy is, what the server is told, what FastAPI is told, where FastAPI mounts the service
    "alone": ("", "", "", ""),
    "mounted": ("", "", "", "/auth"),
    "root_path": ("/shop", "/shop", "", ""),
    "root_path and mounted": ("/shop", "/shop", "", "/auth"),
    "FastAPI's root_path and mounted": ("/shop", "", "/shop", "/auth"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("server", SERVERS)
def test_a_login_goes_round(server: str, way: str, tmp_path: Path, require: Require) -> None:
    """Below its path every server finds every route, and every address has the path in it."""
    require(find_spec(server) and find_spec("fastapi"), f"{server} and FastAPI are in tox's environment `servers`")
    with running(tmp_path, server, *WAYS[way]) as shop:
        go_round(shop)
    output = (tmp_path / "output").read_text("utf-8")
    assert ("lifespan_not_run" in output) is bool(WAYS[way][3])
    assert "Traceback" not in output


@contextmanager
def running(folder: Path, server: str, cut: str, told: str, fastapi: str, mount: str) -> Iterator[RunningShop]:
    """Run a shop in a process of its own, behind a proxy that cuts `cut` off."""
    plugins, sandboxes = Plugins(), alipay_and_wechat()
    port = free_port()
    upstream = f"http://127.0.0.1:{port}"
    with serving(sandbox_app(sandboxes)) as vendors, serving(cutting_proxy(upstream, cut)) as proxy:
        database = f"sqlite:///{folder}/connect.db"
        service = {"public_url": proxy, "database_url": database, "secret_keys": [new_key()]}
        raw = sandbox_settings(sandboxes, plugins.available, vendors)
        write_toml(folder / "connect.toml", raw | {"service": service, "limits": {"per_address": "off"}})
        environment = {
            **os.environ,
            "CONNECT_CONFIG": str(folder / "connect.toml"),
            "CONNECT_TEST_MOUNT": mount,
            "CONNECT_TEST_FASTAPI_ROOT": fastapi,
        }
        script = Path(__file__).with_name("shops.py")
        with (folder / "output").open("w") as output:
            command = [sys.executable, str(script), server, str(port), told]
            process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
            try:
                wait_for(f"{proxy}{cut}{mount}/healthz", folder / "output")
                yield RunningShop(f"{proxy}{cut}{mount}", Starlette(), sandboxes, database, vendors)
            finally:
                process.terminate()
                process.wait(20)


def cutting_proxy(upstream: str, cut: str) -> Starlette:
    """Return a proxy that passes requests on without `cut` at the beginning of their path."""

    async def forward(request: Request) -> Response:
        path = request.scope["raw_path"].decode("ascii")
        assert path.startswith(f"{cut}/"), path
        target = f"{upstream}{path.removeprefix(cut)}?{request.scope['query_string'].decode('ascii')}"
        async with httpx.AsyncClient(trust_env=False) as client:
            headers = [pair for pair in request.headers.raw if pair[0] not in (b"host", b"content-length")]
            try:
                answer = await client.request(
                    request.method, target.rstrip("?"), headers=headers, content=await request.body()
                )
            except httpx.TransportError:
                return Response(status_code=502)
        response = Response(answer.content, answer.status_code)
        response.raw_headers = [
            p for p in answer.headers.raw if p[0].lower() not in (b"transfer-encoding", b"connection")
        ]
        return response

    return Starlette(routes=[Route("/{path:path}", forward, methods=["GET", "POST", "PUT", "DELETE", "OPTIONS"])])
