"""Whether a shop that others reach has a sandbox in place of a vendor, where anybody can be anybody."""

from collections.abc import Iterator

from connect_core.doctor.kinds import Kind
from connect_core.findings import Finding, Level
from connect_core.providers.registry import ConfiguredProvider
from connect_core.providers.stand_ins import THIS_MACHINE

SUBJECT = "providers"
ON_THIS_MACHINE = Kind(
    "vendor_on_this_machine",
    Level.BROKEN,
    SUBJECT,
    "A provider of a public service has an address on this machine in place of its vendor's: a sandbox logs anybody "
    "in as anybody.",
    "Remove the addresses of the sandbox from the provider's settings.",
)
VENDOR_SANDBOX = Kind(
    "vendor_sandbox",
    Level.WARNING,
    SUBJECT,
    'A provider of a public service has `environment = "sandbox"`: the vendor\'s test accounts log in, its customers '
    "do not.",
    'Set environment = "production", with the app\'s own keys.',
)


def check_stand_in(configured: ConfiguredProvider) -> Iterator[Finding]:
    """Yield a finding for a provider that does not ask its vendor."""
    if not configured.stand_in:
        return
    is_here = configured.stand_in == THIS_MACHINE
    kind = ON_THIS_MACHINE if is_here else VENDOR_SANDBOX
    text = "an address in its settings is on this machine" if is_here else "it asks the vendor's sandbox"
    yield kind.report(text)
