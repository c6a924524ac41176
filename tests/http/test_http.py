"""One call, over real loopback: what is sent, how long and how much it may be, what is made of the answer."""

import gzip
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connect_core.errors import ProviderBadResponse, ProviderRefused, ProviderTimeout
from connect_core.http import Answer, parse_object
from connect_core.limits import ANSWER_LIMIT
from connect_core.sandbox import serving

from ..kit.canaries import CANARY, every_text
from ..kit.peers import Peer, always, get, http_pool, never, peer, post, whole
from ..kit.ports import free_port
from ..kit.self_signed import make_self_signed

AWKWARD = {
    "sum": "1+1=2&x",
    "path": "/a/b?c#d;e",
    "escapes": "%2B%20%2F%",
    "text": "é 空格 🙂 \"'<>\\",
    "sign": "Zm9v+/==",
    "lines": "a\r\nb\tc",
    "empty": "",
}


async def echo(request: Request) -> Response:
    """Answer with what came over the network, undecoded."""
    transport = {
        "query": request.scope["query_string"].decode("ascii"),
        "body": (await request.body()).decode("ascii"),
        "headers": [[name.decode(), value.decode()] for name, value in request.headers.raw],
    }
    return JSONResponse(transport, headers={"set-cookie": "vendor=1; Path=/"})


async def say(request: Request) -> Response:
    """Answer with the status, the one header and the size that the query asks for."""
    wanted = request.query_params
    header = {wanted["header"]: wanted["value"]} if "header" in wanted else {}
    return Response(b"x" * int(wanted.get("size", "0")), int(wanted.get("status", "200")), header)


@pytest.fixture(scope="module")
def vendor() -> Iterator[str]:
    """A vendor that behaves; yields its base URL."""
    with serving(Starlette(routes=[Route("/echo", echo, methods=["GET", "POST"]), Route("/say", say)])) as url:
        yield url


# what is sent


async def test_parameters_and_forms_arrive_as_given(vendor: str) -> None:
    """Values are encoded once: the server reads back exactly what the provider gave."""
    query = (await get(f"{vendor}/echo", AWKWARD)).json()["query"]
    assert dict(parse_qsl(query, keep_blank_values=True)) == AWKWARD
    body = (await post(f"{vendor}/echo", form=AWKWARD)).json()["body"]
    assert dict(parse_qsl(body, keep_blank_values=True)) == AWKWARD


async def test_a_plugin_without_types_may_hand_in_numbers(vendor: str) -> None:
    """As a parameter of the query: they are sent as their digits."""
    values: Any = {"page": 2, "raw": b"a/b", "flag": True}
    assert (await get(f"{vendor}/echo", values)).json()["query"] == "page=2&raw=a%2Fb&flag=True"


async def test_the_query_of_an_endpoint_survives_parameters(vendor: str) -> None:
    """An endpoint configured with a query of its own keeps it beside the parameters of the call."""
    for params in ({"code": "1"}, {}):
        query = (await get(f"{vendor}/echo?tenant=a%2Bb", params)).json()["query"]
        assert dict(parse_qsl(query)) == {"tenant": "a+b", **params}


async def test_raw_content_keeps_its_bytes_and_type(vendor: str) -> None:
    """What a provider signed is what is sent, under the type that it named."""
    transport = (
        await post(f"{vendor}/echo", content=b'{"b": 1,"a":"%2B +"}', headers={"content-type": "application/json"})
    ).json()
    assert transport["body"] == '{"b": 1,"a":"%2B +"}'
    assert [value for name, value in transport["headers"] if name == "content-type"] == ["application/json"]


async def test_cookies_of_a_vendor_are_not_kept(vendor: str) -> None:
    """One login's vendor cookie never travels with another login's call."""
    url = vendor.replace("127.0.0.1", "localhost") + "/echo"  # cookie jars keep none of a bare address
    async with http_pool() as pool:
        first, second = [await pool.for_provider("acme").get(url) for _ in range(2)]
    assert "vendor=1" in first.headers["set-cookie"]
    assert "cookie" not in dict(second.json()["headers"])


@pytest.mark.parametrize(
    "request_",
    [
        {"params": {"code": f"{CANARY}\ud800"}},
        {"headers": {"authorization": f"{CANARY}é"}},
        {"headers": {"authorization": f"{CANARY}\r\nx: y"}},
        {"path": f"]{CANARY}"},
        {"path": f"\n{CANARY}"},
    ],
    ids=["surrogate", "header charset", "header lines", "bad port", "control character"],
)
async def test_a_request_that_cannot_be_written_is_a_fault(vendor: str, request_: dict[str, Any]) -> None:
    """Values that HTTP cannot carry fail that login alone, and are not told."""
    url = vendor + request_.pop("path", "/echo")
    with pytest.raises(ProviderBadResponse) as caught:
        await get(url, **request_)
    assert CANARY not in every_text(caught.value)


# how long, how much


