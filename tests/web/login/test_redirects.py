"""Redirects: a login returns where the shop allows and nowhere else, and carries nothing worth stealing there."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import pytest

from connect_core.errors import SettingsError
from connect_core.harness import RunningShop, Visitor, make_settings, query_of
from connect_core.plugin import AuthorizationResponse, Identity
from connect_core.web import responses

from ...kit.databases import run_shop
from ...kit.web_shops import (
    HEADERS,
    SHOP,
    HttpsVisitor,
    acme_back,
    acme_shop,
    behind_tls,
    changed,
    check_headers,
    come_back,
    count_code_calls,
    flow_cookies,
    legacy_refused,
    person,
    query,
    refused,
    set_cookies,
    untouched,
)

APP = "https://m.shop.example/app"
ALIPAY_APP = {"user-agent": "Mozilla/5.0 AlipayClient/10.5"}


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop that lets logins return to its mobile front end below one path, and to one port of another host."""

    def change(raw: dict[str, object]) -> None:
        raw["service"] = {"redirect_allow": [APP, "https://pay.example:8443/"]}

    with run_shop(change=change) as running_shop:
        yield running_shop


BAD_TARGETS = [
    # another site
    "https://evil.example",
    "https://evil.example/app",
    # what a browser may read as another site, or as no site at all
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "http:evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "/%2f%2fevil.example",
    "%2f%2fevil.example",
    "/app/..%2f..//evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "alipays://platformapi/startapp",
    "https://m.shop.example@evil.example/app",
    "https://evil.example#@m.shop.example/app",
    "https://evil.example\\@m.shop.example/app",
    "https://user@m.shop.example/app",
    "https://m.shop.example./app",
    "https://[::ffff:127.0.0.1]/",
    "https://[::1",
    "https://m.shop.example:port/app",
    " https://m.shop.example/app",
    "https://m.shop.exam ple/app",
    "https://\u212dm.shop.example/app",
    "https://m。shop。example/app",
    "evil.example",
    "app",
    "../app",
    # another scheme, port or host
    "http://m.shop.example/app",
    "https://m.shop.example:8443/app",
    "https://m.shop.example.evil.example/app",
    "https://evilm.shop.example/app",
    "https://evil-m.shop.example/app",
    "https://shop.example/app",
    "https://a.m.shop.example/app",
    "https://pay.example/",
    "https://pay.example:8444/",
    # another path of the same site
    "https://m.shop.example/",
    "https://m.shop.example/apple",
    "https://m.shop.example/APP",
    "https://m.shop.example/app/../admin",
    "https://m.shop.example/app/%2e%2e/admin",
    "https://m.shop.example/app/..;/admin",
    "https://m.shop.example/app/%2E%2E;x/admin",
    "https://m.shop.example/app//evil.example",
    "https://m.shop.example/app/%2f..%2fadmin",
    "https://m.shop.example/app/%5c..%5cadmin",
    "https://m.shop.example/" + "app/" * 300,
    "/" + "中" * 200,
]
ALLOWED = [
    "/",
    "/orders?page=2#top",
    "?page=2",
    "/中文",
    APP,
    f"{APP}/",
    f"{APP}/#/done?x=1",
    "https://pay.example:8443/x",
]


@pytest.mark.parametrize("target", BAD_TARGETS)
def test_bad_targets_are_refused_at_start(shop: RunningShop, visitor: Visitor, target: str) -> None:
    """Whatever is not exactly below the allow-list is refused before a flow exists, at every door."""
    spent = shop.rows("es_connect_used_flow")
    with untouched(shop):
        refusals = [
            visitor.http.get("/connect/alipay/pc/login", params={"return_to": target}),
            visitor.http.get("/connect/alipay/h5/login", params={"redirect_uri": target}),
            visitor.http.post("/connect/alipay/pc/login-url", json={"return_to": target}),
            visitor.http.post("/connect/wechat/pc/login-url", json={"redirect_uri": target}),
            visitor.http.get("/connect/login", params={"return_to": target}),
        ]
        for answer in refusals:
            refused(answer, 400, "redirect_not_allowed")
        seeds = [
            visitor.http.get("/buyer/connect/alipay/pc/login", params={"return_to": target}),
            visitor.http.get(
                "/buyer/connect/alipay/h5/getLoginUrl", params={"redirectUri": target}, headers=ALIPAY_APP
            ),
        ]
        for answer in seeds:
            legacy_refused(answer, 400, "E131")
    assert flow_cookies(visitor) == {}
    assert shop.rows("es_connect_used_flow") == spent


