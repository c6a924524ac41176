"""What the doctor is told of an app's settings: their form, and certificates that expire or lead nowhere.

App ids: https://opendocs.alipay.com/common/02nebp
Sandbox: https://opendocs.alipay.com/common/02kkv7
Certificates: https://opendocs.alipay.com/common/02mse7

Calls nobody. What start-up refuses, such as keys that do not fit, is in `keys`.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from connect_alipay.settings import AlipaySettings
from connect_core.plugin import Finding, Level, load_certificates

_APP_ID = re.compile("[0-9]{16}")
_SANDBOX_APP_ID = re.compile("9021[0-9]{12}")
CHECKED_FOR_EXPIRY = ("app_cert", "alipay_cert")
"""Certificates whose end ends logins. The bundle of roots may hold expired ones, which nobody uses."""


def check_settings(settings: AlipaySettings, now: float) -> Iterator[Finding]:
    """Yield what is strange about settings that start-up accepts. `now` is in seconds since the epoch."""
    if not _APP_ID.fullmatch(settings.app_id):
        yield Finding(
            "setting_malformed",
            Level.WARNING,
            "app_id is not 16 digits, which every APPID of Alipay is.",
            "Copy the APPID from Alipay's console; the partner id (2088…) is another number.",
        )
    if settings.app_id.startswith("2088"):
        yield Finding(
            "setting_malformed",
            Level.WARNING,
            "app_id begins with 2088, as partner ids do.",
            "Copy the APPID of the app from Alipay's console, and give the partner id as pid.",
        )
    is_real = settings.environment == "production" and settings.gateway_url is None
    if is_real and _SANDBOX_APP_ID.fullmatch(settings.app_id):
        yield Finding(
            "sandbox_app_in_production",
            Level.WARNING,
            "app_id is one of Alipay's sandbox (9021…), and environment is production.",
            'Set environment = "sandbox", or give app_id and keys of the app that is online.',
        )
    if settings.alipay_cert:
        yield from _check_chain(settings, datetime.fromtimestamp(now, UTC))


def get_expiries(settings: AlipaySettings) -> Mapping[str, int]:
    """Return when each certificate expires, in seconds since the epoch; nothing in public-key mode."""
    texts = {name: getattr(settings, name) for name in CHECKED_FOR_EXPIRY}
    return {name: int(load_certificates(text)[0].valid_until.timestamp()) for name, text in texts.items() if text}


def _check_chain(settings: AlipaySettings, at: datetime) -> Iterator[Finding]:
    alipay, *issuers = load_certificates(settings.alipay_cert)
    roots = load_certificates(settings.alipay_root_cert)
    if alipay.is_valid_at(at) and not alipay.chains_to(roots, issuers, at):
        yield Finding(
            "certificate_chain_broken",
            Level.WARNING,
            "alipay_cert does not lead to a root in alipay_root_cert: no newer certificate of Alipay will be accepted.",
            "Download all three certificates from Alipay's console again, and use them together.",
        )