async def test_a_host_that_takes_no_connection_ends_by_the_deadline() -> None:
    """A black hole costs the deadline and is told as a time-out."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):  # fills the backlog: further handshakes are dropped
            before = time.monotonic()
            with pytest.raises(ProviderTimeout):
                await get(f"http://127.0.0.1:{port}/", deadline=0.3)
            assert 0.25 < time.monotonic() - before < 5


async def test_a_vendor_that_never_answers_ends_by_the_deadline() -> None:
    """A connection without an answer costs the deadline and is given up."""
    with peer(never) as silent:
        with pytest.raises(ProviderTimeout):
            await get(silent.url, deadline=0.2)
        assert silent.closed.wait(1)


async def test_a_dripping_answer_ends_by_the_deadline() -> None:
    """The deadline is for the whole call: a byte now and then does not renew it."""

    def drip(server: Peer, connection: socket.socket) -> None:
        server.read(connection)
        for byte in whole(b" " * 1000):
            connection.sendall(bytes([byte]))
            time.sleep(0.002)

    with peer(drip) as dripping:
        before = time.monotonic()
        with pytest.raises(ProviderTimeout):
            await get(dripping.url, deadline=0.4)
        assert time.monotonic() - before < 0.8


async def test_an_endless_answer_is_cut_at_the_limit() -> None:
    """Reading stops at the limit and the connection is given up, however much the vendor would send."""
    sent = [0]

    def flood(server: Peer, connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while sent[0] < 100 * 2**20:
            sent[0] += connection.send(b"x" * 65536)

    with peer(flood) as flooding:
        with pytest.raises(ProviderBadResponse, match="1 MiB"):
            await get(flooding.url)
        assert flooding.closed.wait(1)
        assert sent[0] < 20 * 2**20


async def test_the_limit_itself_is_let_pass(vendor: str) -> None:
    """1 MiB is taken, one byte more is not."""
    assert len((await get(f"{vendor}/say", {"size": str(ANSWER_LIMIT)})).content) == ANSWER_LIMIT
    with pytest.raises(ProviderBadResponse, match="1 MiB"):
        await get(f"{vendor}/say", {"size": str(ANSWER_LIMIT + 1)})


@pytest.mark.parametrize("encoding", ["Identity", "IDENTITY", " identity", "", "none", "UTF-8"])
async def test_identity_is_no_compression(encoding: str) -> None:
    """Names of content codings have no case (RFC 9110 §8.4.1); an empty header, or one with a charset, says nothing."""
    with peer(always(whole(b"{}", b"CONTENT-Encoding: %s\r\n" % encoding.encode()))) as answering:
        assert (await get(answering.url)).json() == {}


async def test_a_long_header_is_read() -> None:
    """Policies and cookies of vendors' own are far longer than 8 KiB; up to 64 KiB costs no login."""
    with peer(always(whole(b"{}", b"x-policy: %s\r\n" % (b"y" * 60_000)))) as answering:
        assert (await get(answering.url)).json() == {}


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "zstd", "deflate", "gzip, gzip", "identity, X-Gzip"])
async def test_a_compressed_answer_is_refused_undecoded(encoding: str) -> None:
    """Nothing is ever decompressed, so no bomb can go off; requests say that we want none."""
    answer = whole(gzip.compress(b"{}" * 1000), b"Content-Encoding: %s\r\n" % encoding.encode())
    with peer(always(answer)) as compressing:
        with pytest.raises(ProviderBadResponse, match="compressed"):
            await get(compressing.url)
        sent = [line for line in compressing.requests[0].lower().split(b"\r\n") if line.startswith(b"accept-encoding")]
        assert sent == [b"accept-encoding: identity"]


# what comes back


@pytest.mark.parametrize("status", ["429", "500", "502", "503"])
async def test_an_outage_is_a_refusal_with_the_vendors_hint(vendor: str, status: str) -> None:
    """A busy vendor is told apart from a broken one, and its Retry-After is passed on."""
    answer = await get(f"{vendor}/say", {"status": status, "header": "retry-after", "value": "7"})
    with pytest.raises(ProviderRefused) as caught:
        answer.raise_for_outage()
    assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("hint", "seconds"),
    [("0", 0), ("99999", 3600), ("999999999", None), ("-1", None), ("1.5", None), ("٣", None), ("soon", None)],
)
def test_only_a_plain_number_of_seconds_is_a_hint(hint: str, seconds: int | None) -> None:
    """Retry-After is seconds, at most an hour; dates and nonsense are no hint."""
    with pytest.raises(ProviderRefused) as caught:
        Answer(503, {"retry-after": hint}, b"").raise_for_outage()
    assert caught.value.retry_after == seconds


def test_other_statuses_are_the_providers_to_judge() -> None:
    """OAuth2 refuses with 400 and 401 and a body that says why."""
    for status in (200, 201, 400, 401, 403, 404):
        answer = Answer(status, {}, b"")
        assert answer.raise_for_outage() is answer


async def test_a_redirect_is_not_followed(vendor: str) -> None:
    """A vendor cannot send our secrets elsewhere."""
    with peer(always(whole())) as inside:
        answer = await get(f"{vendor}/say", {"status": "302", "header": "location", "value": inside.url})
        assert answer.status == 302
        assert not inside.connections
    with pytest.raises(ProviderBadResponse, match="redirect"):
        answer.raise_for_outage()


