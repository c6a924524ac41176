"""What a shop may have in place of a vendor: a sandbox, on this machine or the vendor's own. Knows no provider."""

from connect_core.settings import ProviderSettings

THIS_MACHINE, VENDOR_SANDBOX = "this machine", "sandbox"


def find_stand_in(settings: ProviderSettings) -> str:
    """Return what a provider's settings have in place of the vendor; empty for the vendor itself.

    Settings accept plain http for loopback hosts only: in a shop with a public URL that is a sandbox left configured.
    """
    if any(str(value).startswith("http:") for _, value in settings):
        return THIS_MACHINE
    return VENDOR_SANDBOX if getattr(settings, "environment", "") == "sandbox" else ""
