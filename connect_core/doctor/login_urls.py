"""Whether a login can begin: the provider makes a login URL, or the string that a native SDK takes."""

import secrets

from connect_core.doctor.calls_to_vendors import find_trouble
from connect_core.doctor.kinds import Kind
from connect_core.doctor.plugin_checks import SUBJECT, get_failure
from connect_core.errors import ConnectError, PluginFailed
from connect_core.findings import Finding, Level
from connect_core.http import TOTAL_DEADLINE
from connect_core.providers import calls
from connect_core.providers.provider import AuthorizationRequest
from connect_core.providers.registry import ConfiguredProvider

FAILS = Kind(
    "login_url_fails",
    Level.BROKEN,
    SUBJECT,
    "The provider makes no login URL, or no string for the vendor's SDK, so no login can begin.",
    "Add or correct the setting that this finding names.",
)


async def check_login_url(configured: ConfiguredProvider, callback_url: str) -> list[Finding]:
    """Return why no login can begin; nothing when one can."""
    request = AuthorizationRequest(
        client_type=configured.client_type,
        redirect_uri=callback_url,
        state=secrets.token_hex(16),
        nonce=secrets.token_hex(16),
        code_challenge=secrets.token_urlsafe(32),  # as long as the hash of a verifier
    )
    try:
        await calls.get_login_url(configured.provider, request, TOTAL_DEADLINE)
    except ConnectError as error:
        if isinstance(error, PluginFailed):
            return [get_failure(error)]
        return [find_trouble(error) or FAILS.report(f"no login can begin: {error}")]
    return []
