"""Plugins that raise, hang or return nonsense are findings; checks run side by side, and offline they call nobody."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import pytest

from connect_core.doctor import plugin_checks
from connect_core.doctor.provider_checks import check_provider
from connect_core.findings import Finding, Level
from connect_core.http import HttpPool
from connect_core.identity import ClientType, Identity
from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    CodeInvalid,
    Entrance,
    Provider,
    ProviderSettings,
    Register,
    SecretStr,
    hookimpl,
)
from connect_core.providers.registry import Plugins

from ..kit.configured_providers import bad, check, configure, find, ids, serve_sandbox

SECRET = "s3cr3t-of-the-shop"
WELL: Mapping[str, Any] = {"client_secret": SECRET}


class StrangerSettings(ProviderSettings):
    """One registration."""

    client_secret: SecretStr


class Stranger(Provider):
    """A provider whose methods do what a test puts in their place."""

    union_type = "STRANGER"
    titles = {"en": "Stranger", "zh": "Stranger"}
    entrances: ClassVar = {ClientType.PC: Entrance.REDIRECT}
    Settings = StrangerSettings
    begin: Callable[[], str] = staticmethod(lambda: "https://vendor.example/login")
    redeem: Callable[[], Identity]
    find: Callable[[], Any] = staticmethod(list)
    expire: Callable[[], Any] = staticmethod(dict)

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Do what the test says."""
        return self.begin()

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Do what the test says."""
        return self.redeem()

    def check(self) -> Iterable[Finding]:
        """Do what the test says."""
        found: Iterable[Finding] = self.find()
        return found

    def get_certificate_expiries(self) -> Mapping[str, int]:
        """Do what the test says."""
        expiries: Mapping[str, int] = self.expire()
        return expiries


def fail(error: BaseException) -> Callable[[], Any]:
    """Return a function that raises."""

    def raise_it() -> Any:
        raise error

    return raise_it


def refuse() -> Any:
    """Refuse the code without a call."""
    raise CodeInvalid("no code of ours")


async def check_stranger(**methods: Callable[[], Any]) -> list[Finding]:
    """Return the findings of a provider with these methods."""
    functions = {name: staticmethod(method) for name, method in {"redeem": refuse, **methods}.items()}
    provider = type("Strange", (Stranger,), functions)

    class Plugin:
        @hookimpl
        def connect_register_providers(self, register: Register) -> None:
            register("stranger", provider)

    return await check("stranger", "pc", WELL, plugins=Plugins([("stranger", Plugin())], discover=False))


@pytest.mark.parametrize("method", ["begin", "redeem", "find", "expire"])
@pytest.mark.parametrize("error", [RuntimeError(SECRET), SystemExit(1), asyncio.CancelledError()], ids=type)
async def test_a_plugin_that_raises(method: str, error: BaseException) -> None:
    """Whatever a plugin raises is a finding with the place, never a traceback or its text."""
    findings = await check_stranger(**{method: fail(error)})
    assert bad(findings) == ["plugin_failed"]
    finding = find(findings, "plugin_failed")
    assert finding.level is Level.BROKEN
    assert type(error).__name__ in finding.text
    assert SECRET not in finding.text


@pytest.mark.parametrize(
    "methods",
    [
        {"find": lambda: ["it is broken"]},
        {"find": lambda: None},
        {"expire": lambda: {"app_cert": "2026-11-28"}},
        {"expire": lambda: {"app_cert": 10**15}},
        {"expire": lambda: [1]},
    ],
)
async def test_a_plugin_that_returns_nonsense(methods: dict[str, Callable[[], Any]]) -> None:
    """A result of another type is the plugin's error."""
    assert bad(await check_stranger(**methods)) == ["plugin_failed"]


async def test_a_plugin_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check of a plugin that does not end is interrupted."""
    monkeypatch.setattr(plugin_checks, "PATIENCE_SECONDS", 0.2)
    began_at = time.monotonic()
    assert bad(await check_stranger(find=lambda: time.sleep(20))) == ["plugin_failed"]
    assert time.monotonic() - began_at < 5


async def test_what_a_plugin_finds_is_shown() -> None:
    """A plugin's own findings come with the subject of the provider; certificates are judged by the doctor."""
    own = Finding("vendor_contract_ends", Level.WARNING, "the contract ends in May", "Renew it.")
    findings = await check_stranger(find=lambda: iter([own]), expire=lambda: {"client_cert": int(time.time()) - 5})
    assert find(findings, "vendor_contract_ends").subject == "stranger/pc"
    assert bad(findings) == ["vendor_contract_ends", "certificate_expired"]


async def test_a_login_that_calls_nobody_proves_nothing() -> None:
    """A provider that refuses a code by itself shows nothing of the app's settings."""
    findings = await check_stranger()
    assert bad(findings) == []
    assert "credentials_not_told" in ids(findings)


async def test_offline_nobody_is_called() -> None:
    """`offline` looks at what is configured alone."""
    for name, client in (("alipay", "pc"), ("oidc", "pc"), ("unionpay", "h5"), ("apple", "app")):
        with serve_sandbox(name) as (sandbox, url):
            findings = await check(name, client, sandbox.settings(url, ClientType(client)), offline=True)
            assert not sandbox.calls
        assert bad(findings) == []


async def test_checks_run_side_by_side() -> None:
    """Fifty checks of one provider at once have the results of one: which calls were answered is not mixed up."""
    pool = HttpPool()
    with serve_sandbox("github") as (sandbox, url), serve_sandbox("telegram-mini") as (telegram, telegram_url):
        calling = configure("github", "pc", sandbox.settings(url, ClientType.PC), pool)
        silent_settings = telegram.settings(telegram_url, ClientType.MINI)
        silent = configure("telegram-mini", "mini", silent_settings, pool)
        checks = [
            check_provider(configured, offline=False, callback_url="https://shop.example/cb", now=time.time)
            for configured in [calling, silent] * 25
        ]
        results = await asyncio.gather(*checks)
    await pool.aclose()
    verdicts = [[id_ for id_ in ids(findings) if id_.startswith("credentials_")] for findings in results]
    assert verdicts == [["credentials_accepted"], ["credentials_not_told"]] * 25
