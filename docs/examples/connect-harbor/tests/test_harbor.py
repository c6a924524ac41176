"""Runs the contract of all providers on Harbor."""

from connect_core.testing import ProviderContract


class TestContract(ProviderContract):
    """The contract learns the rest from a login.

    `connect-login plugin explain ProviderContract` lists what to override.
    """

    plugin = "harbor"
