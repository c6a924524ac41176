"""`ProviderContract`: all rules of the contract in one class."""

from connect_core.testing.failures import Failures
from connect_core.testing.logins import Logins
from connect_core.testing.redaction import Redaction


class ProviderContract(Logins, Failures, Redaction):
    """The rules that every provider keeps. Derive a test class from it and name the installed `plugin`.

        class TestAcme(ProviderContract):
            plugin = "acme"

    You may also set or override:

    - `clients`: the client types to test; by default all that the provider serves.
    - `make_sandbox`: a class method that returns the sandbox; override it to test another of the sandbox's modes.
    - `untrusted`: faults after which a login must fail; by default the sandbox's `get_untrusted`.
    - `refusals`: the vendor's error codes with ours; by default the sandbox's `get_outcomes`.
    - `token_operation`, `id_operation`, `profile_operation`: the sandbox's names of the calls that redeem the code,
      name the person, and fetch the profile alone; "" for none. By default the contract finds them by watching a
      login. State them so that a change of the plugin which makes more calls fails the contract.
    """
