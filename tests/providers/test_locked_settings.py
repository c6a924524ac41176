"""Locks of providers and accounts that lock nothing: every one is a mistake, with the nearest name that there is."""

from pathlib import Path
from typing import Any

import pytest

from connect_core.errors import SettingsError
from connect_core.harness import make_settings
from connect_core.providers.locked_settings import check_locks
from connect_core.providers.registry import Plugins
from connect_core.settings import Settings

PAY: dict[str, Any] = {"app_id": "1", "private_key": "k"}


def settings_of(**sections: Any) -> Settings:
    """A shop with an account and a provider that uses it, but for what a test says otherwise."""
    return make_settings(
        "https://shop.example", Path("connect.db"), service={"settings": "database"}, clients={}, **sections
    )


@pytest.mark.parametrize(
    ("sections", "mistake"),
    [
        (
            {"providers": {"wechat": {"locked": ["app_idd"]}}},
            "providers.wechat.locked: there is no key app_idd; did you mean `app_id`?",
        ),
        (
            {"providers": {"wechat": {"mini": {"locked": ["app_secrt"]}}}},
            "providers.wechat.mini.locked: there is no key app_secrt; did you mean `app_secret`?",
        ),
        (
            {"providers": {"wechat": {"mini": {"locked": ["plugin"]}}}},
            "providers.wechat.mini.locked: there is no key plugin",
        ),
        (
            {"providers": {"wechat": {"locked": ["mini"]}}},
            "providers.wechat.locked: mini is a table: write `locked = true` into [providers.wechat.mini]",
        ),
        (
            {"providers": {"wechta": {"locked": True}}},
            "providers.wechta.locked: there is no plugin wechta; did you mean `wechat`?",
        ),
        (
            {"providers": {"work": {"plugin": "oidc"}, "wrk": {"locked": True}}},
            "providers.wrk.locked: there is no plugin wrk; did you mean `work`?",
        ),
        (
            {"accounts": {"pay": PAY, "pya": {"locked": True}}},
            "accounts.pya.locked: there is nothing in this account; did you mean `pay`?",
        ),
        (
            {"accounts": {"pay": {**PAY, "locked": ["privat_key"]}}},
            "accounts.pay.locked: there is no key privat_key; did you mean `private_key`?",
        ),
        (
            {"accounts": {"pay": {**PAY, "locked": ["aes_kye"]}}, "providers": {"alipay": {"use": "pay"}}},
            "accounts.pay.locked: there is no key aes_kye; did you mean `aes_key`?",
        ),
    ],
)
def test_a_lock_that_locks_nothing(sections: dict[str, Any], mistake: str) -> None:
    """It is an error that names the lock and the nearest name that would be right."""
    with pytest.raises(SettingsError) as refused:
        check_locks(settings_of(**sections), Plugins(loads_ours=False))
    assert refused.value.mistakes == (mistake,)


def test_all_mistakes_are_reported_together() -> None:
    """A line for each."""
    sections = {"wechat": {"locked": ["a", "b"]}, "wechta": {"locked": True}}
    with pytest.raises(SettingsError) as refused:
        check_locks(settings_of(providers=sections), Plugins(loads_ours=False))
    assert len(refused.value.mistakes) == 3


def test_what_a_plugin_or_an_account_has_can_be_locked() -> None:
    """Keys that are not set, of the core too, keys of other software in an account, and whole tables."""
    settings = settings_of(
        accounts={"pay": {**PAY, "notify_url": "x", "locked": ["notify_url", "aes_key"]}},
        providers={
            "alipay": {"use": "pay", "locked": ["use", "scope", "profile_max_age"], "mini": {"locked": True}},
            "work": {"plugin": "oidc", "locked": ["issuer", "plugin"]},
        },
    )
    check_locks(settings, Plugins(loads_ours=False))


def test_without_locks_no_plugin_is_loaded() -> None:
    """What is not used costs nothing."""
    plugins = Plugins(loads_ours=False)
    before = set(plugins.unloaded)
    check_locks(settings_of(limits={"locked": True}, providers={"wechat": {}}), plugins)
    assert plugins.unloaded == before
