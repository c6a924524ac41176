"""Where a login may return to: what is on the list, exactly, and nothing that only looks like it."""

from pathlib import Path

import pytest

from connect_core.errors import RedirectNotAllowed, SettingsError
from connect_core.login.return_targets import MAX_LENGTH, Targets, check_pages
from connect_core.settings import parse_settings
from connect_core.web import create_app

from ..kit.configurations import raw
from ..kit.databases import installed_plugins

TARGETS = Targets(
    "https://shop.example", ["https://m.shop.example/app", "https://pay.example:8443/", "http://127.0.0.1:3000"]
)

ALLOWED = {
    "/": "https://shop.example/",
    "/cart?id=1&x=%20#top": "https://shop.example/cart?id=1&x=%20#top",
    "?page=2": "https://shop.example?page=2",
    "/a/../b": "https://shop.example/b",
    "https://shop.example": "https://shop.example",
    "https://shop.example:443/x": "https://shop.example:443/x",
    "HTTPS://SHOP.example/x": "HTTPS://SHOP.example/x",
    "https://m.shop.example/app": "https://m.shop.example/app",
    "https://m.shop.example/app/": "https://m.shop.example/app/",
    "https://m.shop.example/app/orders;v=2?next=https://evil.example": (
        "https://m.shop.example/app/orders;v=2?next=https://evil.example"
    ),
    "https://pay.example:8443/done": "https://pay.example:8443/done",
    "http://127.0.0.1:3000/#/home": "http://127.0.0.1:3000/#/home",
    "/订单?名=值": "https://shop.example/%E8%AE%A2%E5%8D%95?%E5%90%8D=%E5%80%BC",
}

REFUSED = [
    "",
    "cart",
    "#top",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    " /",
    "/a b",
    "/a\r\nset-cookie: a=b",
    "/\x00",
    "/\x7f",
    "/\ud800",
    "https:evil.example",
    "https:/shop.example",
    "https:///shop.example",
    "https://evil.example",
    "https://shop.example.evil.example/",
    "https://shop.example@evil.example/",
    "https://shop.example:x@evil.example/",
    "https://evil.example#@shop.example/",
    "https://evil.example?https://shop.example/",
    "https://evil.example\\@shop.example/",
    "https://user@shop.example/",
    "https://shop.example%2eevil.example/",
    "https://shop\u3002example.evil.example/",
    "https://shop.example\uff0fevil.example/",
    "https://shop.exampl\u0435/",
    "https://shop.example:8443/",
    "https://shop.example:99999/",
    "https://shop.example:port/",
    "https://[::1/",
    "http://shop.example/",
    "ftp://shop.example/",
    "javascript:alert(1)//shop.example",
    "data:text/html,x",
    "https://m.shop.example/",
    "https://m.shop.example/application",
    "https://m.shop.example/APP",
    "https://m.shop.example/app/../admin",
    "https://m.shop.example/app/%2e%2e/admin",
    "https://m.shop.example/app/.%2E/admin",
    "https://m.shop.example/app/..%2fadmin",
    "https://m.shop.example/app/..;/admin",
    "https://m.shop.example/app/..;x=1/admin",
    "https://m.shop.example/app/%2e%2e;/admin",
    "https://m.shop.example/app/.;/admin",
    "https://m.shop.example/app//evil",
    "https://m.shop.example/app/;/evil",
    "https://m.shop.example/app/%5c..%5cadmin",
    "https://m.shop.example//app",
    "https://pay.example/done",
    "http://127.0.0.1:3001/",
    "http://localhost:3000/",
    "https://127.0.0.1:3000/",
]


@pytest.mark.parametrize("target", ALLOWED)
def test_what_is_on_the_list_is_returned_canonical(target: str) -> None:
    """Own origin, listed origins, paths below a listed prefix; relative targets become absolute, text is encoded."""
    assert TARGETS.check(target) == ALLOWED[target]


@pytest.mark.parametrize("target", ALLOWED)
def test_a_canonical_target_stays_as_it_is(target: str) -> None:
    """What was checked once is allowed when it comes round again."""
    assert TARGETS.check(ALLOWED[target]) == ALLOWED[target]


