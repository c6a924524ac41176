"""Client addresses: each visitor is counted alone, however proxies spell it, and never everybody as one."""

import logging
import time
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request

from connect_core.harness import Visitor, make_settings
from connect_core.web import create_app
from connect_core.web.addresses import TrustedProxies

from ..kit.databases import run_shop
from ..kit.web_shops import SHOP, changed, come_back, refused

PROXIES = TrustedProxies(["10.0.0.0/8", "2001:db8:ffff::/48"])


def address_of(*headers: tuple[str, str], peer: str | None = "10.0.0.1", proxies: TrustedProxies = PROXIES) -> str:
    """The address that is counted for a request of `peer`."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    client = (peer, 1) if peer is not None else None
    return proxies.get_address(Request({"type": "http", "headers": raw, "client": client}))


SPELLINGS = {
    "203.0.113.1": "203.0.113.1",
    "203.0.113.1:51234": "203.0.113.1",
    "203.0.113.1:_port": "203.0.113.1",
    "203.0.113.1:": "203.0.113.1",
    "[203.0.113.1]:443": "203.0.113.1",
    " 203.0.113.1 ": "203.0.113.1",
    '"203.0.113.1:51234"': "203.0.113.1",
    "::ffff:203.0.113.1": "203.0.113.1",
    "::FFFF:CB00:7101": "203.0.113.1",
    "[::ffff:203.0.113.1]:443": "203.0.113.1",
    "::ffff:203.0.113.1:51234": "203.0.113.1",
    "64:ff9b::203.0.113.1": "203.0.113.1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "192.0.2.45",
    "2001:db8:0:1::7": "2001:db8:0:1::/64",
    "2001:DB8:0:1:0:0:0:7": "2001:db8:0:1::/64",
    "[2001:db8:0:1::7]": "2001:db8:0:1::/64",
    "[2001:db8:0:1::7]:51234": "2001:db8:0:1::/64",
    '"[2001:db8:0:1::7]:51234"': "2001:db8:0:1::/64",
    "2001:db8:0:1::7:51234": "2001:db8:0:1::/64",
    "2001:db8:0:1:0:0:0:7:443": "2001:db8:0:1::/64",
    "::203.0.113.1": "203.0.113.1",
    "fe80::1%eth0": "fe80::1",
    "[fe80::1%25eth0]:80": "fe80::1",
}


@pytest.mark.parametrize("text", SPELLINGS)
def test_an_address_is_read_however_it_is_spelled(text: str) -> None:
    """Ports, brackets, quotes, zones, case and addresses inside addresses; in both headers."""
    assert address_of(("x-forwarded-for", text)) == SPELLINGS[text]
    quoted = text if text.startswith('"') else f'"{text.strip()}"'
    assert address_of(("forwarded", f"for={quoted}")) == SPELLINGS[text]
    assert address_of(peer=text.strip().strip('"').strip("[]").partition("]")[0]) or text.count(":") == 1


FORWARDED = {
    "for=203.0.113.1": "203.0.113.1",
    "For=203.0.113.1;Proto=https;by=10.0.0.1": "203.0.113.1",
    "proto=https; for = 203.0.113.1 ; host=shop": "203.0.113.1",
    "for=198.51.100.9, for=203.0.113.1": "203.0.113.1",
    "for=203.0.113.1, for=10.1.2.3": "203.0.113.1",
    'for="203.0.113.1:4711", for="[2001:db8:ffff::1]:80"': "203.0.113.1",
    'for="evil, for=203.0.113.1': "203.0.113.1",
    'for="evil, for="[2001:db8:0:1::7]:4711"': "2001:db8:0:1::/64",
    "for=203.0.113.1,": "203.0.113.1",
    'by=10.0.0.9;host="a;for=198.51.100.9";for=203.0.113.1': "203.0.113.1",
    'for=203.0.113.1;host="a, for=198.51.100.9"': "203.0.113.1",
    'x="evil, for=203.0.113.1;host="shop"': "203.0.113.1",
    'for="203.0.113\\.1"': "203.0.113.1",
    "for=_hidden": "~_hidden",
    'for="_hidden:4711"': "~_hidden",
    "for=unknown": "",
    'for="unknown:4711"': "",
    "proto=https": "",
}


@pytest.mark.parametrize("text", FORWARDED)
def test_forwarded_is_read_as_rfc_7239_says(text: str) -> None:
    """Names have no case, values may be quoted, and the nearest hop that is no proxy of ours counts."""
    assert address_of(("forwarded", text)) == FORWARDED[text]


def test_hops_come_from_several_lines() -> None:
    """Two lines of a header are one list."""
    assert address_of(("x-forwarded-for", "198.51.100.9"), ("x-forwarded-for", "203.0.113.1")) == "203.0.113.1"
    assert address_of(("forwarded", "for=198.51.100.9"), ("forwarded", "for=203.0.113.1")) == "203.0.113.1"


def test_empty_elements_of_a_list_are_no_hops() -> None:
    """RFC 9110 §5.6.1: a comma too many adds no hop."""
    for text in ("203.0.113.1,", "203.0.113.1, ,", ",203.0.113.1", "203.0.113.1,,10.1.2.3"):
        assert address_of(("x-forwarded-for", text)) == "203.0.113.1"
    assert address_of(("x-forwarded-for", "203.0.113.1"), ("x-forwarded-for", "")) == "203.0.113.1"


def test_a_quote_left_open_ends_with_its_line() -> None:
    """What a client wrote into a line of its own changes nothing in the proxy's."""
    assert address_of(("forwarded", 'for="198.51.100.9'), ("forwarded", 'for="203.0.113.1";by=x')) == "203.0.113.1"


