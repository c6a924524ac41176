"""Parses the keys and certificates of the settings once, at start-up, so that a wrong one stops the service there.

Keys: https://opendocs.alipay.com/common/02kipl
Certificates: https://opendocs.alipay.com/common/02mse7
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from connect_alipay.encryption import load_content_key
from connect_alipay.settings import AlipaySettings
from connect_alipay.trust import CertificateTrust, PublicKeyTrust, SignatureTrust
from connect_core.plugin import (
    RsaPrivateKey,
    SettingsError,
    load_certificates,
    load_private_key,
    load_public_key,
)

log = logging.getLogger("connect_login")
T = TypeVar("T")

WARNING_DAYS = 30
"""Days before a certificate's end from which each start of the service warns of it."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The parsed keys of one app.

    `private` signs requests; `trust` says whose signature on an answer is accepted; `content_key` is the AES key, None
    when the app does not encrypt.
    """

    private: RsaPrivateKey
    trust: SignatureTrust
    content_key: bytes | None = field(repr=False)


def load_keys(settings: AlipaySettings) -> Keys:
    """Return the parsed keys of `settings`.

    Raises `SettingsError` that names the setting which cannot be parsed, or which cannot be right: the app's own public
    key as `alipay_public_key`, a certificate of another key as `app_cert`, the app's own as `alipay_cert`.
    """
    private = _load("private_key", load_private_key, settings.private_key.get_secret_value())
    trust = _load_public_key(settings, private) if settings.alipay_public_key else _load_chain(settings, private)
    aes_key = settings.aes_key.get_secret_value() if settings.aes_key else ""
    return Keys(private, trust, _load("aes_key", load_content_key, aes_key) if aes_key else None)


def log_ends(settings: AlipaySettings, provider: str) -> None:
    """Log `certificate_ends` for each certificate that ends within `WARNING_DAYS`; as an error when it has ended.

    `provider` is the name under which the provider is configured.
    """
    if not settings.app_cert:
        return
    now = datetime.now(UTC)
    for key, pem in (("app_cert", settings.app_cert), ("alipay_cert", settings.alipay_cert)):
        ends = load_certificates(pem)[0].valid_until
        days_left = (ends - now).days
        if days_left < WARNING_DAYS:
            fields = {"provider": provider, "setting": key, "ends": f"{ends:%Y-%m-%d}", "days_left": days_left}
            log.log(logging.ERROR if ends < now else logging.WARNING, "certificate_ends", extra=fields)


def _load_public_key(settings: AlipaySettings, private: RsaPrivateKey) -> SignatureTrust:
    key = _load("alipay_public_key", load_public_key, settings.alipay_public_key)
    if key == private.public_key():
        raise SettingsError(
            ["alipay_public_key: this is the app's own public key; paste the one the console shows as Alipay's"]
        )
    return PublicKeyTrust(key)


def _load_chain(settings: AlipaySettings, private: RsaPrivateKey) -> SignatureTrust:
    app = _load("app_cert", load_certificates, settings.app_cert)[0]
    alipay = _load("alipay_cert", load_certificates, settings.alipay_cert)
    roots = _load("alipay_root_cert", load_certificates, settings.alipay_root_cert)
    app_key = private.public_key()
    if _load("app_cert", lambda _: app.public_key(), "") != app_key:
        raise SettingsError(["app_cert: this certificate does not belong to private_key"])
    if _load("alipay_cert", lambda _: alipay[0].public_key(), "") == app_key:
        raise SettingsError(["alipay_cert: this is the app's own certificate; give alipayCertPublicKey_RSA2.crt"])
    trust = CertificateTrust(app, alipay, roots)
    if not trust.root_serials:
        raise SettingsError(["alipay_root_cert: it holds no certificate that is signed with RSA"])
    return trust


def _load(key: str, load: Callable[[str], T], text: str) -> T:
    try:
        return load(text)
    except ValueError as error:
        raise SettingsError([f"{key}: {error}"]) from None
