"""The quick rules of the contract for every provider that connect-login brings; `tox -e contracts` runs all rules."""

import os

import pytest

from connect_core.providers.registry import Plugins, ProviderType
from connect_core.testing.report import Result, run_contract

IS_QUICK = os.environ.get("CONNECT_CONTRACTS") != "full"
PLUGINS = Plugins()
OURS = [plugin for name, plugin in PLUGINS.available.items() if PLUGINS.is_ours(name)]


def test_every_plugin_can_be_used() -> None:
    """None is set aside, and each has a sandbox."""
    assert PLUGINS.quarantined == {}
    assert [plugin.name for plugin in OURS if not plugin.sandbox] == []


@pytest.mark.parametrize("plugin", OURS, ids=lambda plugin: plugin.name)
def test_the_contract_holds(plugin: ProviderType) -> None:
    """No rule is broken, and the requests were compared with those that the vendor documents."""
    report = run_contract(plugin, is_quick=IS_QUICK)
    assert report.has_passed, report.to_markdown("now")
    assert IS_QUICK or report.count(Result.PASSED) >= 15
