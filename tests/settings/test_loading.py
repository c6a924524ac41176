"""The shop's configuration: what is read, what is refused, and how mistakes are reported."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from connect_core.errors import SettingsError
from connect_core.identity import ClientType
from connect_core.settings import load_settings, parse_settings

from ..kit.canaries import CANARY, every_text
from ..kit.configurations import KEY, mistakes, raw

EXAMPLE = """
[service]
public_url = "https://shop.example"
database_url = "postgresql+psycopg://shop@db/shop"
sqlite_synchronous = "normal"
secret_keys = ["env:CONNECT_TEST_KEY", "file:keys/old"]
redirect_allow = ["https://shop.example/", "https://m.shop.example/app"]
home_url = "/welcome"
first_login = "choose"
cors_origins = ["https://m.shop.example"]
trusted_proxies = ["10.0.0.0/8", "::1"]
readable_token_cookies = true

[limits]
vendor_calls = 20
per_address = "off"

[clients]
pc = ["alipay", "wechat"]
h5 = ["wechat", "alipay"]
mini = ["alipay"]

[accounts.alipay-pay]
app_id = "2021000000000000"
private_key = "file:keys/app-private.pem"
alipay_public_key = "file:keys/alipay-public.pem"

[providers.alipay]
plugin = "alipay"
use = "alipay-pay"

[providers.alipay.mini]
app_id = "2021000000000001"