@pytest.mark.parametrize("target", ALLOWED)
def test_allowed_targets_are_reached(shop: RunningShop, visitor: Visitor, target: str) -> None:
    """The allow-list is no wall: a login lands exactly where it was told to."""
    location = visitor.http.get(come_back(visitor, return_to=target)).headers["location"]
    assert location.isascii()
    assert unquote(location) in (target, shop.url + target)


def test_target_comes_from_the_flow_alone(shop: RunningShop, visitor: Visitor) -> None:
    """A target that is added to the callback is nothing to us."""
    callback = come_back(visitor, return_to="/orders")
    evil = dict.fromkeys(["return_to", "redirect_uri", "redirectUri", "next", "forward"], "https://evil.example/")
    assert visitor.http.get(changed(callback, **evil)).headers["location"] == f"{shop.url}/orders"


def test_callback_address_is_the_configured_one() -> None:
    """The vendor is told the public address, whatever Host says; the exchange gets the very same one."""
    exchanged = []

    async def answer(response: AuthorizationResponse) -> Identity:
        exchanged.append(response.redirect_uri)
        return person("lihua")

    with acme_shop(answer) as running_shop, Visitor(running_shop) as visitor:
        spoofed = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "gopher"}
        begun = visitor.http.get("/connect/acme/pc/login", headers=spoofed)
        told = query(begun.headers["location"])["redirect_uri"]
        assert visitor.http.get(acme_back(visitor, "code")).status_code == 303
        assert told == f"{running_shop.url}/connect/acme/pc/callback"
        assert exchanged == [told]


def test_wake_up_link_leads_to_the_configured_address(shop: RunningShop, visitor: Visitor) -> None:
    """The link that opens Alipay's app wraps our own start URL, with what the visitor asked for."""
    answer = visitor.http.get(
        "/connect/alipay/h5/login", params={"return_to": "/orders"}, headers={"host": "evil.example"}
    )
    wrapped = query_of(answer.headers["location"])["url"]
    assert wrapped.startswith(f"{shop.url}/connect/alipay/h5/login?")
    assert query_of(wrapped) == {"return_to": f"{shop.url}/orders", "in_app": "1"}
    assert flow_cookies(visitor) == {}


@pytest.mark.parametrize("parameter", ["in_app", "awake"])
def test_a_start_url_that_a_link_opened_in_the_app_is_no_link_again(visitor: Visitor, parameter: str) -> None:
    """The vendor's page follows, also for `awake`, which the release before wrote into its links."""
    opened = visitor.http.get("/connect/alipay/h5/login", params={parameter: "1", "return_to": "/orders"})
    assert urlsplit(opened.headers["location"]).scheme in ("http", "https")
    assert len(flow_cookies(visitor)) == 1


@pytest.mark.parametrize("bad", ["\r\nSet-Cookie: a=b", "\nX: y", "\0", "\u2028", "é\r"])
def test_no_header_is_injected(shop: RunningShop, visitor: Visitor, bad: str) -> None:
    """Line breaks and zeros never get into a header of ours: they are refused, or arrive encoded."""
    told = [
        visitor.http.get("/connect/alipay/pc/login", params={"return_to": f"/{bad}"}),
        visitor.http.get("/connect/alipay/pc/callback", params={"state": bad, "code": bad}),
        visitor.http.post("/connect/alipay/pc/callback", data={"state": bad, "code": bad}),
        visitor.http.post("/connect/alipay/pc/login-url", json={"return_to": f"/{bad}"}),
    ]
    for answer in told:
        assert answer.status_code in (200, 303, 400)
        assert not {"a", "x"} & {*set_cookies(answer), *answer.headers}
        assert answer.headers.get("location", "").isascii()
        check_headers(answer)