@pytest.mark.parametrize("target", REFUSED)
def test_what_is_not_on_the_list_is_refused(target: str) -> None:
    """Other origins, look-alikes, ways out of a prefix, and everything malformed."""
    with pytest.raises(RedirectNotAllowed) as caught:
        TARGETS.check(target)
    assert target not in str(caught.value) or len(target) < 2
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("own", ["https://商城.example", "https://xn--czru2d.example:443"])
def test_an_international_name_is_one_name(own: str) -> None:
    """However the shop and the link spell it; the browser is sent to the encoded one."""
    targets = Targets(own, ["https://münchen.example/app"])
    assert targets.check("https://商城.example/订单") == "https://xn--czru2d.example/%E8%AE%A2%E5%8D%95"
    assert targets.check("https://xn--czru2d.example/x") == "https://xn--czru2d.example/x"
    assert targets.check("https://MÜNCHEN.example:443/app") == "https://xn--mnchen-3ya.example:443/app"
    for target in ("https://munchen.example/app", "https://商域.example/", "https://商城.example.evil.example/"):
        with pytest.raises(RedirectNotAllowed):
            targets.check(target)


@pytest.mark.parametrize(
    "target", ["https://shop.example/x?y", "https://shop.example:443/x?y", "HTTPS://SHOP.example/x?y"]
)
def test_links_carry_a_target_without_our_origin(target: str) -> None:
    """However it was spelled; another origin stays."""
    assert TARGETS.shorten(TARGETS.check(target)) == "/x?y"
    assert TARGETS.shorten("https://pay.example:8443/x") == "https://pay.example:8443/x"


def test_a_target_fits_a_cookie_once_it_is_encoded() -> None:
    """The limit holds for what is kept, not for what was typed: a Chinese character becomes nine."""
    own = len("https://shop.example/")
    assert len(TARGETS.check("/" + "a" * (MAX_LENGTH - own))) == MAX_LENGTH
    for target in ("/" + "a" * (MAX_LENGTH - own + 1), "/" + "单" * 120):
        with pytest.raises(RedirectNotAllowed):
            TARGETS.check(target)


@pytest.mark.parametrize("target", ["/page", "?x", "https://shop.example/page#part", "https://shop.example/#", ""])
def test_a_redirect_uri_is_absolute_and_has_no_fragment(target: str) -> None:
    """RFC 6749 §3.1.2."""
    with pytest.raises(RedirectNotAllowed):
        TARGETS.check_redirect_uri(target)


def test_a_redirect_uri_is_checked_like_any_target() -> None:
    """Absolute and on the list, it is returned as it is."""
    assert TARGETS.check_redirect_uri("https://m.shop.example/app/back?x=1") == "https://m.shop.example/app/back?x=1"
    with pytest.raises(RedirectNotAllowed):
        TARGETS.check_redirect_uri("https://evil.example/app")


def test_a_rule_with_a_slash_at_its_end_means_what_is_below() -> None:
    """`/app/` lets its own folder in, not `/app` itself or `/apple`."""
    targets = Targets("https://shop.example", ["https://m.example/app/"])
    assert targets.check("https://m.example/app/x") == "https://m.example/app/x"
    for target in ("https://m.example/app", "https://m.example/apple"):
        with pytest.raises(RedirectNotAllowed):
            targets.check(target)


@pytest.mark.parametrize("key", ["home_url", "binder_url"])
@pytest.mark.parametrize(
    "page", ["welcome", "https://m.shop.example/", "//shop.example/", "javascript:alert(1)", "/a/%2e%2e/b"]
)
def test_a_page_to_which_no_login_can_go_stops_the_start(key: str, page: str, tmp_path: Path) -> None:
    """Else every login that ends there would be refused, and every log-out."""
    database_url = f"sqlite:///{tmp_path / 'connect.db'}"
    service = {key: page, "redirect_allow": ["https://m.shop.example/app"], "database_url": database_url}
    with pytest.raises(SettingsError) as caught:
        create_app(parse_settings(raw(service=service)), plugins=installed_plugins())
    (mistake,) = caught.value.mistakes
    assert mistake.startswith(f"service.{key}: the return target is ")
    assert mistake.endswith("give a path such as /welcome, or an address that public_url or redirect_allow covers")


@pytest.mark.parametrize(
    "page", ["/", "/welcome?a=b#c", "https://shop.example/x", "https://m.shop.example/app/new", "/订单"]
)
def test_a_page_to_which_logins_can_go_is_taken(page: str) -> None:
    """As a path, or as an address on the list."""
    service = {"home_url": page, "binder_url": page, "redirect_allow": ["https://m.shop.example/app"]}
    check_pages(parse_settings(raw(service=service)).service)


def test_a_shop_without_home_page_of_its_own_says_so() -> None:
    """An empty `home_url` is no page; an empty `binder_url` is none on purpose."""
    with pytest.raises(SettingsError, match=r"service\.home_url: "):
        check_pages(parse_settings(raw(service={"home_url": "", "binder_url": ""})).service)
