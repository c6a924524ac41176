"""Run the contract of all providers on Summit."""

from connect_core.testing import ProviderContract


class TestContract(ProviderContract):
    """On PC, H5 and in the mini program."""

    plugin = "summit"
