"""What a plugin's tests import: `ProviderContract`, and a shop with a visitor for tests of your own.

    from connect_core.testing import ProviderContract

    class TestAcme(ProviderContract):
        plugin = "acme"

pytest then runs every rule of the contract on the installed plugin `acme`, for each client type that it serves. A rule
logs in through the plugin's sandbox over real HTTP. Needs the extra `testing`.
"""

try:
    import pytest
except ModuleNotFoundError as error:
    if error.name != "pytest":
        raise
    missing = 'connect_core.testing needs pytest: pip install "connect-login[testing]"'
    raise ModuleNotFoundError(missing, name="pytest") from None

_WITH_RULES = ("abilities", "contract_rules", "documentation", "failures", "ids", "logins", "redaction")
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _WITH_RULES))

from connect_core.harness import RunningShop, Visitor, load_sandboxes, make_settings, run_shop, sandbox_settings  # noqa: E402 - pytest rewrites asserts only in modules that are named before their import
from connect_core.renamed import find_renamed  # noqa: E402 - the same
from connect_core.testing.contract import ProviderContract  # noqa: E402 - the same

__all__ = [
    "ProviderContract",
    "RunningShop",
    "Visitor",
    "load_sandboxes",
    "make_settings",
    "run_shop",
    "sandbox_settings",
]

_RENAMED = {"Stage": "RunningShop", "on_stage": "run_shop"}


def __getattr__(name: str) -> object:
    return find_renamed(__name__, name, _RENAMED, globals())
