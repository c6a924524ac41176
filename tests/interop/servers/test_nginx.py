"""The nginx recipe of the how-to page, run as it is printed there, in front of the real service."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from connect_core.harness import RunningShop, Visitor
from connect_core.sandbox.serving import listen

from ...conftest import Require
from ...kit.mounts import go_round
from ...kit.web_shops import Served, come_back, query, served, wait_for

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "how-to" / "operate.md"
BLOCKS = re.findall(r"```text\n# nginx, in the (http|server) block\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@contextmanager
def nginx(folder: Path, port: int, upstream: int, change: Callable[[str], str] = str) -> Iterator[None]:
    """Run nginx with the page's blocks, of which `change` changes the server's; only ports and the log are others."""
    parts = {name: text.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}") for name, text in BLOCKS}
    parts["server"] = change(parts["server"])
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    server = parts["server"].replace("/var/log/nginx", str(folder))
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\n{temporary}access_log off;\n{parts['http']}\n"
        f"server {{\nlisten 127.0.0.1:{port};\n{server}}}\n}}\n",
        "utf-8",
    )
    folder.chmod(0o755)
    checked = subprocess.run(
        ["nginx", "-t", "-c", str(config)], capture_output=True, text=True, check=False, timeout=20
    )
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr
    process = subprocess.Popen(["nginx", "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where nginx writes its logs."""
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="module")
def shop(folder: Path, require: Require) -> Iterator[RunningShop]:
    """The service behind nginx, for every test: it takes seconds to start."""
    with behind_nginx(folder, require) as shop:
        yield shop


@contextmanager
def behind_nginx(
    folder: Path, require: Require, root: str = "", change: Callable[[str], str] = str
) -> Iterator[RunningShop]:
    """Run the service, which browsers reach below `root`, behind nginx."""
    require(shutil.which("nginx"), "nginx is not installed")
    with listen() as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    service = {"public_url": url, "trusted_proxies": ["127.0.0.1"], "root_path": root}
    with (
        served(folder, service=service, limits={"per_address": "40/hour"}) as behind,
        nginx(folder, port, _port(behind), change),
    ):
        wait_for(f"{url}{root}/connect/login")
        yield RunningShop(f"{url}{root}", Starlette(), behind.sandboxes, f"sqlite:///{behind.database}", "")


def _port(behind: Served) -> int:
    return int(behind.url.rpartition(":")[2])


def read_log(folder: Path, last: str) -> str:
    """What nginx has logged once `last` is there: it writes a line after the answer has gone."""
    log, ends = folder / "connect.log", time.monotonic() + 10
    while last not in (written := log.read_text("utf-8")):
        assert time.monotonic() < ends, written
        time.sleep(0.02)
    return written


def test_a_login_goes_through(shop: RunningShop, folder: Path) -> None:
    """Start, callback and session; browsers are told to keep to https, and the log has neither code nor state."""
    with Visitor(shop) as visitor:
        callback = come_back(visitor)
        ended = visitor.http.get(callback)
        assert ended.status_code == 303
        assert ended.headers["strict-transport-security"] == "max-age=31536000"
        assert visitor.http.get("/connect/me").json()["connections"] == ["ALIPAY"]
        refused = visitor.http.get("/connect/nobody/pc/login")
        assert (refused.status_code, refused.headers["strict-transport-security"]) == (404, "max-age=31536000")
    written = read_log(folder, '"GET /connect/nobody/pc/login" 404 ')
    assert '"GET /connect/alipay/pc/callback" 303 ' in written
    assert ended.headers["x-request-id"] in written
    for secret in query(callback).values():
        assert secret not in written


ROUTES = [
    ("GET", "/buyer/connect/alipay/pc/login"),
    ("GET", "/buyer/account-binder/list"),
    ("POST", "/buyer/account-binder/unbind/out"),
    ("PUT", "/buyer/passport/login-binder/pc/x"),
    ("POST", "/buyer/passport/login-binder/wap/x"),
    ("POST", "/buyer/passport/sms-binder/app"),
    ("POST", "/buyer/passport/register-binder/app"),
    ("GET", "/buyer/passport/connect/app/QQ/param"),
    ("POST", "/login/abc"),
    ("GET", "/connect/.well-known/jwks.json"),
]


def test_every_family_of_routes_is_passed_on(shop: RunningShop) -> None:
    """Whatever the answer, it is ours: it has a request id."""
    for method, path in ROUTES:
        answer = httpx.request(method, shop.url + path, trust_env=False)
        assert "x-request-id" in answer.headers, (method, path, answer.status_code)
    assert "x-request-id" not in httpx.get(f"{shop.url}/buyer/orders", trust_env=False).headers


def test_an_event_stream_arrives_at_once(shop: RunningShop) -> None:
    """Nginx does not wait until its buffer is full."""
    with Visitor(shop) as visitor:
        visitor.http.post("/connect/handover")
        began = time.monotonic()
        with visitor.http.stream("GET", "/connect/handover/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.iter_lines()
            assert next(line for line in lines if line.startswith("data: ")) == "data: waiting"
            assert time.monotonic() - began < 5
            assert next(line for line in lines if line.startswith(":"))
            assert time.monotonic() - began < 18


def test_many_cookies_pass(shop: RunningShop) -> None:
    """Logins under way in many tabs, beside the shop's own cookies."""
    cookies = {"cookie": "; ".join(f"c{number}={'a' * 1000}" for number in range(15))}
    assert httpx.get(f"{shop.url}/connect/login", headers=cookies, trust_env=False).status_code == 200


def test_visitors_are_counted_alone(shop: RunningShop) -> None:
    """Nginx adds its own view to what a client claims; the nearest hop counts."""
    path = f"{shop.url}/connect/alipay/pc/login"
    # from another address than nginx's own, which is trusted
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as client:
        claims = [{"x-forwarded-for": f"192.0.2.{n}", "forwarded": f"for=192.0.2.{n}"} for n in range(60)]
        statuses = [client.get(path, headers=claim).status_code for claim in claims]
    assert statuses == [303] * 40 + [429] * 20


@pytest.mark.parametrize("cut", ["/", ""], ids=["cut off", "left"])
def test_below_a_path(cut: str, tmp_path: Path, require: Require) -> None:
    """With `location /shop/` a login goes round, whether nginx cuts the path off or leaves it."""

    def change(block: str) -> str:
        location = re.sub(r"(?m)^location .*", "location /shop/ {", block, count=1)
        return re.sub(r"(proxy_pass [^;]+);", rf"\1{cut};", location, count=1)

    with behind_nginx(tmp_path, require, "/shop", change) as shop:
        go_round(shop)