[providers.wechat]
app_id = "wx0"
app_secret = "env:CONNECT_TEST_SECRET"
"""


def write(folder: Path, text: str = EXAMPLE) -> Path:
    """Write `connect.toml` and the files that the example names."""
    keys = folder / "keys"
    keys.mkdir()
    (keys / "old").write_text(KEY.rstrip("=") + "\n")
    (keys / "app-private.pem").write_text("-----BEGIN PRIVATE KEY-----\n" + CANARY)
    (keys / "alipay-public.pem").write_text("public\r\n")
    path = folder / "connect.toml"
    path.write_text(text, "utf-8")
    return path


# what is read


def test_the_whole_example_is_read(tmp_path: Path) -> None:
    """Every key of the documented file has its effect."""
    os.environ.update(CONNECT_TEST_KEY=KEY, CONNECT_TEST_SECRET=CANARY)
    settings = load_settings(write(tmp_path))
    service = settings.service
    assert service.public_url == "https://shop.example"
    assert service.database_url == "postgresql+psycopg://shop@db/shop"
    assert (service.sqlite_synchronous, service.first_login, service.home_url) == ("normal", "choose", "/welcome")
    assert service.keys == (bytes(range(32)), bytes(range(32)))
    assert service.redirect_allow == ["https://shop.example", "https://m.shop.example/app"]
    assert service.cors_origins == ["https://m.shop.example"]
    assert service.trusted_proxies == ["10.0.0.0/8", "::1"]
    assert service.readable_token_cookies
    assert not service.is_plain_loopback
    assert (settings.limits.vendor_calls, settings.limits.per_address) == (20, "off")
    assert settings.clients == {"pc": ["alipay", "wechat"], "h5": ["wechat", "alipay"], "mini": ["alipay"]}
    assert settings.plugin_of("alipay") == "alipay"
    assert settings.merged("wechat", ClientType.PC) == {"app_id": "wx0", "app_secret": CANARY}


def test_what_is_left_out_has_its_documented_default() -> None:
    """A public address and a key are enough."""
    settings = parse_settings(raw())
    assert settings.service.model_dump(exclude={"public_url", "secret_keys"}) == {
        "database_url": "sqlite:///connect.db",
        "database_pool_size": 10,
        "redis_url": None,
        "sqlite_synchronous": "full",
        "redirect_allow": [],
        "home_url": "/",
        "first_login": "register",
        "binder_url": "",
        "cors_origins": [],
        "trusted_proxies": [],
        "readable_token_cookies": False,
        "prefix": "/connect",
        "root_path": "",
        "unbind_after": 0,
        "merge_undo_within": 7 * 24 * 3600,
        "required_plugins": [],
        "shared_union_types": [],
        "handover": True,
        "outbound_proxy": False,
        "settings": "file",
    }
    assert settings.limits.model_dump() == {
        "vendor_calls": 50,
        "vendor_outages": "5/minute",
        "per_address": "600/minute",
        "failures_per_address": None,
        "per_username": "10/hour",
    }
    assert settings.limits.failures == "60/minute"
    sessions = {"access_token": 1200, "idle": 604800, "absolute": 2592000, "reauth_after": 600}
    assert settings.sessions.model_dump() == sessions
    texts = dict.fromkeys(("name", "terms_url", "privacy_url", "terms_version"), "")
    files = dict.fromkeys(("geoip_database", "locale_folder", "logo", "stylesheet", "template_folder"))
    others = {"consent": None, "languages": [], "default_language": None, "time_zone": "UTC"}
    assert settings.pages.model_dump() == {**texts, **files, **others}


@pytest.mark.parametrize("url", ["redis://:{}@h:6379/0", "rediss://shop:{}@h", "unix:///run/redis.sock?password={}"])
def test_a_redis_address_is_a_secret(url: str) -> None:
    """It may hold a password, so it comes by indirection and is never printed."""
    os.environ["CONNECT_TEST_REDIS"] = url.format(CANARY)
    service = parse_settings(raw(service={"redis_url": "env:CONNECT_TEST_REDIS"})).service
    assert service.redis_url is not None
    assert service.redis_url.get_secret_value() == url.format(CANARY)
    assert CANARY not in f"{service!r} {service} {service.model_dump()} {service.model_dump_json()}"


@pytest.mark.parametrize("url", ["", CANARY, f"http://{CANARY}", f"redis:{CANARY}"])
def test_what_is_no_redis_address_is_not_repeated(url: str) -> None:
    """It is told with its key and what would do."""
    assert mistakes(service={"redis_url": url}) == [
        "service.redis_url: give redis://, rediss://, unix:// or redis+sentinel:// with host, port and number"
    ]


def test_later_settings_win() -> None:
    """Account, then provider, then client type; what steers the core is no setting of the provider."""
    settings = parse_settings(
        raw(
            accounts={"pay": {"app_id": "account", "private_key": "account", "notify_url": "account"}},
            providers={
                "acme": {"plugin": "oauth2", "use": "pay", "app_id": "provider", "mini": {"private_key": "mini"}}
            },
        )
    )
    assert settings.plugin_of("acme") == "oauth2"
    shared = {"app_id": "provider", "notify_url": "account"}
    assert settings.merged("acme", ClientType.MINI) == {**shared, "private_key": "mini"}
    assert settings.merged("acme", ClientType.PC) == {**shared, "private_key": "account"}


def test_indirections_stand_anywhere(tmp_path: Path) -> None:
    """`env:` and `file:` work in texts, lists and tables at every depth, and their values are taken as they are."""
    (tmp_path / "number").write_text("7\n")
    shop = raw(
        service={"cors_origins": ["env:CONNECT_TEST_A"]},
        limits={"vendor_calls": "file:number"},
        accounts={"pay": {"claims": {"nickname": ["env:CONNECT_TEST_B", "plain", 3, True]}}},
    )
    os.environ.update(CONNECT_TEST_A="https://m.shop.example", CONNECT_TEST_B="file:not-again")
    settings = parse_settings(shop, tmp_path)
    assert settings.service.cors_origins == ["https://m.shop.example"]
    assert settings.limits.vendor_calls == 7
    assert settings.accounts["pay"]["claims"] == {"nickname": ["file:not-again", "plain", 3, True]}


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime", "Asia", "a\0b"])
def test_a_time_zone_is_one_of_the_iana_database(name: str) -> None:
    """A name that is no zone is a mistake, and so is a path."""
    assert mistakes(pages={"time_zone": name}) == [
        "pages.time_zone: give a time zone of the IANA database, such as Asia/Shanghai"
    ]


@pytest.mark.parametrize("tag", ["", "zh_CN", "chinese simplified", "e", "zh-", "../zh", 7])
def test_languages_are_tags(tag: object) -> None:
    """A language has the form of BCP 47; which of them there are is checked with the catalogues."""
    [first, second] = mistakes(pages={"languages": [tag], "default_language": tag})
    assert first.startswith("pages.languages.0: ")
    assert second.startswith("pages.default_language: ")


@pytest.mark.parametrize("stylesheet", ["theme/shop.css", "file:theme/shop.css", "env:CONNECT_TEST_STYLES", "{}"])
def test_the_look_is_beside_the_configuration(tmp_path: Path, stylesheet: str) -> None:
    """Paths of `[pages]` are relative to `connect.toml`, as those behind `file:` are, and are not read in its place."""
    os.environ["CONNECT_TEST_STYLES"] = "theme/shop.css"
    (tmp_path / "theme").mkdir()
    (tmp_path / "theme" / "shop.css").write_text("body {}")
    shop = raw(pages={"stylesheet": stylesheet.format(tmp_path / "theme/shop.css"), "template_folder": "theme"})
    pages = parse_settings(shop, tmp_path).pages
    assert (pages.stylesheet, pages.template_folder) == (tmp_path / "theme/shop.css", tmp_path / "theme")


# what is refused, and how mistakes are reported


def test_a_look_that_is_not_there_is_told_with_its_key(tmp_path: Path) -> None:
    """A misspelt path stops the start and is no silent fall-back to our own look."""
    (tmp_path / "file").write_text("")
    assert mistakes(pages={"stylesheet": str(tmp_path), "template_folder": str(tmp_path / "file")}) == [
        "pages.stylesheet: there is no such file, seen from connect.toml",
        "pages.template_folder: there is no such directory, seen from connect.toml",
    ]


def test_what_an_indirection_lacks_is_told_with_its_key(tmp_path: Path) -> None:
    """A missing variable or file is told once each, all together, with the key that wants it."""
    (tmp_path / "bytes").write_bytes(b"\xff")
    shop = raw(
        service={"public_url": "env:CONNECT_TEST_NONE", "secret_keys": [KEY, "env:CONNECT_TEST_NONE"]},
        accounts={"pay": {"private_key": "file:none.pem", "app_cert": "file:.", "alipay_cert": "file:bytes"}},
        providers={"acme": {"mini": {"scopes": ["a", "file:a\0b"]}}},
    )
    with pytest.raises(SettingsError) as caught:
        parse_settings(shop, tmp_path)
    assert list(caught.value.mistakes) == [
        "service.public_url: the environment variable CONNECT_TEST_NONE is not set",
        "service.secret_keys.1: the environment variable CONNECT_TEST_NONE is not set",
        "accounts.pay.private_key: the file none.pem cannot be read: No such file or directory",
        "accounts.pay.app_cert: the file . cannot be read: Is a directory",
        "accounts.pay.alipay_cert: the file bytes cannot be read: it is not UTF-8 text",
        "providers.acme.mini.scopes.1: the file a\0b cannot be read: it is not UTF-8 text",
    ]


@pytest.mark.parametrize(
    ("sections", "line"),
    [
        ({"servise": {}}, "servise: unknown key; did you mean `service`?"),
        ({"service": {"publik_url": "x"}}, "service.publik_url: unknown key; did you mean `public_url`?"),
        ({"limits": {"vendor_call": 1}}, "limits.vendor_call: unknown key; did you mean `vendor_calls`?"),
        ({"sessions": {"idel": 60}}, "sessions.idel: unknown key; did you mean `idle`?"),
        ({"webhooks": {"crm": {"event": []}}}, "webhooks.crm.event: unknown key; did you mean `events`?"),
        (
            {"resource_servers": {"gw": {"client_secre": "x"}}},
            "resource_servers.gw.client_secre: unknown key; did you mean `client_secret`?",
        ),
        ({"clients": {"pcc": []}}, "clients.pcc: Input should be 'pc', 'h5', 'app' or 'mini'"),
        ({"service": {"quite_unlike": 1}}, "service.quite_unlike: unknown key"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_known_one(sections: dict[str, Any], line: str) -> None:
    """A misspelt key never stays without effect unnoticed."""
    assert line in mistakes(**sections)


@pytest.mark.parametrize("text", ["a = " + "[" * 20_000, "a = " + "{a = " * 20_000])
def test_a_configuration_that_is_nested_too_deeply(tmp_path: Path, text: str) -> None:
    """The parser gives up; that is a mistake of the file, and no traceback."""
    (tmp_path / "connect.toml").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=r"nested too deeply"):
        load_settings(tmp_path / "connect.toml")


def test_all_mistakes_are_told_at_once() -> None:
    """An operator mends a file once: wrong types, wrong values and dangling names come in one list."""
    assert sorted(
        mistakes(
            service={"secret_keys": ["short"], "first_login": "maybe", "redirect_allow": ["/here"]},
            limits={"vendor_calls": 0},
            clients={"pc": ["nobody"], "mini": ["acme", "acme"]},
            providers={"acme": {"use": "none"}, "Größe": {}},
        )
    ) == [
        "clients.mini: a provider is listed twice",
        "clients.pc: nobody is not configured; add [providers.nobody]",
        "limits.vendor_calls: give 1 or more",
        "providers.Größe: names are lower-case letters, digits, - and _",
        "providers.acme.use: there is no [accounts.none]",
        "service.first_login: Input should be 'register' or 'choose'",
        "service.redirect_allow.0: give an absolute https:// address",
        "service.secret_keys.0: give 32 bytes as base64url; `connect-login keys generate` prints one",
    ]


@pytest.mark.parametrize(
    ("sections", "path"),
    [
        ({"service": "text"}, "service"),
        ({"service": {"secret_keys": "text"}}, "service.secret_keys"),
        ({"service": {"secret_keys": [3]}}, "service.secret_keys.0"),
        ({"clients": {"pc": "acme"}}, "clients.pc"),
        ({"clients": {"pc": [["acme"]]}}, "clients.pc.0"),
        ({"clients": ["pc"]}, "clients"),
        ({"providers": ["acme"]}, "providers"),
        ({"providers": {"acme": "text"}}, "providers.acme"),
        ({"providers": {"acme": {"mini": "text"}}}, "providers.acme.mini"),
        ({"providers": {"acme": {"use": ["pay"]}}}, "providers.acme.use"),
        ({"providers": {"acme": {"plugin": 3}}}, "providers.acme.plugin"),
        ({"accounts": {"pay": 3}}, "accounts.pay"),
    ],
)
def test_a_value_of_the_wrong_shape_is_a_mistake_not_a_crash(sections: dict[str, Any], path: str) -> None:
    """Text where a table belongs, a list where a name belongs: each is told with its key."""
    with pytest.raises(SettingsError) as caught:
        parse_settings({**raw(), **sections} if isinstance(sections.get("service"), str) else raw(**sections))
    assert path in {mistake.partition(":")[0] for mistake in caught.value.mistakes}


@pytest.mark.parametrize("name", ["Acme", "a/b", "a b", "", "-", "支付宝", "a.b", "..", "a\n"])
def test_a_providers_name_fits_a_path(name: str) -> None:
    """The name stands in URLs, so it is lower-case ASCII letters, digits, - and _."""
    assert mistakes(providers={name: {}}) == [f"providers.{name}: names are lower-case letters, digits, - and _"]


@pytest.mark.parametrize(
    "key",
    ["", "=", KEY[:42], KEY[:-5], KEY[:-1] + "AA", "A" * 43 + "é", "*" * 43, KEY + "\n", "A" * 64],
    ids=["empty", "padding", "31 bytes", "30 bytes", "33 bytes", "not ASCII", "alphabet", "line end", "48 bytes"],
)
def test_a_key_of_the_wrong_length_stops_the_start(key: str) -> None:
    """A key ring is 32-byte keys; a short, long or unreadable one is refused, never stretched."""
    assert [line.partition(":")[0] for line in mistakes(service={"secret_keys": [KEY, key]})] == [
        "service.secret_keys.1"
    ]


def test_without_a_key_there_is_no_start() -> None:
    """There is no default key."""
    assert mistakes(service={"secret_keys": []})[0].startswith("service.secret_keys: ")
    with pytest.raises(SettingsError, match=r"service\.secret_keys: is missing"):
        parse_settings({"service": {"public_url": "https://shop.example"}})


def test_keys_are_read_with_and_without_padding() -> None:
    """base64url of 32 bytes, as `keys generate` and other tools print it."""
    key = bytes([251, 255] * 16)
    texts = [base64.urlsafe_b64encode(key).decode(), base64.urlsafe_b64encode(key).decode().rstrip("=")]
    assert parse_settings(raw(service={"secret_keys": texts})).service.keys == (key, key)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("service", "trusted_proxies", ["proxy.example"]),
        ("service", "trusted_proxies", ["10.0.0.1/8"]),
        ("service", "prefix", "connect"),
        ("service", "prefix", "/connect/"),
        ("service", "sqlite_synchronous", "off"),
        ("limits", "per_address", "60 per minute"),
        ("limits", "per_address", "0/minute"),
        ("limits", "vendor_calls", "many"),
        ("limits", "vendor_outages", "never"),
        ("sessions", "access_token", 5),
        ("sessions", "idle", 1.5),
    ],
)
def test_a_value_out_of_range_is_told(section: str, key: str, value: object) -> None:
    """Values that would quietly mean something else stop the start."""
    lines = mistakes(**{section: {key: value}})
    assert [line for line in lines if line.startswith(f"{section}.{key}")] == lines


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"[service]\nhome_url = = '/'", "line 2"),
        (b"[service]\nhome_url = '\xff c4n4ry-7f3e'", "utf-8"),
        (None, "connect-login init"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_place(tmp_path: Path, content: bytes | None, text: str) -> None:
    """The line, or what to do, stands in the error; what the file holds does not."""
    path = tmp_path / "connect.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert text in str(caught.value)
    assert CANARY not in every_text(caught.value)


@pytest.mark.parametrize("word", ["file", "env"])
def test_a_word_alone_names_no_file_and_no_variable(word: str) -> None:
    """`settings = "file"` is a value; an indirection has a colon."""
    assert parse_settings(raw(pages={"name": word})).pages.name == word
