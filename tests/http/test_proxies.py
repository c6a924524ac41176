"""The proxies of the environment: used where the shop says so, and nothing else of the environment is."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from yarl import URL

from connect_core.errors import SettingsError
from connect_core.http import HttpPool
from connect_core.http.proxies import find_proxy
from connect_core.sandbox import serving

from ..kit.peers import always, get, peer, whole


async def echo(request: Request) -> JSONResponse:
    """Answer with the headers that came."""
    return JSONResponse({"headers": [[name.decode(), value.decode()] for name, value in request.headers.raw]})


@pytest.fixture(scope="module")
def vendor() -> Iterator[str]:
    """A vendor that behaves; yields its base URL."""
    with serving(Starlette(routes=[Route("/echo", echo)])) as url:
        yield url


async def test_proxies_and_netrc_are_ignored_unless_configured(vendor: str, tmp_path: Path) -> None:
    """The environment changes where calls go only when the shop says so, and never who we are."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password something\n")
    with peer(always(whole(b'{"from": "proxy"}'))) as proxy:
        os.environ.update(HTTP_PROXY=proxy.url, http_proxy=proxy.url, NO_PROXY="", NETRC=str(netrc))
        assert "authorization" not in dict((await get(f"{vendor}/echo")).json()["headers"])
        assert not proxy.requests
        ours = {"authorization": "Bearer ours"}
        assert (await get(f"{vendor}/echo", outbound_proxy=True, headers=ours)).json() == {"from": "proxy"}
        assert proxy.requests[0].startswith(b"GET http://127.0.0.1:")
        assert b"bearer ours" in proxy.requests[0].lower()
        os.environ["NO_PROXY"] = "127.0.0.1"
        for headers, sent in ((ours, "Bearer ours"), ({}, None)):
            echoed = (await get(f"{vendor}/echo", outbound_proxy=True, headers=headers)).json()["headers"]
            assert dict(echoed).get("authorization") == sent
        await get(f"{vendor}/echo", outbound_proxy=True)
        assert b"basic" not in b"".join(proxy.requests).lower()


PROXIES = [
    ({"HTTPS_PROXY": "http://p:1"}, "https://a.example/", "http://p:1"),
    ({"https_proxy": "p:1"}, "https://a.example/", "http://p:1"),
    ({"HTTPS_PROXY": "http://u:s@p:1"}, "https://a.example/", "http://u:s@p:1"),
    ({"HTTP_PROXY": "http://p:1"}, "https://a.example/", None),
    ({"ALL_PROXY": "http://p:1"}, "https://a.example/", "http://p:1"),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example"}, "https://a.example/", None),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "b.example, *.example"}, "https://a.example/", None),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*.example,b"}, "https://a.example.org/", "http://p:1"),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example:444"}, "https://a.example/", "http://p:1"),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example:444"}, "https://a.example:444/", None),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://a.example/", None),
    ({}, "https://a.example/", None),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8, fd00::/8"}, "https://10.1.2.3/", None),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8, fd00::/8"}, "https://[fd00::1]/", None),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8, fd00::/8"}, "https://192.0.2.1/", "http://p:1"),
    ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "[::1]"}, "https://[::1]/", None),
]
UNUSABLE = ["socks5://p:1", "nonsense://", "http://", "http://p:c4n4ry"]


@pytest.mark.parametrize("proxy", UNUSABLE)
def test_a_proxy_that_cannot_be_used_stops_the_start(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else every login would fail with it; without the setting nobody looks at it."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.delenv("https_proxy", raising=False)
    with pytest.raises(SettingsError) as caught:
        HttpPool(outbound_proxy=True)
    [mistake] = caught.value.mistakes
    assert mistake.startswith("service.outbound_proxy: HTTPS_PROXY")
    assert "c4n4ry" not in mistake
    HttpPool()


@pytest.mark.parametrize(("environment", "url", "proxy"), PROXIES)
def test_the_environment_names_proxies(
    environment: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for every other program on the machine."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert find_proxy(URL(url)) == (proxy and URL(proxy))


async def test_a_proxy_is_told_its_own_password() -> None:
    """That in its address; not the password of the vendor's host, and not to the vendor."""
    with peer(always(whole(b"{}"))) as proxy:
        os.environ.update(HTTP_PROXY=proxy.url.replace("://", "://u:s@"), NO_PROXY="")
        os.environ.pop("http_proxy", None)
        await get("http://vendor.example/", outbound_proxy=True)
    assert b"Proxy-Authorization: Basic dTpz" in proxy.requests[0]
    assert b"\r\nAuthorization" not in proxy.requests[0]
