"""What a provider finds in its own settings (`ChecksItself`), and the finding for a plugin that fails at something."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from connect_core.doctor.kinds import Kind
from connect_core.errors import PluginFailed
from connect_core.findings import Finding, Level
from connect_core.providers.abilities import ChecksItself
from connect_core.providers.guarded import blame
from connect_core.providers.provider import Provider
from connect_core.providers.time_limit import limited

SUBJECT = "providers"
FAILED = Kind(
    "plugin_failed",
    Level.BROKEN,
    SUBJECT,
    "A provider's plugin raised an error of its own, hung, or returned something else than it should.",
    "Update the plugin, or report this line to its author.",
)
MALFORMED = Kind(
    "setting_malformed",
    Level.WARNING,
    SUBJECT,
    "A setting does not have the form that the vendor gives all values of its kind. Most likely it was copied from the "
    "wrong place, or not whole.",
    "Copy the setting again from the vendor's console.",
)
UNUSED = Kind(
    "setting_unused",
    Level.WARNING,
    SUBJECT,
    "A secret or key is configured that this client never uses, because another way to authenticate is set.",
    "Remove it, or correct token_endpoint_auth_method as registered at the provider.",
)
SANDBOX_APP = Kind(
    "sandbox_app_in_production",
    Level.WARNING,
    SUBJECT,
    "The app id is one of the vendor's sandbox, while its production hosts are called, which do not know it.",
    'Set environment = "sandbox", or give app id and keys of the app that is online.',
)
CHAIN_BROKEN = Kind(
    "certificate_chain_broken",
    Level.WARNING,
    SUBJECT,
    "The vendor's certificate does not lead to the configured root. Logins work until the vendor signs with a newer "
    "certificate, which then is not accepted.",
    "Download the vendor's certificates from its console again, and use them together.",
)
PATIENCE_SECONDS = 5.0
"""Seconds that a method of a plugin which calls nobody may take."""
Result = TypeVar("Result")


def ask_plugin(provider: Provider) -> list[Finding]:
    """Return what `ChecksItself.check` of the provider found; nothing for a provider without this ability.

    Our own plugins report the kinds of this module; another plugin may have further ones.
    """
    if not isinstance(provider, ChecksItself):
        return []
    findings = call_plugin(lambda: list(provider.check()))
    if isinstance(findings, PluginFailed):
        return [get_failure(findings)]
    if not all(map(_is_finding, findings)):
        return [get_failure(PluginFailed("check of the plugin returned something else than findings"))]
    return findings


def call_plugin(ask: Callable[[], Result]) -> Result | PluginFailed:
    """Return the result of `ask`, a method of a plugin that calls nobody, or what is wrong when it raises or hangs."""
    try:
        with limited(PATIENCE_SECONDS):
            return ask()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a stranger's code may raise anything
        return blame(error)


def get_failure(error: PluginFailed) -> Finding:
    """Return the finding for a plugin that failed."""
    return FAILED.report(f"the plugin has an error: {error}")


def _is_finding(value: object) -> bool:
    match value:
        case Finding(id=str(), level=Level(), text=str(), remedy=str()):
            return True
    return False


def get_credential_names(provider: Provider) -> list[str]:
    """Return the settings of the provider by which the vendor knows the app, in the order of its settings."""
    return list(_find_credential_names(provider))


def _find_credential_names(provider: Provider) -> Iterator[str]:
    for name, value in provider.settings:
        is_proof = name.endswith(("_secret", "private_key", "_token")) and not name.startswith("notice_")
        if value and (name.endswith("_id") or is_proof):
            yield name
