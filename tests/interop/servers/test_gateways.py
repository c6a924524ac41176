"""The gateways of `docs/how-to/api-gateways.md`: nginx as it runs, the others as far as their files say."""

import base64
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor

from ...conftest import Require
from ...kit.databases import run_shop
from ...kit.ports import free_port
from ...kit.token_services import with_servers
from ...kit.web_shops import alipay_and_wechat, bearer, mini_login
from .operations import find_program, read_operations, read_yaml
from .proxies import TEMPORARY, write_certificate


class ShopApi(BaseHTTPRequestHandler):
    """An API that answers everybody: the gateway decides who reaches it."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"orders")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Write nothing."""


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A running shop that gateways ask."""
    with run_shop(alipay_and_wechat(), change=with_servers) as running_shop:
        yield running_shop


@pytest.fixture(scope="module")
def gateway(shop: RunningShop, tmp_path_factory: pytest.TempPathFactory, require: Require) -> Iterator[str]:
    """The address of nginx in front of an API."""
    program = find_program("nginx")
    require(program, "nginx is not installed")
    folder = tmp_path_factory.mktemp("gateway")
    folder.chmod(0o755)  # nginx's workers are another user
    write_certificate(folder)
    port = free_port()
    api = ThreadingHTTPServer(("127.0.0.1", 0), ShopApi)
    Thread(target=api.serve_forever, daemon=True).start()
    config, output = write_config(folder, port, api.server_port, shop), folder / "output"
    with output.open("w") as stream:
        process = subprocess.Popen([str(program), "-c", str(config)], stdout=stream, stderr=stream)
    try:
        wait_for_answer(f"https://localhost:{port}/", process, folder)
        yield f"https://localhost:{port}"
    finally:
        process.terminate()
        process.wait(30)
        api.shutdown()
        api.server_close()


def write_config(folder: Path, port: int, api_port: int, shop: RunningShop) -> Path:
    """Write nginx's files, of which only ports, folders and names are replaced."""
    service = {"127.0.0.1:8000": shop.url.removeprefix("http://")}
    replacements = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "127.0.0.1:9000": f"127.0.0.1:{api_port}",
        "/etc/nginx/tls": str(folder),
        "api.shop.example": "localhost",
    }
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in TEMPORARY)
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\n{temporary}access_log off;\n{read_operations('nginx/upstream.conf', service)}\n"
        f"{read_operations('nginx/gateway.conf', replacements)}\n}}\n",
        "utf-8",
    )
    return config


def wait_for_answer(url: str, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Wait until nginx answers, be it with a refusal."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends and process.poll() is None:
        try:
            httpx.get(url, verify=False, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError((folder / "output").read_text("utf-8"))


def ask(gateway: str, headers: Mapping[str, str]) -> httpx.Response:
    """Ask the API behind the gateway."""
    return httpx.get(f"{gateway}/orders", headers=dict(headers), verify=False, trust_env=False)


def test_nginx_lets_members_through_until_they_log_out(shop: RunningShop, gateway: str) -> None:
    """A bearer token opens the API and a log-out closes it at once; a cookie alone opens nothing."""
    with Visitor(shop) as visitor:
        tokens = mini_login(visitor)
        passed = ask(gateway, bearer(tokens))
        assert (passed.status_code, passed.text) == (200, "orders")
        for headers in ({}, {"authorization": "Bearer x"}, {"authorization": bearer(tokens)["authorization"] + "x"}):
            refused = ask(gateway, headers)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        visitor.log_in("alipay", "pc")
        session = f"connect_session={visitor.http.cookies['connect_session']}"
        assert ask(gateway, {"cookie": session}).status_code == 401
        assert visitor.http.post("/connect/revoke", data={"token": tokens.json()["refresh_token"]}).status_code == 200
        assert ask(gateway, bearer(tokens)).status_code == 401


def test_the_files_name_what_the_metadata_names(shop: RunningShop, require: Require) -> None:
    """Issuer, audience and addresses of each file are those of the service, with `public_url` put in their place."""
    require(find_spec("yaml"), "PyYAML is in tox's environment `servers`")
    public_url = "https://shop.example"
    with Visitor(shop) as visitor:
        metadata = visitor.http.get("/.well-known/oauth-authorization-server").text.replace(shop.url, public_url)
    files = {name: read_yaml(f"gateways/{name}.yaml") for name in ("envoy", "apisix", "kong")}
    known = {public_url, f"{public_url}/.well-known/oauth-authorization-server"}
    for name, documents in files.items():
        addresses = {text for text in find_texts(documents) if text.startswith(public_url)}
        assert public_url in addresses, name
        assert all(address in known or f'"{address}"' in metadata for address in addresses), (name, addresses)
    [provider] = files["envoy"][0]["http_filters"][0]["typed_config"]["providers"].values()
    claims = {header["claim_name"] for header in provider["claim_to_headers"]}
    plugins = [service["plugins"][0]["config"] for service in files["kong"][0]["services"]]
    claims |= {claim for plugin in plugins for claim in plugin["upstream_headers_claims"]}
    with Visitor(shop) as visitor:
        [_, claims_of_token, _] = mini_login(visitor).json()["access_token"].split(".")
        assert claims <= set(read_claims(claims_of_token))


def read_claims(part: str) -> Any:
    """The claims of a JWT, unchecked."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def find_texts(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from find_texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from find_texts(item)
