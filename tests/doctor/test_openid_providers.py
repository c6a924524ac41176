"""What the doctor tells of OpenID providers: their documents, their keys, and how the client authenticates."""

from collections.abc import Iterator
from typing import Any

import pytest

from connect_core.crypto import SigningKey
from connect_core.findings import Level
from connect_core.identity import ClientType
from connect_core.sandbox import Sandbox

from ..kit.configured_providers import bad, check, find, ids, serve_sandbox

GARBAGE = '{"keys": "none"}'


@pytest.fixture
def provider() -> Iterator[tuple[Sandbox, dict[str, Any]]]:
    """An OpenID provider; yields its sandbox and the right settings."""
    with serve_sandbox("oidc") as (sandbox, url):
        yield sandbox, dict(sandbox.settings(url, ClientType.PC))


async def test_a_provider_without_a_fault(provider: tuple[Sandbox, dict[str, Any]]) -> None:
    """Discovery, keys and credentials are well, and each call is made once."""
    sandbox, raw = provider
    findings = await check("oidc", "pc", raw)
    assert bad(findings) == []
    assert {"discovery_usable", "jwks_usable", "credentials_accepted"} <= set(ids(findings))
    assert [call.operation for call in sandbox.calls] == ["discovery", "jwks", "token"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("answer", '{"issuer": "https://another.example"}'),
        ("answer", '{"token_endpoint": null}'),
        ("garbage", "<html>"),
        ("status", "404"),
    ],
)
async def test_a_discovery_document_that_is_none(
    provider: tuple[Sandbox, dict[str, Any]], kind: str, value: str
) -> None:
    """Another issuer, a missing endpoint, a page: no login can begin, and the token endpoint is not called."""
    sandbox, raw = provider
    sandbox.faults.add(kind, value, on="discovery")
    findings = await check("oidc", "pc", raw)
    assert bad(findings) == ["discovery_unusable"]
    assert not sandbox.called("token")


async def test_an_issuer_with_another_slash(provider: tuple[Sandbox, dict[str, Any]]) -> None:
    """The issuer is compared exactly, and the remedy says so."""
    _, raw = provider
    finding = find(await check("oidc", "pc", {**raw, "issuer": f"{raw['issuer']}/"}), "discovery_unusable")
    assert "exactly as" in finding.remedy


@pytest.mark.parametrize("keys", ['{"keys": []}', GARBAGE, "<html>"])
async def test_a_key_set_without_a_usable_key(provider: tuple[Sandbox, dict[str, Any]], keys: str) -> None:
    """No ID token could be checked, whatever the credentials are."""
    sandbox, raw = provider
    sandbox.faults.add("garbage", keys, on="jwks")
    findings = await check("oidc", "pc", raw)
    assert bad(findings) == ["jwks_unusable"]
    assert "credentials_accepted" in ids(findings)


async def test_keys_of_another_algorithm(provider: tuple[Sandbox, dict[str, Any]]) -> None:
    """A provider that signs with RSA alone has no key for a shop that takes ES256 alone."""
    _, raw = provider
    finding = find(await check("oidc", "pc", {**raw, "id_token_algorithms": ["ES256"]}), "jwks_unusable")
    assert "ES256" in finding.text


async def test_an_ability_that_the_provider_does_not_list(provider: tuple[Sandbox, dict[str, Any]]) -> None:
    """A way to authenticate that the document does not list is told beside the provider's refusal."""
    sandbox, raw = provider
    listed = '{"token_endpoint_auth_methods_supported": ["client_secret_basic"]}'
    sandbox.faults.add("answer", listed, on="discovery")
    findings = await check("oidc", "pc", {**raw, "token_endpoint_auth_method": "client_secret_post"})
    finding = find(findings, "auth_method_unsupported")
    assert finding.level is Level.WARNING
    assert "client_secret_post" in finding.text


async def test_a_document_that_lists_no_way_is_not_judged(provider: tuple[Sandbox, dict[str, Any]]) -> None:
    """Vendors such as LINE list none, and take another one than the standard's default."""
    sandbox, raw = provider
    sandbox.faults.add("answer", '{"token_endpoint_auth_methods_supported": null}', on="discovery")
    findings = await check("oidc", "pc", {**raw, "token_endpoint_auth_method": "client_secret_post"})
    assert "auth_method_unsupported" not in ids(findings)


async def test_a_key_that_nothing_uses(provider: tuple[Sandbox, dict[str, Any]]) -> None:
    """A private key beside a client secret that is sent is a mistake that start-up accepts."""
    _, raw = provider
    raw["token_endpoint_auth_method"] = "client_secret_basic"
    key = SigningKey.generate("ES256").pkcs8_pem()
    findings = await check("oidc", "pc", {**raw, "private_key": key}, offline=True)
    assert bad(findings) == ["setting_unused"]
    assert "private_key" in find(findings, "setting_unused").text


async def test_an_id_token_calls_no_token_endpoint() -> None:
    """A login by ID token is checked by the documents alone, and needs no way to authenticate."""
    with serve_sandbox("apple") as (sandbox, url):
        findings = await check("apple", "app", sandbox.settings(url, ClientType.APP))
        assert [call.operation for call in sandbox.calls] == ["discovery", "jwks"]
    assert bad(findings) == []
    assert "credentials_accepted" not in ids(findings)


@pytest.mark.parametrize("setting", ["team_id", "key_id"])
async def test_apples_ids(setting: str) -> None:
    """Apple's ids of team and key have ten characters."""
    with serve_sandbox("apple") as (sandbox, url):
        raw = {**sandbox.settings(url, ClientType.PC), setting: "too-short"}
        assert bad(await check("apple", "pc", raw, offline=True)) == ["setting_malformed"]
