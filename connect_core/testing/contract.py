"""`ProviderContract`: all rules of the contract in one class."""

from connect_core.testing.abilities import Abilities
from connect_core.testing.documentation import Documentation
from connect_core.testing.failures import Failures
from connect_core.testing.ids import Ids
from connect_core.testing.logins import Logins
from connect_core.testing.redaction import Redaction

CONTRACT_VERSION = 3
"""Rises when a rule is added, or asks for more."""


class ProviderContract(Logins, Ids, Documentation, Failures, Abilities, Redaction):
    """The rules that every provider keeps. Derive a test class from it and name the installed `plugin`.

        class TestAcme(ProviderContract):
            plugin = "acme"

    A rule that could try nothing is skipped with the reason; `connect-login plugin check` counts it as not run.

    You may also set or override:

    - `documented`: the requests of a login as the vendor documents them, each a `DocumentedRequest`; by default those
      of the sandbox. State them: without them nobody compares what your provider sends with the vendor's words.
    - `documented_ids`, `documented_profile`, `documented_phone`: whom the documented answers name, as in `Sandbox`.
    - `profile_parameters`: parameters of the client whose value is shown, unproved, as a name; by default the
      sandbox's. Ids never come from there.
    - `clients`: the client types to test; by default all that the provider serves.
    - `make_sandbox`: a class method that returns the sandbox; override it to test another of the sandbox's modes.
    - `untrusted`: faults after which a login must fail; by default the sandbox's `get_untrusted`.
    - `refusals`: the vendor's error codes with ours; by default the sandbox's `get_outcomes`. Empty: there are none.
    - `token_operation`, `id_operation`, `profile_operation`: the sandbox's names of the calls that redeem the code,
      name the person, and fetch the profile alone; "" for none. By default the contract finds them by watching a
      login. State them so that a change of the plugin which makes more calls fails the contract.
    """
