"""What a proxy before the service does to requests and answers, as seen from both ends."""

import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

from connect_core.doctor.kinds import Kind
from connect_core.doctor.reaching import FORGED_ADDRESS, Asker, InstanceReply
from connect_core.findings import Finding, Level
from connect_core.settings import Service

SUBJECT = "public address"
CACHED = Kind(
    "proxy_caches",
    Level.BROKEN,
    SUBJECT,
    "A proxy or CDN answers from its cache, though the service forbids it: people can get each other's pages.",
    "Switch caching off for the paths of connect-login.",
)
STRIPPED = Kind(
    "proxy_strips_headers",
    Level.BROKEN,
    SUBJECT,
    "A proxy removes headers that logins need: cookies, `Authorization`, or the service's security headers.",
    "Let the proxy pass these headers on in both directions.",
)
COOKIES_CHANGED = Kind(
    "proxy_changes_cookies",
    Level.BROKEN,
    SUBJECT,
    "A proxy changes the cookies that the service sets, or drops them: browsers then refuse or leak them.",
    "Remove rules that rewrite cookies, such as proxy_cookie_path and proxy_cookie_flags of nginx.",
)
UNTRUSTED = Kind(
    "proxy_not_trusted",
    Level.WARNING,
    SUBJECT,
    "Requests come through a proxy that `trusted_proxies` does not name: limits count all visitors as one address.",
    "Add the proxy's address to trusted_proxies.",
)
HIDES_CLIENT = Kind(
    "proxy_hides_client",
    Level.WARNING,
    SUBJECT,
    "The proxy does not say whose request it passes on: limits count all visitors as one address.",
    "Let the proxy send X-Forwarded-For, and name it in trusted_proxies.",
)
FORGED = Kind(
    "client_address_forged",
    Level.WARNING,
    SUBJECT,
    "Clients can choose the address that limits count them by.",
    "Let the proxy append to X-Forwarded-For instead of passing it on, and name proxies alone in trusted_proxies.",
)
PLAIN_HTTP = Kind(
    "plain_http_answered",
    Level.WARNING,
    SUBJECT,
    "The service also answers over plain http, where anybody on the way reads and changes pages.",
    "Let the proxy redirect http to https.",
)
NO_HSTS = Kind(
    "hsts_missing",
    Level.OK,
    SUBJECT,
    "Browsers are not told to come by https alone.",
    'Send Strict-Transport-Security: "max-age=31536000" from the proxy once all of the host is on https.',
)


def check_reply(service: Service, reply: InstanceReply) -> Iterator[Finding]:
    """Compare what arrived on either side with what was sent on the other."""
    content, arrived = reply.content, reply.request
    if missing := ", ".join(_find_stripped(reply)):
        yield STRIPPED.report(f"these headers do not arrive: {missing}")
    if content.get("cookie") not in reply.cookies:
        yield COOKIES_CHANGED.report("the cookie that the service set arrives changed, or not at all")
    if arrived.get("is_forwarded") and not arrived.get("is_peer_trusted"):
        yield UNTRUSTED.report(f"requests come from the proxy {arrived.get('peer')}, which is not trusted")
    if service.public_url.startswith("https:"):
        if not arrived.get("is_forwarded"):
            yield HIDES_CLIENT.report("requests arrive without X-Forwarded-For, Forwarded and X-Real-IP")
        if "strict-transport-security" not in reply.headers:
            yield NO_HSTS.report("answers have no Strict-Transport-Security")


def _find_stripped(reply: InstanceReply) -> Iterator[str]:
    arrived, headers = reply.request, reply.headers
    checks: dict[str, Any] = {
        "Cookie": arrived.get("has_cookie"),
        "Authorization": arrived.get("has_authorization"),
        "Cache-Control": "no-store" in headers.get("cache-control", ""),
        "Referrer-Policy": "referrer-policy" in headers,
        "Content-Security-Policy": "content-security-policy" in headers,
    }
    return (name for name, arrives in checks.items() if not arrives)


async def check_further(service: Service, asker: Asker, reply: InstanceReply) -> AsyncIterator[Finding]:
    """Ask again: the same question, one with a forged address, and over plain http."""
    base = reply.base
    nonce = secrets.token_hex(16)
    answers = [(await asker.ask(base, nonce=nonce)).content.get("answer") for _ in range(2)]
    if answers[0] is not None and answers[0] == answers[1]:
        yield CACHED.report(f"{base} gives the same answer twice")
    forged = await asker.ask(base, forwarded_for=FORGED_ADDRESS)
    if forged.request.get("client") == FORGED_ADDRESS:
        yield FORGED.report("an address that a client wrote into X-Forwarded-For is believed")
    parts = urlsplit(service.public_url)
    if parts.scheme == "https" and not parts.port:
        plain = await asker.ask(base.replace("https:", "http:", 1))
        if plain.is_ours:
            yield PLAIN_HTTP.report(f"http://{parts.netloc} answers like https://{parts.netloc}")
