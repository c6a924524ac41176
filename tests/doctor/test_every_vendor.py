"""Every provider that connect-login brings: right settings are accepted, and a wrong app id or secret is told."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from connect_core.crypto import SigningKey
from connect_core.findings import Finding
from connect_core.identity import ClientType
from connect_core.providers.provider import Entrance
from connect_core.sandbox import Sandbox, sandbox_app, serving

from ..kit.configured_providers import PLUGINS, bad, check, ids

NAMES = [name for name in PLUGINS.available if PLUGINS.is_ours(name)]
CALLING = [
    (name, client.value)
    for name in NAMES
    for client, entrance in PLUGINS.available[name].provider.entrances.items()
    if entrance is not Entrance.CREDENTIAL
]
CREDENTIALS = ("client_id", "app_id", "client_secret", "app_secret", "private_key", "team_id", "key_id")
"""The settings by which vendors know an app."""
VERDICTS = ["credentials_accepted", "credentials_not_told"]

NOT_TOLD = {
    *((name, client) for name in ("bilibili", "coding", "figma", "jd", "meituan", "xiaomi") for client in ("pc", "h5")),
    *(("kuaishou", client) for client in ("pc", "h5", "app", "mini")),
    *(("unionpay", client) for client in ("h5", "app", "mini")),
    *(("xiaohongshu", "mini"), ("line", "mini"), ("qq", "mini")),
    # nobody is called with a made-up code
    *(("steam", "pc"), ("steam", "h5"), ("telegram-mini", "mini")),
}
"""The logins whose vendor answers a wrong secret as it answers a wrong code, or documents no error."""
UNUSED = {
    ("vk", "client_secret"),  # proves itself with PKCE alone
}
"""Settings that are not sent when a code is redeemed."""


@pytest.fixture(scope="module")
def vendors() -> Iterator[tuple[Mapping[str, Sandbox], str]]:
    """The sandboxes of all vendors; yields them and their common base URL."""
    sandboxes = {name: PLUGINS.available[name].load_sandbox()() for name in NAMES}
    with serving(sandbox_app(sandboxes)) as url:
        yield sandboxes, url


def get_settings(vendors: tuple[Mapping[str, Sandbox], str], name: str, client: str) -> dict[str, Any]:
    """Return the right settings of the provider at its sandbox."""
    sandboxes, url = vendors
    return dict(sandboxes[name].settings(f"{url}/{name}", ClientType(client)))


@cache
def other_key(text: str) -> str:
    """Return a private key of the kind of the key in `text`."""
    return SigningKey.generate(SigningKey.load(text).algorithm).pkcs8_pem()


def spoil(key: str, value: str) -> str:
    """Return another value of the same form."""
    if key == "private_key":
        return other_key(value)
    return value[:-1] + ("0" if value[-1] != "0" else "1")


@pytest.mark.parametrize(("name", "client"), CALLING)
async def test_right_settings_are_well(vendors: tuple[Mapping[str, Sandbox], str], name: str, client: str) -> None:
    """Nothing is warned of, and the vendor's refusal of a made-up code shows that it knows the app, where it can."""
    findings = await check(name, client, get_settings(vendors, name, client))
    assert bad(findings) == []
    [verdict] = [finding_id for finding_id in ids(findings) if finding_id in VERDICTS]
    assert verdict == VERDICTS[(name, client) in NOT_TOLD]
    assert vendors[0][name].crashes == type(vendors[0][name].crashes)(maxlen=100)


@pytest.mark.parametrize(("name", "client"), CALLING)
async def test_wrong_credentials_are_told(vendors: tuple[Mapping[str, Sandbox], str], name: str, client: str) -> None:
    """A wrong app id, secret or key is refused by the vendor, where it can tell it from a wrong code."""
    right = get_settings(vendors, name, client)
    for key in (key for key in CREDENTIALS if right.get(key) and (name, key) not in UNUSED):
        findings = await check(name, client, {**right, key: spoil(key, right[key])})
        if (name, client) in NOT_TOLD and "credentials_refused" not in ids(findings):
            assert "credentials_not_told" in ids(findings), key
            continue
        assert "credentials_refused" in ids(findings), key
        assert_no_secret(findings, right)


def assert_no_secret(findings: list[Finding], right: Mapping[str, Any]) -> None:
    """Fail when a finding quotes a secret."""
    secrets = [value for key, value in right.items() if key in ("client_secret", "app_secret", "private_key")]
    assert not [finding for finding in findings for value in secrets if value[:-1] in f"{finding.text}{finding.remedy}"]


def test_every_provider_is_tried() -> None:
    """All 76 are there, and each has at least one client type."""
    assert len(NAMES) == 76
    assert {(name, client) for name, client in CALLING} >= NOT_TOLD
