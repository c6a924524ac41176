"""Alipay's settings: what start-up tells an operator, before anybody tries to log in."""

import base64
import re
import tomllib
from pathlib import Path

import pytest

import connect_alipay
from connect_alipay import AlipayProvider
from connect_alipay.refusals import CLASSES
from connect_alipay.settings import AlipaySettings
from connect_core.plugin import Provider, SettingsError
from connect_core.settings import check_provider_settings

from ..kit.alipay_vendor import (
    ALIPAYS,
    APP_ID,
    KEY_MODE,
    OURS,
    TOKEN,
    V3_MODE,
    Transport,
    answer,
    provider,
    response,
)

README = Path(connect_alipay.__file__).with_name("README.md").read_text("utf-8")
CERTIFICATES = {"app_cert": "PEM", "alipay_cert": "PEM", "alipay_root_cert": "PEM"}


def check(settings: dict[str, object]) -> AlipaySettings:
    """Check settings as start-up does."""
    checked = check_provider_settings(AlipaySettings, settings, "providers.alipay")
    assert isinstance(checked, AlipaySettings)
    return checked


def one_line(pem: str) -> str:
    """Return the base64 of a PEM block, as Alipay's console and key tool hand it out."""
    return "".join(pem.splitlines()[1:-1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"app_id": ""}, "app_id"),
        ({"app_id": "2021 0001"}, "app_id"),
        ({"private_key": None}, "private_key: is missing"),
        ({"alipay_public_key": ""}, "alipay_public_key is missing.*app_cert, alipay_cert, alipay_root_cert"),
        (CERTIFICATES, "either alipay_public_key or app_cert.*not both"),
        ({"app_cert": "PEM"}, "not both"),
        ({"alipay_public_key": "", **CERTIFICATES, "app_cert": ""}, "needs app_cert too"),
        ({"alipay_public_key": "", "app_cert": "PEM"}, "needs alipay_cert and alipay_root_cert too"),
        ({"protocol": "v3", "charset": "gbk", "gateway_url": None}, "charset.*utf-8"),
        ({"protocol": "v3"}, "gateway_url.*origin alone"),
        ({"protocol": "v4"}, "protocol"),
        ({"charset": "latin-1"}, "charset"),
        ({"environment": "test"}, "environment"),
        ({"pid": "2088"}, "pid"),
        ({"scope": "auth_user&app_id=1"}, "scope"),
        ({"gateway_url": "http://openapi.alipay.com/gateway.do"}, "gateway_url.*https"),
        ({"authorize_url": "openauth.alipay.com"}, "authorize_url"),
        ({"alipay_publickey": "x"}, "alipay_publickey: unknown key; did you mean `alipay_public_key`"),
        ({"skip_sign": True}, "skip_sign: unknown key"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, object], message: str) -> None:
    """Every mistake names its key; the value is in no message."""
    merged = {key: value for key, value in {**KEY_MODE, **changes}.items() if value is not None}
    with pytest.raises(SettingsError, match=message) as caught:
        check(merged)
    assert "BEGIN" not in str(caught.value)


def test_minimal_settings_are_four_lines() -> None:
    """App id and two keys are enough."""
    settings = check({key: KEY_MODE[key] for key in ("app_id", "private_key", "alipay_public_key")})
    assert (settings.protocol, settings.charset, settings.environment) == ("v2", "utf-8", "production")


PRIVATE_FORMS = {
    "pkcs8": OURS.pkcs8_pem(),
    "pkcs1": OURS.pkcs1_pem(),
    "pkcs8 bare": one_line(OURS.pkcs8_pem()),
    "pkcs1 bare": one_line(OURS.pkcs1_pem()),
    "crlf": OURS.pkcs8_pem().replace("\n", "\r\n"),
    "one line with backslash n": OURS.pkcs1_pem().replace("\n", "\\n"),
}


@pytest.mark.parametrize("form", PRIVATE_FORMS)
async def test_private_key_is_taken_in_every_form_the_console_gives(form: str) -> None:
    """PKCS#1 and PKCS#8, armoured or bare, with any line ends."""
    transport = Transport([answer(TOKEN)])
    mode = {
        **KEY_MODE,
        "private_key": PRIVATE_FORMS[form],
        "alipay_public_key": one_line(KEY_MODE["alipay_public_key"]),
    }
    assert (await provider(transport, mode).login_callback(response())).app_id == APP_ID


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alipay_public_key": OURS.public_key().spki_pem()}, "alipay_public_key.*app's own public key.*Alipay's"),
        ({"alipay_public_key": one_line(OURS.public_key().spki_pem())}, "alipay_public_key.*app's own public key"),
        ({"alipay_public_key": "MIIB"}, "alipay_public_key"),
        ({"alipay_public_key": ALIPAYS.pkcs8_pem()}, "alipay_public_key"),
        ({"private_key": "garbage"}, "private_key"),
        ({"private_key": ""}, "private_key"),
        ({"private_key": OURS.public_key().spki_pem()}, "private_key"),
        ({"aes_key": "not base64!"}, "aes_key"),
        ({"aes_key": base64.b64encode(b"too short").decode()}, "aes_key"),
    ],
)
@pytest.mark.parametrize("mode", [KEY_MODE, V3_MODE])
def test_key_that_cannot_work_is_told_at_start_up(mode: dict[str, str], changes: dict[str, str], message: str) -> None:
    """Swapped, broken and foreign keys are refused by the name of their setting, before the first login."""
    with pytest.raises(SettingsError, match=message) as caught:
        provider(b"", {**mode, **changes})
    assert len(caught.value.mistakes) == 1
    assert not [value for value in changes.values() if value and value in str(caught.value)]


def test_secrets_are_in_no_repr() -> None:
    """Neither settings nor provider show a key."""
    alipay = provider(b"", aes_key=base64.b64encode(bytes(16)).decode())
    shown = f"{alipay.settings!r}{vars(alipay)!r}{alipay._keys!r}"
    secrets = [one_line(OURS.pkcs8_pem())[:80], base64.b64encode(bytes(16)).decode(), repr(bytes(16))]
    assert not [secret for secret in secrets if secret in shown]


def test_connect_register_providers_offers_alipay_with_its_sandbox() -> None:
    """The hook registers the plugin under the name of its entry point."""
    offered: list[tuple[str, type[Provider], str, str]] = []

    def register(name: str, provider: type[Provider], *, sandbox: str = "", icon: str = "") -> None:
        offered.append((name, provider, sandbox, icon))

    connect_alipay.connect_register_providers(register)
    assert offered == [("alipay", AlipayProvider, "connect_alipay.sandbox:AlipaySandbox", "connect_alipay:icon.svg")]


def test_readme_configurations_work() -> None:
    """What the README shows passes start-up's check, but for the files it names."""
    blocks = re.findall(r"^```toml\n(.+?)^```", README, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        tables = tomllib.loads(block)
        table = tables["providers"]["alipay"]
        clients = {name: value for name, value in table.items() if isinstance(value, dict)}
        common = {name: value for name, value in table.items() if name not in clients}
        for client in clients.values() or [{}]:
            assert check({**common, **client}).app_id != APP_ID


def test_readme_tells_every_setting_and_every_code() -> None:
    """A setting or a code of Alipay's that the operator cannot look up is not finished."""
    documented = set(re.findall(r"`([\w.-]+)`", README))
    assert set(AlipaySettings.model_fields) - documented == {"profile_max_age"} - documented
    assert set(CLASSES) - documented == set()
