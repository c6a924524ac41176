"""Whether the addresses in `[service]` let in more than they should, and whether they suit a shop in production."""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from connect_core.doctor.kinds import Kind
from connect_core.findings import Finding, Level
from connect_core.settings import Service

SUBJECT = "addresses"
FIT = Kind("addresses", Level.OK, SUBJECT, "The addresses in `[service]` let in nobody else.")
LOOPBACK = Kind(
    "public_url_loopback",
    Level.WARNING,
    SUBJECT,
    "`public_url` is plain http on this machine: for trying out. Cookies have neither `Secure` nor `__Host-`, vendors "
    "do not accept the callback, and Apple's POST brings no cookie along.",
    "In production write the shop's https origin into public_url.",
)
IP_ADDRESS = Kind(
    "public_url_ip_address",
    Level.WARNING,
    SUBJECT,
    "`public_url` has an IP address for a host: most vendors do not accept its callback, nor do in-app browsers.",
    "Give the service a host name.",
)
RETURN_TOO_WIDE = Kind(
    "return_address_too_wide",
    Level.WARNING,
    SUBJECT,
    "`redirect_allow` or `cors_origins` has a host where anybody gets a page: a link can lead a login to a stranger.",
    "Allow your own host alone, or add the path of your pages.",
)
RETURN_SHARED = Kind(
    "return_address_shared_domain",
    Level.OK,
    SUBJECT,
    "`redirect_allow` or `cors_origins` has a name below a hosting company's domain: whoever gets that name after you "
    "gets logins.",
    "Use a domain of your own, or remove the address when you give up the name.",
)
RETURN_PLAIN = Kind(
    "return_address_plain_http",
    Level.WARNING,
    SUBJECT,
    "`redirect_allow` or `cors_origins` of a public service has plain http on this machine, as for development.",
    "Remove the address.",
)
PROXIES_TOO_WIDE = Kind(
    "trusted_proxies_too_wide",
    Level.WARNING,
    SUBJECT,
    "`trusted_proxies` has so large a network that everybody chooses the address by which limits count them.",
    "Name the proxies' own addresses.",
)
COOKIES_READABLE = Kind(
    "token_cookies_readable",
    Level.OK,
    SUBJECT,
    "`readable_token_cookies` lets every script on the shop's pages read the tokens of a login.",
    "Set it to false once no front end reads these cookies.",
)
SHARED_DOMAINS = frozenset(
    (
        "aliyuncs.com",
        "amplifyapp.com",
        "azurewebsites.net",
        "bcebos.com",
        "blogspot.com",
        "cloudfront.net",
        "firebaseapp.com",
        "fly.dev",
        "gitee.io",
        "github.io",
        "gitlab.io",
        "glitch.me",
        "herokuapp.com",
        "hf.space",
        "loca.lt",
        "myqcloud.com",
        "myshopify.com",
        "netlify.app",
        "ngrok-free.app",
        "ngrok.io",
        "onrender.com",
        "pages.dev",
        "repl.co",
        "replit.app",
        "run.app",
        "s3.amazonaws.com",
        "surge.sh",
        "tcloudbaseapp.com",
        "trycloudflare.com",
        "vercel.app",
        "web.app",
        "wixsite.com",
        "wordpress.com",
        "workers.dev",
        "youzan.com",
    )
)
"""Domains below which a hosting company gives out names."""
SHARED_HOSTS = frozenset(
    (
        "bitbucket.org",
        "drive.google.com",
        "facebook.com",
        "gitee.com",
        "github.com",
        "gitlab.com",
        "jd.com",
        "linktr.ee",
        "medium.com",
        "notion.site",
        "pinduoduo.com",
        "s3.amazonaws.com",
        "sites.google.com",
        "storage.googleapis.com",
        "taobao.com",
        "tmall.com",
        "weidian.com",
        "yangkeduo.com",
    )
)
"""Hosts on which anybody gets a page below a path."""
PUBLIC_SUFFIXES = frozenset(
    (
        "co.in",
        "co.jp",
        "co.kr",
        "co.uk",
        "com.au",
        "com.br",
        "com.cn",
        "com.hk",
        "com.mx",
        "com.sg",
        "com.tr",
        "com.tw",
        "edu.cn",
        "gov.cn",
        "net.cn",
        "org.cn",
        "org.uk",
    )
)
"""Domains of a registry, below which everybody has a domain."""
_WIDEST = {4: 8, 6: 19}
"""Prefix lengths of the largest networks that proxies are in: 10.0.0.0/8, and a large CDN's of IPv6."""


def check_addresses(service: Service) -> list[Finding]:
    """Look at the addresses."""
    findings = [*_check_public_url(service), *_check_returns(service), *_check_proxies(service)]
    if service.readable_token_cookies:
        findings.append(COOKIES_READABLE.report("service.readable_token_cookies is true"))
    if all(finding.level is Level.OK for finding in findings):
        findings.insert(0, FIT.report(f"public_url is {service.public_url}"))
    return findings


def _check_public_url(service: Service) -> Iterator[Finding]:
    if service.is_plain_loopback:
        yield LOOPBACK.report(f"service.public_url is {service.public_url}")
    elif _is_ip_address(urlsplit(service.public_url).hostname or ""):
        yield IP_ADDRESS.report(f"service.public_url is {service.public_url}")


def _check_returns(service: Service) -> Iterator[Finding]:
    for name in ("redirect_allow", "cors_origins"):
        for place, address in enumerate(getattr(service, name)):
            if kind := _judge(address, service):
                parts = urlsplit(address)
                yield kind.report(f"service.{name}.{place} is {parts.scheme}://{parts.netloc}{parts.path}")


def _judge(address: str, service: Service) -> Kind | None:
    parts = urlsplit(address)
    host = (parts.hostname or "").removeprefix("www.")
    if parts.scheme == "http" and not service.is_plain_loopback:
        return RETURN_PLAIN
    is_suffix = host in PUBLIC_SUFFIXES or (host.isalpha() and host != "localhost")
    if host in SHARED_DOMAINS or is_suffix or (host in SHARED_HOSTS and parts.path in ("", "/")):
        return RETURN_TOO_WIDE
    is_below = any(host.endswith(f".{domain}") for domain in SHARED_DOMAINS)
    return RETURN_SHARED if is_below else None


def _check_proxies(service: Service) -> Iterator[Finding]:
    for place, text in enumerate(service.trusted_proxies):
        network = ipaddress.ip_network(text)
        if network.prefixlen < _WIDEST[network.version]:
            yield PROXIES_TOO_WIDE.report(f"service.trusted_proxies.{place} is {text}")


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