@pytest.mark.parametrize("bad", ["/a\r\nset-cookie: a=b", "/\0", "/\u2028", "/\x7f", "\\\\evil", "/中"])
def test_a_redirect_encodes_whatever_it_is_given(bad: str) -> None:
    """Checked before or not: nothing but plain ASCII of an address stands in `Location`."""
    location = responses.redirect(bad).headers["location"]
    assert re.fullmatch(r"[!-~]+", location)
    assert not set(location) & set('\\"<>^`{|}')


def test_hostile_paths_are_not_found(visitor: Visitor) -> None:
    """A path that hides line breaks or another host is no address of ours, and leads nowhere."""
    for path in ("x%0d%0aSet-Cookie:a=b", "..%5cevil.example", "%2e%2e", "alipay%00"):
        answer = visitor.http.post(f"/connect/{path}/pc/callback", data={"state": "a"})
        refused(answer, 404, "unsupported")


def test_every_redirect_after_a_post_is_303(shop: RunningShop, visitor: Visitor) -> None:
    """No POST is answered with a redirect that would post again."""
    callback = come_back(visitor)
    told = [
        visitor.http.post(callback.partition("?")[0], data=query(callback)),
        visitor.http.post("/connect/logout", headers={"accept": "text/html"}),
    ]
    assert [answer.status_code for answer in told] == [303, 303]


def test_nothing_leaks_from_the_callback(shop: RunningShop, visitor: Visitor) -> None:
    """The callback is left at once, without a Referer, for an address without code, state or token."""
    callback = come_back(visitor, return_to="/orders")
    answer = visitor.http.get(callback, headers={"accept": "text/html"})
    check_headers(answer)
    assert (answer.status_code, answer.text) == (303, "")
    assert answer.headers["location"] == f"{shop.url}/orders"


def test_error_page_loads_and_runs_nothing(shop: RunningShop, visitor: Visitor) -> None:
    """The page that may still show a code in its address has no script and nothing from elsewhere."""
    page = visitor.http.get(come_back(visitor, person="b11") + "&state=x", headers={"accept": "text/html"})
    assert page.status_code == 400
    assert HEADERS["content-security-policy"] == page.headers["content-security-policy"]
    assert "<script" not in page.text
    addresses = re.findall(r'(?:src|href|action)="([^"]*)"', page.text)
    assert addresses
    assert all(address.startswith("/connect/") or address == "/" for address in addresses)


@pytest.mark.parametrize("stray", ["access_token", "id_token", "openid", "user_id"])
def test_tokens_in_the_response_are_ignored(shop: RunningShop, visitor: Visitor, stray: str) -> None:
    """A response that carries a token or an id in place of a code logs nobody in."""
    callback = come_back(visitor)
    with untouched(shop):
        answer = visitor.http.get(changed(callback, auth_code=None, **{stray: "2088000000000000"}))
        assert answer.status_code == 400
        assert set_cookies(answer) == {}


def test_code_of_a_refused_response_is_dead(shop: RunningShop, visitor: Visitor) -> None:
    """A code that was left on an error page is of no use to another flow."""
    callback = come_back(visitor)
    refused(visitor.http.get(changed(callback, state="0" * 32)), 400, "state_invalid")
    own = come_back(visitor)
    with untouched(shop):
        refused(visitor.http.get(changed(own, auth_code=query(callback)["auth_code"])), 400, "code_seen")


@pytest.mark.parametrize("url", ["http://shop.example", "https://*.example", "https://shop.example/x", "*"])
def test_public_url_is_one_exact_https_origin(tmp_path: object, url: str) -> None:
    """Plain http away from this machine, wildcards and paths stop the start."""
    with pytest.raises(SettingsError, match=r"service\.public_url"):
        make_settings(url, tmp_path / "connect.db")


