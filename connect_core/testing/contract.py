"""The contract whole: what is asked of logins, of a vendor's failures, and of what is told about them."""

from connect_core.testing.failures import Failures
from connect_core.testing.logins import Logins
from connect_core.testing.redaction import Redaction


class ProviderContract(Logins, Failures, Redaction):
    """What holds for every provider. A subclass names the installed `plugin`; all else is found out or asked.

    `clients` are the client types to prove, all by default. `make_sandbox` returns the sandbox; override it to prove
    another of its modes. `untrusted` and `refusals` take the place of the sandbox's `get_untrusted` and `get_outcomes`.

    Which call redeems a code, which names the person and which is for the profile alone is seen in a login. A subclass
    that says so (`token_operation`, `id_operation`, `profile_operation`, as the sandbox calls them; "" for none) is
    taken at its word: a plugin that begins to ask more of its vendor then fails.
    """
