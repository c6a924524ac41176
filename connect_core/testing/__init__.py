"""What a plugin is proved with: `ProviderContract`, which every provider runs, ours and strangers'.

    class TestAcme(ProviderContract):
        plugin = "acme"

Every test is a login through the plugin's sandbox over real HTTP, for each client type the provider serves. A test that
is not about one client type alone goes through all of them.
"""

try:
    import pytest
except ModuleNotFoundError as error:
    if error.name != "pytest":
        raise
    missing = 'connect_core.testing needs pytest: pip install "connect-login[testing]"'
    raise ModuleNotFoundError(missing, name="pytest") from None

pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in ("failures", "logins", "redaction", "running_shop")))

from connect_core.harness import RunningShop, Visitor, load_sandboxes, make_settings, run_shop, sandbox_settings  # noqa: E402 - asserts are rewritten before their modules are read
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