@pytest.mark.parametrize(
    "injected",
    ["&app_id=evil&scope=evil", "&appid=evil&state=evil", "%26app_id%3Devil", "#&state=evil", "&redirect_uri=x"],
)
@pytest.mark.parametrize("provider", ["alipay", "wechat"])
def test_no_parameter_is_injected_at_the_vendor(visitor: Visitor, provider: str, injected: str) -> None:
    """The vendor's address, parsed back, has exactly the parameters that we meant, each once."""
    plain = parse_qsl(urlsplit(visitor.begin(provider, "pc")).query)
    page = f"{APP}?x=1{injected.partition('#')[0]}"
    begun = visitor.begin(provider, "pc", redirect_uri=page, return_to=f"/{injected}")
    told = parse_qsl(urlsplit(begun).query)
    assert [name for name, _ in told] == [name for name, _ in plain]
    own = {"state", "redirect_uri"}
    assert [pair for pair in told if pair[0] not in own] == [pair for pair in plain if pair[0] not in own]
    assert dict(told)["redirect_uri"] == page


def test_redirect_uri_has_no_fragment(shop: RunningShop, visitor: Visitor) -> None:
    """A page with a fragment is none that a vendor may return to (RFC 6749 §3.1.2)."""
    with untouched(shop):
        answer = visitor.http.get("/connect/alipay/pc/login", params={"redirect_uri": f"{APP}#x"})
        refused(answer, 400, "redirect_not_allowed")


def test_what_stands_in_a_front_ends_address_is_good_once_and_in_its_browser() -> None:
    """Code and state, which its page gets in the URL: nothing without that browser's cookie, by GET, or twice."""

    def change(raw: dict[str, dict[str, object]]) -> None:
        raw["service"]["redirect_allow"] = [APP]

    with run_shop(change=change) as running_shop, Visitor(running_shop) as visitor, Visitor(running_shop) as thief:
        path, back = "/connect/wechat/h5/token", query(come_back(visitor, "wechat", "h5", redirect_uri=APP))
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in flow_cookies(visitor).items())}
        with untouched(running_shop):
            assert visitor.http.get(path, params=back).status_code == 405
            come_back(thief, "wechat", "h5", redirect_uri=APP)
            refused(thief.http.post(path, json=back), 400, "state_invalid")

        def collect(_: int) -> int:
            return httpx.post(
                running_shop.url + path, json=back, headers=cookie, trust_env=False, timeout=30
            ).status_code

        calls = count_code_calls(running_shop)
        with ThreadPoolExecutor(64) as crowd:
            assert sorted(crowd.map(collect, range(64))) == [200] + [400] * 63
        assert (len(running_shop.rows("es_member_session")), count_code_calls(running_shop) - calls) == (1, 1)


def test_no_session_stands_in_an_address() -> None:
    """Neither the session nor a token ever stands in a URL; both travel in cookies or bodies."""
    with behind_tls() as running_shop, HttpsVisitor(running_shop) as visitor:
        addresses = []
        visitor.http.event_hooks["response"].append(lambda answer: addresses.append(answer.headers.get("location", "")))
        visitor.log_in("alipay", "pc")
        start = visitor.http.get("/buyer/connect/alipay/pc/login").headers["location"]
        visitor.http.get(visitor.consent(start))
        tokens = [visitor.jar[name] for name in ("__Host-connect_session", "access_token", "refresh_token")]
    assert [address for address in addresses if address] != []
    assert not [token for token in tokens for address in addresses if token in address]


def test_targets_of_a_shop_behind_tls_are_its_own() -> None:
    """A relative target is resolved against the public address, not against the one that the proxy uses."""
    with behind_tls() as running_shop, HttpsVisitor(running_shop) as visitor:
        answer = visitor.http.get(come_back(visitor, return_to="/orders"))
        assert answer.headers["location"] == f"{SHOP}/orders"
        refused(
            visitor.http.get("/connect/alipay/pc/login", params={"return_to": running_shop.url}),
            400,
            "redirect_not_allowed",
        )
