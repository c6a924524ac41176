"""The way to a vendor: DNS, connections, TLS, time, clocks, and answers that nobody expects."""

import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from connect_core.findings import Level
from connect_core.http import HttpPool

from ..kit.configured_providers import bad, check, find, ids
from ..kit.peers import always, never, peer, whole
from ..kit.ports import free_port
from ..kit.self_signed import make_tls

REFUSED = b'{"error":"invalid_grant"}'
HOUR = 3600


def settings(url: str) -> dict[str, Any]:
    """Return a registration with an OAuth vendor at `url`."""
    return {
        "client_id": "c-1",
        "client_secret": "s3cr3t-of-the-client",
        "authorize_url": f"{url}/authorize",
        "token_url": f"{url}/token",
        "userinfo_url": f"{url}/me",
    }


def dated(seconds: float) -> bytes:
    """Return the refusal of a code by a vendor whose clock is so far before ours."""
    return whole(REFUSED, b"Date: %s\r\n" % formatdate(time.time() + seconds, usegmt=True).encode())


async def check_at(url: str, **options: Any) -> Any:
    """Return the findings of the vendor at `url`."""
    return await check("oauth2", "pc", settings(url), **options)


async def test_a_name_that_does_not_resolve() -> None:
    """A host name that DNS does not know is named, and how a proxy is set."""
    findings = await check_at("https://no-such-vendor.invalid")
    finding = find(findings, "vendor_name_not_resolved")
    assert bad(findings) == ["vendor_name_not_resolved"]
    assert "no-such-vendor.invalid" in finding.text
    assert "service.outbound_proxy" in finding.remedy


async def test_nobody_listens() -> None:
    """A closed port is no answer of the vendor."""
    port = free_port()
    assert bad(await check_at(f"http://127.0.0.1:{port}")) == ["vendor_unreachable"]


async def test_a_proxy_that_lets_nobody_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that refuses the connection keeps us from the vendor; nothing is wrong with the app."""
    with peer(always(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        findings = await check_at("https://vendor.invalid", pool=HttpPool(outbound_proxy=True))
    assert proxy.requests
    assert bad(findings) == ["vendor_unreachable"]


async def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    """A self-signed certificate of the vendor's server is told, and nothing is sent to it."""
    with peer(always(whole(REFUSED)), make_tls(tmp_path)) as vendor:
        findings = await check_at(vendor.url)
    assert bad(findings) == ["vendor_tls_untrusted"]
    assert not vendor.requests


async def test_a_vendor_that_hangs() -> None:
    """A vendor that never answers ends the check within the deadline of a call."""
    with peer(never) as vendor:
        began_at = time.monotonic()
        findings = await check_at(vendor.url, pool=HttpPool(deadline=0.3))
    assert bad(findings) == ["vendor_too_slow"]
    assert time.monotonic() - began_at < 5


async def test_an_overloaded_vendor() -> None:
    """HTTP 503 says nothing of the app; it is a warning, and no other finding."""
    with peer(always(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as vendor:
        findings = await check_at(vendor.url)
    assert bad(findings) == ["vendor_busy"]
    assert find(findings, "vendor_busy").level is Level.WARNING


@pytest.mark.parametrize(
    "answer", [b"<html>welcome</html>", b'{"error":"no_such_word"}', b'{"error":"access_denied"}', b"{}", b""]
)
async def test_an_answer_that_is_none(answer: bytes) -> None:
    """What is neither a refusal of the code nor of the app is a warning that quotes the vendor's word alone."""
    with peer(always(whole(answer))) as vendor:
        findings = await check_at(vendor.url)
    finding = find(findings, "vendor_answer_unexpected")
    assert finding.level is Level.WARNING
    assert "welcome" not in finding.text


async def test_a_vendor_that_takes_any_code() -> None:
    """A made-up code that logs somebody in is the worst finding: anybody could log in."""
    with peer(always(whole(b'{"access_token":"t-1","sub":"person-1"}'))) as vendor:
        assert bad(await check_at(vendor.url)) == ["made_up_code_accepted"]


async def test_a_vendor_that_repeats_everything() -> None:
    """Neither the secret nor the made-up code stands in a finding, whatever the vendor answers."""
    echo = b'{"error":"invalid_client","error_description":"%s"}' % settings("")["client_secret"].encode()
    word = b'{"error":"%s"}' % settings("")["client_secret"].encode()
    for answer in (echo, word):
        with peer(always(whole(answer))) as vendor:
            findings = await check_at(vendor.url)
        texts = " ".join(f"{finding.text} {finding.remedy}" for finding in findings)
        assert bad(findings)
        assert "s3cr3t" not in texts
        assert "connect-login-doctor-" not in texts
        assert "?" not in texts


@pytest.mark.parametrize(
    ("seconds", "finding_id", "side"),
    [
        (0, "clock_agrees", ""),
        (50, "clock_agrees", ""),
        (HOUR, "clock_differs", "behind"),
        (-HOUR, "clock_differs", "ahead"),
    ],
)
async def test_a_clock_that_is_wrong(seconds: int, finding_id: str, side: str) -> None:
    """The `Date` of the vendor's answer is compared with this machine's clock, in both directions."""
    with peer(always(dated(seconds))) as vendor:
        findings = await check_at(vendor.url)
    finding = find(findings, finding_id)
    assert side in finding.text
    assert finding.level is (Level.WARNING if side else Level.OK)
    assert "credentials_accepted" in ids(findings)


async def test_a_clock_that_breaks_signatures() -> None:
    """A vendor that refuses a wrong time makes five minutes' difference `broken`; two minutes are a warning."""
    body = b'{"resp":"01","msg":"no"}'
    for seconds, level in ((120, Level.WARNING), (HOUR, Level.BROKEN)):
        date = formatdate(time.time() + seconds, usegmt=True).encode()
        with peer(always(whole(body, b"Date: %s\r\n" % date))) as vendor:
            raw = {"client_id": "c-1", "client_secret": "s", "app_token_url": f"{vendor.url}/backend"}
            findings = await check("unionpay", "h5", raw)
        assert find(findings, "clock_differs").level is level


async def test_a_vendor_without_a_date_says_nothing_of_the_clock() -> None:
    """An answer without `Date`, or from a cache, tells no time."""
    cached = b"Date: %s\r\nAge: 90000\r\n" % formatdate(time.time() - 25 * HOUR, usegmt=True).encode()
    for header in (b"", b"Date: yesterday\r\n", b"Date: \r\n", cached):
        with peer(always(whole(REFUSED, header))) as vendor:
            findings = await check_at(vendor.url)
        assert not {"clock_agrees", "clock_differs"} & set(ids(findings))


@pytest.mark.parametrize("word", ["redirect_uri_mismatch", "invalid_redirect_uri"])
async def test_a_callback_address_that_is_not_registered(word: str) -> None:
    """The vendor's word for another callback address is told apart from a wrong secret."""
    refusal = b'{"error":"%s"}' % word.encode()
    with peer(always(whole(refusal))) as vendor:
        raw = settings(vendor.url) | {"quirks": {"errors": {"provider_config": [word]}}}
        findings = await check("oauth2", "pc", raw)
    assert bad(findings) == ["redirect_uri_refused"]


async def test_a_callback_address_by_its_number() -> None:
    """A vendor that has numbers for its errors names the one for the callback address."""
    with peer(always(whole(b'{"error":100010}'))) as vendor:
        raw = settings(vendor.url) | {"id_url": f"{vendor.url}/id"}
        assert bad(await check("qq", "pc", raw)) == ["redirect_uri_refused"]
