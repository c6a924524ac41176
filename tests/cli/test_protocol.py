"""The real service reads no request head of any size."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from ..kit.web_shops import Served, served


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`connect-login serve` in a process of its own."""
    with served(tmp_path_factory.mktemp("served")) as one:
        yield one


@pytest.mark.parametrize(("size", "status"), [(16_000, 200), (40_000, 200), (80_000, 400), (3_000_000, 400)])
def test_a_large_header_is_refused(service: Served, size: int, status: int) -> None:
    """A header of ordinary size passes, one above the limit is a 400."""
    assert httpx.get(f"{service.url}/healthz", headers={"x": "a" * size}, trust_env=False).status_code == status


def test_a_long_address_is_refused(service: Served) -> None:
    """The same for the request line."""
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), 5) as connection:
        connection.sendall(b"GET /healthz?%s HTTP/1.1\r\nhost: x\r\n\r\n" % (b"a" * 80_000))
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_an_idle_connection_is_kept_longer_than_its_client_keeps_it(service: Served) -> None:
    """Both httpx and uvicorn give up an idle connection after 5 seconds by default, so one would meet the other."""
    address = urlsplit(service.url)
    assert address.hostname
    with closing(HTTPConnection(address.hostname, address.port, timeout=10)) as connection:
        for pause in (5.5, 0):
            connection.request("GET", "/healthz")
            assert connection.getresponse().read() == b'{"status": "ok"}'
            time.sleep(pause)


def test_an_endless_header_is_cut(service: Served) -> None:
    """A head that never ends loses its connection, and the service goes on."""
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), 5) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nx: ")
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            connection.sendall(b"a" * 10_000_000)
    assert httpx.get(f"{service.url}/healthz", trust_env=False).status_code == 200


def test_a_body_counts_for_itself(service: Served) -> None:
    """The head's limit is not the body's: that is refused by the route that reads it."""
    refused = httpx.post(f"{service.url}/connect/token/refresh", content=b"x" * 300_000, trust_env=False)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")


def test_a_connection_that_has_just_come_is_answered(tmp_path: Path) -> None:
    """The service stops after it has taken a connection, and before the first request on it has arrived."""
    with served(tmp_path) as stopping:
        address = urlsplit(stopping.url)
        with socket.create_connection((address.hostname, address.port), 5) as connection:
            time.sleep(0.2)
            os.kill(stopping.pid, signal.SIGTERM)
            time.sleep(0.15)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
