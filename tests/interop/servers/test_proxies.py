"""The proxies of `docs/how-to/deploy.md`, run with the files that it shows, in front of the real service."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor

from ...conftest import Require
from ...kit.mounts import go_round
from ...kit.web_shops import come_back, query
from .proxies import Ports, behind

PROXIES = ("nginx", "caddy", "traefik")
HSTS = "max-age=31536000"


@pytest.fixture(scope="module", params=PROXIES)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, require: Require
) -> Iterator[tuple[RunningShop, Ports, Path]]:
    """The service behind each proxy in turn, with the proxy's ports and the folder of its log."""
    folder = tmp_path_factory.mktemp(request.param)
    with behind(request.param, folder, require) as (shop, ports):
        yield shop, ports, folder


@pytest.fixture
def shop(running: tuple[RunningShop, Ports, Path]) -> RunningShop:
    """The service as browsers reach it."""
    return running[0]


def read_log(folder: Path, *wanted: str) -> str:
    """What a proxy has logged once all of `wanted` is there: it writes a line after the answer has gone."""
    log, ends = folder / "connect-login.log", time.monotonic() + 15
    while not all(text in (written := log.read_text("utf-8") if log.exists() else "") for text in wanted):
        assert time.monotonic() < ends, written
        time.sleep(0.02)
    return written


def ask(shop: RunningShop, method: str, path: str, **options: object) -> httpx.Response:
    """Send one request, to a proxy whose certificate is nobody's."""
    return httpx.request(method, shop.url + path, verify=False, trust_env=False, timeout=20, **options)  # type: ignore[arg-type]


def test_a_login_goes_through(running: tuple[RunningShop, Ports, Path]) -> None:
    """Start, callback and session; browsers are told to keep to https, and the log has neither code nor state."""
    shop, _, folder = running
    with Visitor(shop) as visitor:
        callback = come_back(visitor)
        ended = visitor.http.get(callback)
        assert ended.status_code == 303
        assert ended.headers["strict-transport-security"] == HSTS
        assert visitor.http.get("/connect/me").json()["connections"] == ["ALIPAY"]
        refused = visitor.http.get("/connect/nobody/pc/login?return_to=/x-1234")
        assert (refused.status_code, refused.headers["strict-transport-security"]) == (404, HSTS)
    written = read_log(folder, ended.headers["x-request-id"], refused.headers["x-request-id"])
    for secret in ["x-1234", *query(callback).values()]:
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
    ("POST", "/connect/introspect"),
    ("GET", "/.well-known/oauth-authorization-server"),
    ("GET", "/.well-known/oauth-authorization-server/connect"),
]


def test_every_family_of_routes_is_passed_on(shop: RunningShop) -> None:
    """Whatever the answer, it is ours: it has a request id."""
    for method, path in ROUTES:
        answer = ask(shop, method, path)
        assert "x-request-id" in answer.headers, (method, path, answer.status_code)
    for path in ("/buyer/orders", "/healthz", "/readyz", "/.well-known/security.txt"):
        assert "x-request-id" not in ask(shop, "GET", path).headers, path


def test_http_leads_to_https(running: tuple[RunningShop, Ports, Path]) -> None:
    """Nobody logs in without TLS."""
    answer = httpx.get(f"http://localhost:{running[1].http}/connect/login?client=pc", trust_env=False)
    assert answer.status_code in (301, 308)
    assert re.fullmatch(r"https://localhost(:\d+)?/connect/login\?client=pc", answer.headers["location"])


def test_browsers_get_http_2(shop: RunningShop) -> None:
    """Pages with their style sheet and pictures come over one connection."""
    with httpx.Client(http2=True, verify=False, trust_env=False) as client:
        assert client.get(f"{shop.url}/connect/login").http_version == "HTTP/2"


def test_an_event_stream_arrives_at_once(shop: RunningShop) -> None:
    """No proxy waits until its buffer is full."""
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


def test_large_requests_pass(shop: RunningShop) -> None:
    """Cookies of many tabs, a callback whose code is as long as we take it, and a body with two tokens."""
    cookies = {"cookie": "; ".join(f"c{number}={'a' * 1000}" for number in range(40))}
    assert ask(shop, "GET", "/connect/login", headers=cookies).status_code == 200
    callback = ask(shop, "GET", f"/connect/alipay/pc/callback?auth_code={'c' * 8192}&state={'s' * 32}")
    assert "x-request-id" in callback.headers, callback.status_code
    posted = ask(shop, "POST", "/connect/alipay/mini/token", json={"code": "c" * 200_000})
    assert "x-request-id" in posted.headers, posted.status_code


def test_large_answers_pass(shop: RunningShop) -> None:
    """A login may begin at a long address, which stands in a header beside the cookie."""
    started = ask(shop, "GET", "/connect/long/pc/login")
    assert (started.status_code, len(started.headers["location"]) > 7000) == (303, True)


def test_visitors_are_counted_alone(shop: RunningShop) -> None:
    """A proxy tells its own view of what a client claims; the nearest hop counts."""
    path = f"{shop.url}/connect/alipay/pc/login"
    # from another address than the proxy's own, which is trusted
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2", verify=False)) as client:
        claims = [{"x-forwarded-for": f"192.0.2.{n}", "forwarded": f"for=192.0.2.{n}"} for n in range(60)]
        statuses = [client.get(path, headers=claim).status_code for claim in claims]
    assert statuses == [303] * 40 + [429] * 20


@pytest.mark.parametrize("cut", ["/", ""], ids=["cut off", "left"])
def test_below_a_path(cut: str, tmp_path: Path, require: Require) -> None:
    """With `location /shop/` a login goes round, whether nginx cuts the path off or leaves it."""

    def change(config: str) -> str:
        location = re.sub(r"(?m)^    location ~ .*", "    location /shop/ {", config, count=1)
        return re.sub(r"(proxy_pass [^;]+);", rf"\1{cut};", location, count=1)

    with behind("nginx", tmp_path, require, "/shop", change) as (shop, _):
        go_round(shop)
