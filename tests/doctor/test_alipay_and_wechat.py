"""What the doctor tells of Alipay's and WeChat's registrations: keys, certificates, ids, and the vendor's own words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connect_alipay.sandbox import AlipayOptions, AlipaySandbox
from connect_alipay.sandbox_keys import get_chain, get_key, join_pem
from connect_core.errors import SettingsError
from connect_core.findings import Level
from connect_core.identity import ClientType
from connect_core.plugin import load_certificates
from connect_core.sandbox import Sandbox, sandbox_app, serving

from ..kit.configured_providers import bad, check, find, ids, serve_sandbox

TOKEN = "alipay.system.oauth.token"
DAY = 24 * 3600


@contextmanager
def alipay(**options: Any) -> Iterator[tuple[Sandbox, dict[str, Any]]]:
    """Serve Alipay's sandbox; yields it and the right settings of a website."""
    sandbox = AlipaySandbox(AlipayOptions(**options))
    with serving(sandbox_app({"alipay": sandbox})) as url:
        yield sandbox, dict(sandbox.settings(f"{url}/alipay", ClientType.PC))


@pytest.mark.parametrize(
    "options", [{}, {"mode": "certificate"}, {"protocol": "v3"}, {"charset": "gbk"}, {"aes": True}]
)
async def test_right_settings_prove_both_keys(options: dict[str, Any]) -> None:
    """`isv.code-invalid` with a valid signature proves gateway, app id, keys and clock in every mode."""
    with alipay(**options) as (sandbox, raw):
        findings = await check("alipay", "pc", raw)
        assert sandbox.called(TOKEN) == 1
    assert bad(findings) == []
    assert "isv.code-invalid" in find(findings, "credentials_accepted").text
    assert "vendor_key_not_told" not in ids(findings)


@pytest.mark.parametrize("protocol", ["v2", "v3"])
async def test_another_key_of_alipay(protocol: str) -> None:
    """An `alipay_public_key` that is not Alipay's is told, although Alipay accepts our signature."""
    with alipay(protocol=protocol) as (_, raw):
        other = get_key("stranger").public_key().spki_pem()
        findings = await check("alipay", "pc", {**raw, "alipay_public_key": other})
    assert bad(findings) == ["vendor_key_wrong"]


async def test_the_own_public_key_stops_the_service() -> None:
    """The app's own public key in the place of Alipay's is refused at start-up, as before."""
    with alipay() as (_, raw):
        own = get_key("app").public_key().spki_pem()
        with pytest.raises(SettingsError, match="app's own public key"):
            await check("alipay", "pc", {**raw, "alipay_public_key": own})


@pytest.mark.parametrize(
    ("setting", "value", "word", "remedy"),
    [
        ("app_id", "2021000117659999", "isv.invalid-app-id", "app_id"),
        ("private_key", get_key("merchant").pkcs8_pem(), "isv.invalid-signature", "public key of private_key"),
    ],
)
async def test_a_wrong_registration(setting: str, value: str, word: str, remedy: str) -> None:
    """Alipay's own sub code is quoted, and the remedy names the setting."""
    with alipay() as (_, raw):
        finding = find(await check("alipay", "pc", {**raw, setting: value}), "credentials_refused")
    assert word in finding.text
    assert remedy in finding.remedy


async def test_public_key_mode_of_an_app_with_certificates() -> None:
    """An app that the console has in certificate mode is told to need all three certificates."""
    with alipay() as (_, in_key_mode), alipay(mode="certificate") as (_, raw):
        addresses = {name: raw[name] for name in ("gateway_url", "authorize_url")}
        finding = find(await check("alipay", "pc", {**in_key_mode, **addresses}), "credentials_refused")
    assert "isv.missing-app-cert-sn" in finding.text
    assert "alipay_root_cert" in finding.remedy


@pytest.mark.parametrize("protocol", ["v2", "v3"])
async def test_a_refusal_without_a_signature_does_not_prove_the_key(protocol: str) -> None:
    """The app is accepted; whether the public key is Alipay's stays open, and is said so."""
    with alipay(protocol=protocol) as (sandbox, raw):
        sandbox.faults.add("unsigned_error", "40002:isv.code-invalid", on=TOKEN)
        findings = await check("alipay", "pc", raw)
    assert bad(findings) == []
    assert {"credentials_accepted", "vendor_key_not_told"} <= set(ids(findings))


async def test_a_native_app_without_a_partner_id() -> None:
    """`pid` is needed to begin a login in a native app, and its absence is told without a login."""
    with alipay() as (sandbox, _):
        raw = dict(sandbox.settings("http://127.0.0.1:1", ClientType.APP))
        del raw["pid"]
        finding = find(await check("alipay", "app", raw), "login_url_fails")
    assert "pid" in finding.text


