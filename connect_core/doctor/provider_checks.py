"""The checks of one provider: its own settings, its certificates, and what its vendor says to a made-up code.

Owns their order. A plugin that fails is a finding, and no finding contains a secret, a code or a query.
"""

from collections.abc import Callable
from dataclasses import replace

from connect_core.doctor.callback_addresses import find_callback_address
from connect_core.doctor.certificate_checks import check_certificates
from connect_core.doctor.code_probe import probe_with_code
from connect_core.doctor.login_urls import check_login_url
from connect_core.doctor.openid_checks import check_openid
from connect_core.doctor.plugin_checks import ask_plugin
from connect_core.doctor.vendor_clocks import check_clock
from connect_core.findings import Finding
from connect_core.providers.oidc import OidcProvider
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider


async def check_provider(
    configured: ConfiguredProvider, *, offline: bool, callback_url: str, now: Callable[[], float]
) -> list[Finding]:
    """Return what is to be said of a provider as one client type has it, the most basic first.

    `offline` leaves out every call to the vendor. `callback_url` is our callback for this provider and client type, as
    it is sent to the vendor; `now` returns seconds since the epoch. Calls the vendor a few times, each time within
    the deadline of a login. Raises nothing; any number of checks may run at the same time.
    """
    findings = [
        *ask_plugin(configured.provider),
        *check_certificates(configured.provider, now()),
        *find_callback_address(configured, callback_url),
    ]
    if not offline:
        findings += await _call_vendor(configured, callback_url)
    subject = f"{configured.name}/{configured.client_type}"
    return [replace(finding, subject=subject) for finding in dict.fromkeys(findings)]


async def _call_vendor(configured: ConfiguredProvider, callback_url: str) -> list[Finding]:
    findings: list[Finding] = []
    issuer, can_log_in = "", True
    if isinstance(configured.provider, OidcProvider):
        openid = await check_openid(configured.provider, configured.entrance)
        findings, issuer, can_log_in = openid.findings, openid.issuer, openid.is_usable
    if can_log_in and configured.entrance is not Entrance.CLIENT_CODE:
        findings += await check_login_url(configured, callback_url)
    if can_log_in and configured.entrance is not Entrance.CREDENTIAL:
        findings += await probe_with_code(configured, callback_url, issuer)
    return [*findings, *check_clock(configured.provider)]