UNUSABLE = {
    "n06 html": b"<!doctype html><title>busy</title>",
    "n06 empty": b"",
    "n07 truncated": b'{"id": "1',
    "n07 NaN": b'{"id": NaN}',
    "n07 -Infinity": b'{"id": -Infinity}',
    "n07 duplicate": b'{"id": "1", "id": "2"}',
    "n07 duplicate inside": b'{"a": [{"id": "1", "id": "1"}]}',
    "n07 deep lists": b"[" * 100_000,
    "n07 deep objects": b'{"a":' * 40_000,
    "n07 too deep": b'{"a":' * 33 + b"1" + b"}" * 33,
    "n07 5000 digits": b'{"id": ' + b"9" * 5000 + b"}",
    "n07 list": b'[{"id": "1"}]',
    "n07 text": b'"id"',
    "n07 null": b"null",
    "n07 two objects": b"{} {}",
    "n07 raw line": b'{"id": "1\n2"}',
    "n08 invalid utf-8": b'{"id": "\xff"}',
    "n08 gbk": '{"id": "李华"}'.encode("gbk"),
    "n08 utf-16": '{"id": "1"}'.encode("utf-16"),
}


@pytest.mark.parametrize("body", UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_an_unusable_answer_is_a_fault(body: bytes) -> None:
    """What is no plain JSON object in the expected charset ends that login with 502, not with a crash."""
    with peer(always(whole(body))) as vendor:
        answer = await get(vendor.url)
    with pytest.raises(ProviderBadResponse):
        answer.json()


def test_an_unreadable_answer_hangs_on_no_exception() -> None:
    """A decoder's error keeps the text it could not read, tokens and all, so none stands behind ours."""
    with pytest.raises(ProviderBadResponse) as caught:
        parse_object(f'{{"access_token":"{CANARY}')
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_strict_is_not_narrow() -> None:
    """A BOM, 32 levels, long whole numbers and names repeated at other levels are fine."""
    assert parse_object('\ufeff{"id": 1}') == {"id": 1}
    assert parse_object('{"a":' * 32 + "1" + "}" * 32)
    assert parse_object('{"id": ' + "9" * 4000 + "}") == {"id": 10**4000 - 1}
    assert parse_object('{"id": {"id": 1}, "other": {"id": 1}}')
    assert parse_object('{"name": "a\tb\nc"}', control_characters=True) == {"name": "a\tb\nc"}


def test_a_provider_names_its_vendors_charset() -> None:
    """Vendors that speak GBK or UTF-16 are read in it; a charset nobody knows is a fault."""
    for charset in ("gbk", "gb18030", "utf-16"):
        assert Answer(200, {}, '{"name": "李华"}'.encode(charset)).json(charset) == {"name": "李华"}
    for charset in ("no-such", "rot13", "hex"):
        with pytest.raises(ProviderBadResponse):
            Answer(200, {}, b"{}").json(charset)


@pytest.mark.parametrize(
    "answer",
    [whole(b"{}" * 9)[:-9], b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000],
    ids=["cut short", "not HTTP", "huge header"],
)
async def test_a_broken_answer_is_a_fault_and_no_time_out(answer: bytes) -> None:
    """A connection that breaks is told as such, so that an operator does not look for slowness."""

    def talk(server: Peer, connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(answer)

    with peer(talk) as broken, pytest.raises(ProviderBadResponse):
        await get(broken.url)


def hang_up(server: Peer, connection: socket.socket) -> None:
    server.read(connection)


def reset(server: Peer, connection: socket.socket) -> None:
    server.read(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("talk", [hang_up, reset])
async def test_a_vendor_that_hangs_up_is_an_outage(talk: Callable[[Peer, socket.socket], None]) -> None:
    """Without a byte of an answer there is nothing to distrust."""
    with peer(talk) as broken, pytest.raises(ProviderRefused):
        await get(broken.url)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "no-such-host.invalid"])
async def test_a_vendor_that_cannot_be_reached_is_an_outage(host: str) -> None:
    """Nobody listening, and a name that does not resolve, are neither a bad answer nor a slow one."""
    port = free_port()
    with pytest.raises(ProviderRefused):
        await get(f"http://{host}:{port}/")


@pytest.fixture
def self_signed(tmp_path: Path) -> tuple[Path, Path]:
    """A key and its own certificate for 127.0.0.1, as PEM files."""
    return make_self_signed(tmp_path)


async def test_a_self_signed_certificate_is_refused(self_signed: tuple[Path, Path]) -> None:
    """The vendor's certificate must be somebody's we trust; there is no switch."""
    key, cert = self_signed
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    with peer(always(whole()), server) as vendor:
        port = int(vendor.url.rpartition(":")[2])
        trusting = ssl.create_default_context(cafile=str(cert))
        with trusting.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1") as works:
            works.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert works.recv(15) == b"HTTP/1.1 200 OK"
        vendor.requests.clear()
        with pytest.raises(ProviderBadResponse):
            await get(vendor.url)
        assert not vendor.requests
