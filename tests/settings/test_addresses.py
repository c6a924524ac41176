"""Addresses in the configuration: https, or plain http that truly stays on this machine."""

import pytest

from connect_core.errors import RedirectNotAllowed, SettingsError
from connect_core.login.return_targets import Targets
from connect_core.settings import Endpoint, ProviderSettings, check_provider_settings, is_loopback, parse_settings

from ..kit.configurations import mistakes, raw


class Acme(ProviderSettings):
    """A plugin's settings."""

    gateway_url: Endpoint


HTTP_TRICKS = [
    "http://shop.example",
    "http://localhost:80@evil.example",
    "http://127.0.0.1@evil.example/",
    "http://localhost\\@evil.example",
    "http://127.0.0.1.evil.example",
    "http://localhost.evil.example",
    "http://[::ffff:127.0.0.1]",
    "http://[::ffff:7f00:1]",
    "http://0.0.0.0",
    "http://169.254.169.254",
    "http://10.0.0.1",
    "http://2130706433",
    "http://127.1",
    "http://\u2460localhost",
    "http://localhos\u212a",
]
NO_ADDRESS = [
    "",
    "shop.example",
    "//shop.example",
    "/path",
    "ftp://shop.example",
    "javascript:alert(1)",
    "https://",
    "https:///path",
    "https:shop.example",
    "https://user@shop.example",
    "https://:pass@shop.example",
    "https://@shop.example",
    "https://shop.example#part",
    "https://shop.example\\@evil.example",
    "https://shop.example/\n",
    "https://shop\t.example",
    "https://shop.example/a b",
    " https://shop.example",
    "https://shop.example:0",
    "https://shop.example:port",
    "https://[::1",
    "https://[localhost]",
]


@pytest.mark.parametrize("url", [*HTTP_TRICKS, *NO_ADDRESS])
def test_an_address_is_https_or_truly_loopback(url: str) -> None:
    """What only looks like this machine, or like an address, is refused wherever an address is configured."""
    with pytest.raises(SettingsError, match=r"providers\.acme\.gateway_url"):
        check_provider_settings(Acme, {"gateway_url": url}, "providers.acme")
    assert mistakes(service={"public_url": url})[0].startswith("service.public_url: ")
    assert mistakes(service={"redirect_allow": [url]})[0].startswith("service.redirect_allow.0: ")


@pytest.mark.parametrize(
    "url",
    [
        "https://openapi.alipay.com/gateway.do",
        "https://login.example/{tenant}/v2.0?x=a%20b&y=@me",
        "https://api.acme.example:8443/",
        "https://[2001:db8::1]:8443/a",
        "https://xn--fiqs8s.example/a",
        "http://localhost:9000/gateway",
        "http://LOCALHOST/gateway",
        "http://127.0.0.1:1/a",
        "http://127.8.9.10/a",
        "http://[::1]:9000/a",
    ],
)
def test_an_address_is_kept_as_given(url: str) -> None:
    """Vendors' addresses and loopback sandboxes are taken byte for byte, but for the slash behind a bare origin."""
    settings = check_provider_settings(Acme, {"gateway_url": url}, "providers.acme")
    assert isinstance(settings, Acme)
    assert settings.gateway_url == (url.removesuffix("/") if url.count("/") == 3 and url.endswith("/") else url)


def test_loopback_is_decided_by_the_host_alone() -> None:
    """Names that resolve to this machine are not resolved."""
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.255.0.1", "::1"))
    assert not any(is_loopback(host) for host in (None, "", "localhost.", "ip6-localhost", "::", "::ffff:127.0.0.1"))


SPELLINGS = {
    "HTTPS://Shop.Example:443/": "https://shop.example",
    "https://shop.example:8443": "https://shop.example:8443",
    "http://LOCALHOST:80": "http://localhost",
    "http://[0:0::1]:9000": "http://[::1]:9000",
    "https://商城.example": "https://xn--czru2d.example",
    "https://MÜNCHEN.example:443": "https://xn--mnchen-3ya.example",
    "https://xn--czru2d.example": "https://xn--czru2d.example",
}


@pytest.mark.parametrize("url", SPELLINGS)
def test_an_origin_is_spelled_as_browsers_do(url: str) -> None:
    """Case, default ports and IDNA do not make another origin; a path keeps its case."""
    service = {"public_url": url, "cors_origins": [url], "redirect_allow": [f"{url.rstrip('/')}/App"]}
    parsed = parse_settings(raw(service=service)).service
    assert [parsed.public_url, *parsed.cors_origins] == [SPELLINGS[url]] * 2
    assert parsed.redirect_allow == [f"{SPELLINGS[url]}/App"]


@pytest.mark.parametrize(
    "host",
    ["faß.example", "shop\u3002example", "\uff53hop.example", "a..b\u5546", "shop\uff0fevil.example", "\u5546" * 64],
)
def test_a_name_that_browsers_read_otherwise_is_refused(host: str) -> None:
    """What Python's codec would make of it is another host, or none."""
    assert mistakes(service={"public_url": f"https://{host}"})[0].startswith("service.public_url: ")


