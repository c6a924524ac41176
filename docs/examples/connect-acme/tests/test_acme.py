"""Acme under the contract of all providers."""

from connect_core.testing import ProviderContract


class TestContract(ProviderContract):
    """One call for a returning member; a banned account is the person's affair."""

    plugin = "acme"
    token_operation = "token"
    profile_operation = "userinfo"
    refusals = {"E_CODE": "code_invalid", "E_CLIENT": "provider_config", "E_BANNED": "provider_denied"}