def test_x_forwarded_for_comes_before_forwarded() -> None:
    """Proxies that write the first let the second through as the client sent it, and the third as well."""
    headers = [("x-real-ip", "198.51.100.8"), ("forwarded", "for=198.51.100.9"), ("x-forwarded-for", "203.0.113.1")]
    assert address_of(*headers) == "203.0.113.1"
    assert address_of(*headers[:2]) == "198.51.100.9"
    assert address_of(headers[0]) == "198.51.100.8"


@pytest.mark.parametrize(
    "text", [" " * 60_000 + '"', 'for="' + "\\" * 60_000, "a=b;" * 15_000 + '"', ",;" * 30_000 + '"']
)
def test_a_long_header_is_read_in_one_go(text: str) -> None:
    """A header of 64 KiB, which a proxy passes on, takes no minutes."""
    began_at = time.process_time()
    address_of(("forwarded", text))
    assert time.process_time() - began_at < 5


@pytest.mark.parametrize("peer", ["198.51.100.7", "::ffff:198.51.100.7"])
def test_a_peer_that_is_no_proxy_is_itself(peer: str) -> None:
    """Whatever it says."""
    for header in ("x-forwarded-for", "forwarded"):
        assert address_of((header, "203.0.113.1"), peer=peer) == "198.51.100.7"
    assert address_of(("x-forwarded-for", "203.0.113.1"), peer="10.0.0.1", proxies=TrustedProxies([])) == "10.0.0.1"


def test_a_proxy_on_a_dual_stack_socket_is_trusted() -> None:
    """Its address comes inside an IPv6 one."""
    assert address_of(("x-forwarded-for", "203.0.113.1"), peer="::ffff:10.0.0.1") == "203.0.113.1"


@pytest.mark.parametrize("proxy", ["::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "::FFFF:A00:1", "10.0.0.1/32"])
def test_a_proxy_may_be_named_as_a_dual_stack_socket_spells_it(proxy: str) -> None:
    """As the log of another server shows its address; both spellings are one network."""
    for peer in ("10.0.0.1", "::ffff:10.0.0.1"):
        header = ("x-forwarded-for", "203.0.113.1")
        assert address_of(header, peer=peer, proxies=TrustedProxies([proxy])) == "203.0.113.1"


@pytest.mark.parametrize("peer", [None, "", "unix:", "unix:/run/shop.sock"])
def test_a_proxy_on_a_unix_socket_has_no_address(peer: str | None) -> None:
    """Whoever reaches the socket is on this machine: with trusted proxies it is one of them."""
    assert address_of(("x-forwarded-for", "203.0.113.1"), peer=peer) == "203.0.113.1"
    assert address_of(("x-forwarded-for", "203.0.113.1"), peer=peer, proxies=TrustedProxies([])) == ""


NAMELESS = [
    *("unknown", "UNKNOWN", "unknown:443", "[unknown]", "-", "-:-", "", ":443", "[]:443"),
    *("(null)", "<nil>", "undefined", "N/A", "localhost", "shop.example", "0.0.0.0", "0.0.0.0:0", "::", "[::]:0"),
]


def test_who_is_not_known_is_not_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Everybody would be one; the operator reads that the limit does not hold."""
    proxies = TrustedProxies(["10.0.0.0/8"])
    with caplog.at_level(logging.WARNING, "connect_login"):
        for text in NAMELESS:
            assert address_of(("x-forwarded-for", text), proxies=proxies) == ""
    assert [record.message for record in caplog.records] == ["client_address_unknown"]


def test_names_without_an_address_are_told_apart() -> None:
    """Names made up for one client each, and addresses made illegible, with or without a port behind them."""
    names = ["_a", "_B", "c4f1", "sha256:ab", "203.0.113.x", "999.0.0.1"]
    assert [address_of(("x-forwarded-for", name)) for name in names] == [f"~{name}" for name in names]
    assert address_of(("x-forwarded-for", "_a:4711")) == address_of(("x-forwarded-for", "_a:4712"))


def test_failures_are_counted_apart() -> None:
    """Many people behind one address log in; one who guesses from there is stopped much earlier."""

    def change(raw: dict[str, object]) -> None:
        raw["limits"] = {"per_address": "1000/hour", "failures_per_address": "3/hour"}

    with run_shop(change=change) as shop, Visitor(shop) as visitor:
        for _ in range(4):
            assert visitor.http.get(come_back(visitor)).status_code == 303
            visitor.http.get(visitor.consent(visitor.begin("wechat", "pc"), decision="refuse"))
        callback = come_back(visitor)
        for _ in range(3):
            refused(visitor.http.get(changed(callback, state="0" * 32)), 400, "state_invalid")
        limited = visitor.http.get(callback)
        refused(limited, 429, "rate_limited")
        assert int(limited.headers["retry-after"]) > 0


@pytest.mark.parametrize(("per_address", "counted"), [("off", False), ("1000/hour", True)])
async def test_failures_have_a_limit_of_their_own(per_address: str, *, counted: bool) -> None:
    """60 a minute unless the shop says otherwise; off where no address is counted."""
    settings = make_settings(SHOP, Path(":memory:"), limits={"per_address": per_address})
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SHOP) as client:
        context = app.state.context
        for _ in range(60):
            await context.failure_limiter.note("127.0.0.1")
        answer = await client.get("/connect/acme/pc/login")
    await app.state.manager.aclose()
    assert answer.status_code == (429 if counted else 404)
