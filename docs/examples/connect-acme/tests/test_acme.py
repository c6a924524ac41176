"""Run the contract of all providers on Acme."""

from connect_core.testing import ProviderContract


class TestContract(ProviderContract):
    """A returning member costs one call; a banned account is refused as `provider_denied`."""

    plugin = "acme"
    token_operation = "token"
    profile_operation = "userinfo"
    refusals = {"E_CODE": "code_invalid", "E_CLIENT": "provider_config", "E_BANNED": "provider_denied"}
