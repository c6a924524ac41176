"""Blanks around values, which no secret has, and files with secrets that every user may read."""

import base64
import logging
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import SecretStr

from connect_core.cli.serve import init
from connect_core.errors import SettingsError
from connect_core.settings import load_settings, parse_settings
from connect_core.settings.secret_files import is_secret

from ..kit.databases import installed_plugins

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
AROUND = ["{}\n", "{}\r\n", " {}", "\t{} \n", "\ufeff{}", "\u00a0{}\u200b", "\ufeff {}\n\n"]
SHOP = {"service": {"public_url": "https://shop.example", "secret_keys": [KEY]}}


def shop(**accounts: Any) -> dict[str, Any]:
    """A configuration with an account."""
    return {**SHOP, "accounts": {"pay": accounts}}


@pytest.mark.parametrize("around", AROUND)
def test_blanks_around_a_value_are_no_part_of_it(around: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a file and from the environment, also before the name of a file or variable."""
    text = around.format("hunter2")
    (tmp_path / "secret").write_text(text, "utf-8")
    monkeypatch.setenv("CONNECT_TEST_SECRET", text)
    values = {"a": "file:secret", "b": "env:CONNECT_TEST_SECRET", "c": ["file: secret", "env: CONNECT_TEST_SECRET"]}
    parsed = parse_settings(shop(**values), tmp_path).accounts["pay"]
    assert parsed == {"a": "hunter2", "b": "hunter2", "c": ["hunter2", "hunter2"]}


@pytest.mark.parametrize("around", AROUND)
def test_blanks_around_a_literal_are_refused_by_name(around: str) -> None:
    """Whoever reads `connect.toml` cannot see them; every key is named."""
    with pytest.raises(SettingsError) as caught:
        parse_settings(shop(app_secret=around.format("hunter2"), listed=["a", around.format("b")]))
    reason = "remove the blanks around the value"
    assert caught.value.mistakes == (f"accounts.pay.app_secret: {reason}", f"accounts.pay.listed.1: {reason}")


def test_a_literal_of_several_lines_ends_with_a_line_break() -> None:
    """As a key in PEM does, between three quotes."""
    pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
    assert parse_settings(shop(private_key=f"{pem}\n")).accounts["pay"] == {"private_key": pem}


def test_blanks_around_keys_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service starts with a key that a shell or an editor ended with a line break."""
    monkeypatch.setenv("CONNECT_TEST_KEY", f"{KEY}\n")
    monkeypatch.setenv("CONNECT_TEST_URL", "https://shop.example\r\n")
    service = {"public_url": "env:CONNECT_TEST_URL", "secret_keys": ["env:CONNECT_TEST_KEY"]}
    settings = parse_settings({"service": service})
    assert settings.service.public_url == "https://shop.example"
    assert settings.service.keys == (bytes(range(32)),)


def test_blanks_inside_a_value_stay() -> None:
    """And so does a separator that is nothing else."""
    quirks = {"scope_separator": " ", "answer": "form"}
    parsed = parse_settings(shop(scope="a b", title="Acme  Shop", quirks=quirks)).accounts["pay"]
    assert parsed == {"scope": "a b", "title": "Acme  Shop", "quirks": quirks}


def test_a_configuration_with_a_byte_order_mark(tmp_path: Path) -> None:
    """As editors on Windows write it."""
    path = tmp_path / "connect.toml"
    path.write_text(f'\ufeff[service]\npublic_url = "https://shop.example"\nsecret_keys = ["{KEY}"]\n', "utf-8")
    assert load_settings(path).service.public_url == "https://shop.example"


CONFIG = """\
[service]
public_url = "https://shop.example"
secret_keys = ["file:key"]
[accounts.pay]
private_key = "file:app.pem"
alipay_public_key = "file:alipay.pem"
"""
FILES = {"key": KEY, "app.pem": "-----BEGIN PRIVATE KEY-----", "alipay.pem": "MIIB", "connect.toml": CONFIG}


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ({}, []),
        ({"key": 0o640, "app.pem": 0o440, "alipay.pem": 0o644, "connect.toml": 0o644}, []),
        ({"key": 0o644}, ["service.secret_keys.0 key"]),
        ({"key": 0o604, "app.pem": 0o444}, ["service.secret_keys.0 key", "accounts.pay.private_key app.pem"]),
    ],
)
def test_secrets_that_every_user_may_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, modes: dict[str, int], expected: list[str]
) -> None:
    """A warning names the key and the file; public keys and files for the owner's group are none."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
        (tmp_path / name).chmod(modes.get(name, 0o600))
    load_settings(tmp_path / "connect.toml")
    lines = [record for record in caplog.records if record.message == "secret_readable"]
    assert [f"{vars(record)['key']} {vars(record)['file']}" for record in lines] == expected
    assert all(record.levelno == logging.WARNING for record in lines)


LITERALS = f"""\
[service]
public_url = "https://shop.example"
secret_keys = ["{KEY}"]
database_url = "postgresql+psycopg://shop:hunter2@db/shop"
[accounts.pay]
app_id = "1"
app_secret = "hunter2"
private_key = "env:CONNECT_TEST_SECRET"
[providers.github.pc]
client_secret = "hunter2"
"""
LITERAL_KEYS = ["service.secret_keys.0", "service.database_url", "accounts.pay.app_secret"]


@pytest.mark.parametrize(("mode", "is_warned"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_configuration_with_secrets_that_every_user_may_read(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    mode: int,
    is_warned: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """One line names the first secrets that stand in it, and no value; what comes from the environment does not."""
    monkeypatch.setenv("CONNECT_TEST_SECRET", "hunter2")
    path = tmp_path / "shop.toml"
    path.write_text(LITERALS, "utf-8")
    path.chmod(mode)
    load_settings(path)
    lines = [vars(record) for record in caplog.records if record.message == "secret_readable"]
    expected = [f"{', '.join(LITERAL_KEYS)} and 1 more"] if is_warned else []
    assert [line["key"] for line in lines] == expected
    assert {line["file"] for line in lines} == ({"shop.toml"} if is_warned else set())
    assert "hunter2" not in str(lines)


def test_a_configuration_without_secrets_may_be_read_by_all(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With its key in a file of its own, as `connect-login init` writes it, for nobody else to begin with."""
    init(tmp_path)
    assert (tmp_path / "connect.toml").stat().st_mode & 0o777 == 0o600
    (tmp_path / "connect.toml").chmod(0o644)
    load_settings(tmp_path / "connect.toml")
    assert not caplog.records


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("providers.wechat.mini.app_secret", "x", True),
        ("providers.github.client_secret", "x", True),
        ("accounts.pay.aes_key", "x", True),
        ("accounts.pay.app_cert", "-----BEGIN RSA PRIVATE KEY-----", True),
        ("service.redis_url", "redis://:x@cache", True),
        ("service.redis_url", "redis://cache", False),
        ("service.database_url", "postgresql+psycopg://shop@db/shop?password=x", True),
        ("service.database_url", "mysql+pymysql://shop@db/shop?charset=utf8mb4&passwd=x", True),
        ("service.database_url", "postgresql+psycopg://shop@db/shop?passfile=/etc/pgpass", False),
        ("providers.telegram.bot_token", "x", True),
        ("webhooks.crm.secrets.1", "x", True),
        ("sessions.access_token", "10m", False),
        ("providers.acme.token_url", "https://acme.example", False),
        ("accounts.pay.alipay_public_key", "MIIB", False),
        ("providers.acme.key_id", "x", False),
        ("service.database_url", "http://[", False),
        ("providers.github.client_secret", "", False),
    ],
)
def test_what_is_a_secret(key: str, text: str, expected: bool) -> None:  # noqa: FBT001 - a case of the table
    """By the key's name, a private key in the text, or a password in an address."""
    assert is_secret(key, text) is expected


def test_every_secret_of_every_plugin_is_one_by_its_key() -> None:
    """`connect.toml` is read before the plugins are, so that the key's name must tell."""
    models = {name: plugin.provider.Settings for name, plugin in installed_plugins().available.items()}
    secrets = {
        f"providers.{name}.{key}"
        for name, model in models.items()
        for key, field in model.model_fields.items()
        if SecretStr in (field.annotation, *get_args(field.annotation))
    }
    assert len(secrets) > len(models) / 2
    assert [key for key in sorted(secrets) if not is_secret(key, "x")] == []