@pytest.mark.parametrize(
    ("days_left", "finding_id", "level", "words"),
    [
        (31.5, "certificate_valid", Level.OK, "valid until"),
        (29.5, "certificate_expires", Level.WARNING, "in 29 days"),
        (6.5, "certificate_expires", Level.WARNING, "every login fails"),
        (0.5, "certificate_expires", Level.BROKEN, "within a day"),
        (-0.5, "certificate_expired", Level.BROKEN, "expired on"),
    ],
)
async def test_certificates_that_expire(days_left: float, finding_id: str, level: Level, words: str) -> None:
    """30 days before its end a certificate is a warning, 7 days before it an urgent one, on its last day `broken`."""
    with alipay(mode="certificate") as (_, raw):
        expiry = load_certificates(raw["app_cert"])[0].valid_until.timestamp()
        findings = await check("alipay", "pc", raw, offline=True, now=lambda: expiry - days_left * DAY)
    [finding] = [finding for finding in findings if "app_cert" in finding.text]
    assert (finding.id, finding.level) == (finding_id, level)
    assert words in finding.text
    assert "alipay_cert" in " ".join(finding.text for finding in findings)


async def test_a_certificate_that_has_expired_today() -> None:
    """A certificate of Alipay that really has expired is told before a login meets it."""
    with alipay(mode="certificate") as (_, raw):
        expired = join_pem(get_chain("expired"))
        findings = await check("alipay", "pc", {**raw, "alipay_cert": expired}, offline=True)
    assert bad(findings) == ["certificate_expired"]


async def test_certificates_that_do_not_belong_together() -> None:
    """A certificate of Alipay that does not lead to the configured root takes no newer one, so it is told."""
    with alipay(mode="certificate") as (_, raw):
        rogue = join_pem(get_chain("rogue"))
        findings = await check("alipay", "pc", {**raw, "alipay_cert": rogue}, offline=True)
    assert bad(findings) == ["certificate_chain_broken"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"app_id": "9021000122690000"}, ["sandbox_app_in_production"]),
        ({"app_id": "9021000122690000", "environment": "sandbox"}, []),
        ({"app_id": "2088102170000001"}, ["setting_malformed"]),
        ({"app_id": "my-app"}, ["setting_malformed"]),
        ({}, []),
    ],
)
async def test_the_form_of_an_app_id(change: dict[str, str], expected: list[str]) -> None:
    """Partner ids, other texts, and a sandbox's app at the production gateway are seen without a call."""
    with alipay() as (_, raw):
        del raw["gateway_url"], raw["authorize_url"]
        assert bad(await check("alipay", "pc", {**raw, **change}, offline=True)) == expected


@pytest.mark.parametrize(
    ("change", "expected", "remedy"),
    [
        ({"app_id": "wx5a7db0c0000000ff"}, ["credentials_refused"], "Compare app_id"),
        ({"app_secret": "ff" * 16}, ["credentials_refused"], "Compare app_secret"),
        ({"app_id": "gh_5a7db0c00000"}, ["setting_malformed", "credentials_refused"], "Compare app_id"),
        ({"app_secret": "short"}, ["setting_malformed", "credentials_refused"], "Compare app_secret"),
    ],
)
async def test_wechats_id_and_secret(change: dict[str, str], expected: list[str], remedy: str) -> None:
    """WeChat's 40013 and 40125 name the setting that is wrong; a wrong form is seen before the call."""
    with serve_sandbox("wechat") as (sandbox, url):
        findings = await check("wechat", "pc", {**sandbox.settings(url, ClientType.PC), **change})
    assert bad(findings) == expected
    assert remedy in find(findings, "credentials_refused").remedy


async def test_an_address_that_wechat_does_not_let_in() -> None:
    """A machine that is not on the allow-list is told to be put there."""
    with serve_sandbox("wechat") as (sandbox, url):
        sandbox.faults.add("error", 40164, on="token")
        finding = find(await check("wechat", "pc", sandbox.settings(url, ClientType.PC)), "credentials_refused")
    assert "allow-list" in finding.remedy


async def test_the_domain_is_what_wechat_registers() -> None:
    """WeChat's console takes a domain, Google's the origin too, Alipay's the whole address; mini programs take none."""
    addresses = {
        ("wechat", "pc"): "the domain shop.example",
        ("google", "pc"): "the origin https://shop.example",
        ("google-one-tap", "pc"): "must be the origin https://shop.example",
        ("apple", "h5"): "https://shop.example/connect/apple/h5/callback and the domain",
        ("alipay", "h5"): "the callback address https://shop.example/connect/alipay/h5/callback",
        ("wechat", "mini"): "",
        ("google", "app"): "",
    }
    for (name, client), address in addresses.items():
        with serve_sandbox(name) as (sandbox, url):
            findings = await check(name, client, sandbox.settings(url, ClientType(client)), offline=True)
        texts = [finding.text for finding in findings if finding.id == "callback_address"]
        assert [address in text for text in texts] == ([True] if address else [])
        assert {finding.subject for finding in findings} <= {f"{name}/{client}"}