@pytest.mark.parametrize("url", ["https://shop.example/shop", "https://shop.example/?a"])
def test_an_origin_is_an_origin(url: str) -> None:
    """What is compared with a browser's Origin has no path."""
    text = "give the origin alone, without a path"
    hint = "a path before ours is service.root_path"
    assert mistakes(service={"public_url": url}) == [f"service.public_url: {text}; {hint}"]
    assert mistakes(service={"cors_origins": [url]}) == [f"service.cors_origins.0: {text}"]


def test_a_slash_behind_an_origin_is_no_path() -> None:
    """`https://shop.example/` is what people copy; it means the origin."""
    service = parse_settings(
        raw(service={"public_url": "http://127.0.0.1:8000/", "cors_origins": ["https://m.example/"]})
    )
    assert service.service.public_url == "http://127.0.0.1:8000"
    assert service.service.is_plain_loopback
    assert service.service.cors_origins == ["https://m.example"]


PLAIN = "give the path as it is in a browser's address bar, such as https://shop.example/app: without the segments"
UNMATCHED = {
    "/a/../b": PLAIN,
    "/a/..": PLAIN,
    "/../": PLAIN,
    "/.": PLAIN,
    "/a/./b": PLAIN,
    "//": PLAIN,
    "//a": PLAIN,
    "/a//": PLAIN,
    "/a//b": PLAIN,
    "/a/%2e%2E/b": PLAIN,
    "/a/.%2e": PLAIN,
    "/%2e": PLAIN,
    "/a%2fb": PLAIN,
    "/a%5Cb": PLAIN,
    "/a/..;x/b": PLAIN,
    "/a/;x/b": PLAIN,
    "/{shop}/": "give the path as browsers send it, with %7B for {",
    '/a"b': 'give the path as browsers send it, with %22 for "',
    "/<a>": "give the path as browsers send it, with %3C for <",
    "/a|b": "give the path as browsers send it, with %7C for |",
}


@pytest.mark.parametrize("path", UNMATCHED)
def test_a_path_below_which_no_login_can_return_is_refused(path: str) -> None:
    """Nobody is sent back to such an address however it is spelled, so the entry would allow nothing."""
    url = f"https://m.example{path}"
    (mistake,) = mistakes(service={"redirect_allow": [url]})
    assert mistake.startswith(f"service.redirect_allow.0: {UNMATCHED[path]}")
    targets = Targets("https://shop.example", [url])
    for target in (url, f"{url}/x", f"{url}x", f"{url}?x=1"):
        with pytest.raises(RedirectNotAllowed):
            targets.check(target)


@pytest.mark.parametrize("path", ["/*", "/a/*", "/a*", "/**/a", "?x=1", "/a?x=1", "/a?*"])
def test_a_pattern_or_a_query_in_an_allowed_address_is_refused(path: str) -> None:
    """There are no patterns, and a query is not compared: the entry would not allow what it says."""
    (mistake,) = mistakes(service={"redirect_allow": [f"https://m.example{path}"]})
    advice = "leave out * and ?: everything below the path is allowed, with any query"
    assert mistake == f"service.redirect_allow.0: {advice}"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/app",
        "/app/",
        "/.well-known/app",
        "/a..b/...",
        "/~user/a,b;c=1/@x!$&'()+:=",
        "/caf%C3%A9/%7Euser/%20",
        "/caf%c3%a9",
        "/a/;x",
        "/a%2Ephp",
    ],
)
def test_a_path_below_which_a_login_can_return_is_taken(path: str) -> None:
    """As it is given, and logins return there."""
    url = f"https://m.example{path}"
    (allowed,) = parse_settings(raw(service={"redirect_allow": [url]})).service.redirect_allow
    assert allowed == url.removesuffix("/") if path == "/" else allowed == url
    assert Targets("https://shop.example", [allowed]).check(url) == url


@pytest.mark.parametrize("prefix", ["//shop", "//evil.example", "//a/b"])
def test_a_prefix_is_no_other_host(prefix: str) -> None:
    """A link `//shop/login` leads to the host `shop`."""
    assert mistakes(service={"prefix": prefix.replace(".", "-")})[0].startswith("service.prefix: ")


@pytest.mark.parametrize("prefix", ["/c", "/connect", "/a/b", "/_", "/a-b_c/0"])
def test_a_prefix_is_a_path(prefix: str) -> None:
    """With as many segments as the shop likes."""
    assert parse_settings(raw(service={"prefix": prefix})).service.prefix == prefix


@pytest.mark.parametrize(
    "url",
    ["https://[::1/terms", "https://shop.example:port/", "https://shop.example:99999", "https://:80/", "http://a:0"],
)
@pytest.mark.parametrize("key", ["terms_url", "privacy_url"])
def test_a_link_of_a_page_leads_somewhere(url: str, key: str) -> None:
    """A browser would not open it."""
    assert mistakes(pages={key: url})[0].startswith(f"pages.{key}: give a path such as /terms")


@pytest.mark.parametrize("url", ["http://shop.example:80/t", "https://[::1]:8443", "https://faß.example/t", "/t/../u"])
def test_a_link_that_browsers_open_is_taken(url: str) -> None:
    """Spelled as the shop likes."""
    assert parse_settings(raw(pages={"terms_url": url})).pages.terms_url == url
