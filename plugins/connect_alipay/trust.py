"""Whose signature on an answer is accepted: Alipay's public key, or certificates that lead to the configured root.

Certificate mode: https://opendocs.alipay.com/common/02mse7

Makes no call itself: the gateway passes a function that downloads a certificate which is not known yet.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from connect_core.plugin import (
    Certificate,
    ProviderConfig,
    ProviderFault,
    ProviderUnsigned,
    RsaPublicKey,
    load_certificates,
    md5_hex,
)

RSA_SIGNATURES = "1.2.840.113549.1.1"
MAX_DOWNLOADED = 8  # certificates kept
RETRY_AFTER = 30.0  # seconds until a download that failed is tried again
_SERIAL = re.compile("[0-9a-f]{32}")

FetchCertificate = Callable[[str], Awaitable[str]]
"""Takes a certificate's serial, returns PEM text: that certificate first, then its issuers below the root."""


class SignatureTrust(Protocol):
    """What public-key mode and certificate mode have in common.

    `app_serial` and `root_serials` are sent with each request; both are empty in public-key mode.
    """

    app_serial: str
    root_serials: str

    def get_configured_key(self) -> RsaPublicKey:
        """Return Alipay's key from the settings. Raises `ProviderConfig` when its certificate is not valid now."""

    def find_key(self, serial: str) -> RsaPublicKey | None:
        """Return the key for an answer that names the certificate `serial`, None when that is unknown or not valid."""

    async def fetch_key(self, serial: str, fetch: FetchCertificate) -> RsaPublicKey | None:
        """Return the same, after downloading an unknown certificate with `fetch`. Raises `ProviderUnsigned`."""

    def check_validity(self, serial: str) -> None:
        """Raise `ProviderConfig` when `serial` is that of `alipay_cert`, which is not valid now."""


class PublicKeyTrust:
    """Public-key mode: one key, whatever certificate an answer names."""

    app_serial = root_serials = ""

    def __init__(self, key: RsaPublicKey) -> None:
        self._key = key

    def get_configured_key(self) -> RsaPublicKey:
        """Return the key."""
        return self._key

    def find_key(self, serial: str) -> RsaPublicKey | None:
        """Return the key."""
        return self._key

    async def fetch_key(self, serial: str, fetch: FetchCertificate) -> RsaPublicKey | None:
        """Return the key."""
        return self._key

    def check_validity(self, serial: str) -> None:
        """Do nothing: a key has no validity."""


@dataclass(frozen=True, slots=True)
class _Download:
    certificate: Certificate | None
    retry_at: float


class CertificateTrust:
    """Certificate mode: the configured certificate, and downloaded ones that lead to the configured roots."""

    def __init__(
        self,
        app: Certificate,
        alipay: Sequence[Certificate],
        roots: Sequence[Certificate],
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the configured certificates.

        `app`: the app's; `alipay`: Alipay's first, then its issuers; `roots`: all of `alipay_root_cert`. `now` returns
        the time in seconds since the epoch.
        """
        self.app_serial = get_serial(app)
        self.root_serials = get_root_serials(roots)
        self._configured, *self._issuers = alipay
        self._configured_serial = get_serial(self._configured)
        self._roots = roots
        self._now = now
        self._downloaded: dict[str, _Download] = {}
        self._download_lock = asyncio.Lock()

    def get_configured_key(self) -> RsaPublicKey:
        """Return the key of `alipay_cert`. Raises `ProviderConfig` when that is not valid now."""
        self.check_validity(self._configured_serial)
        return self._configured.public_key()

    def find_key(self, serial: str) -> RsaPublicKey | None:
        """Return the key of the certificate `serial`, None when it is not known or not valid now."""
        download = self._downloaded.get(serial)
        certificate = self._configured if serial == self._configured_serial else download and download.certificate
        return certificate.public_key() if certificate and certificate.is_valid_at(self._time()) else None

    async def fetch_key(self, serial: str, fetch: FetchCertificate) -> RsaPublicKey | None:
        """Return the key of the certificate `serial`, which is downloaded when it is not known yet.

        Concurrent logins share one download. After one that failed, the next is 30 seconds later at the earliest.
        Raises `ProviderUnsigned` when the download fails.
        """
        if self._is_missing(serial):
            async with self._download_lock:  # whoever waited for it finds the certificate there
                if self._is_missing(serial):
                    await self._download(serial, fetch)
        return self.find_key(serial)

    def check_validity(self, serial: str) -> None:
        """Raise `ProviderConfig` when `serial` is that of `alipay_cert`, which is not valid now."""
        certificate = self._configured
        if serial == self._configured_serial and not certificate.is_valid_at(self._time()):
            validity = f"{certificate.valid_from:%Y-%m-%d} to {certificate.valid_until:%Y-%m-%d}"
            raise ProviderConfig(f"alipay_cert: it is valid from {validity}, and not now; give Alipay's present one")

    def _is_missing(self, serial: str) -> bool:
        if serial == self._configured_serial or not _SERIAL.fullmatch(serial):
            return False
        download = self._downloaded.get(serial)
        return download is None or (download.certificate is None and self._now() >= download.retry_at)

    async def _download(self, serial: str, fetch: FetchCertificate) -> None:
        try:
            certificate = self._accept(serial, await fetch(serial))
        except (ProviderFault, ValueError) as error:
            self._remember(serial, None)
            raise ProviderUnsigned("the certificate that signed the answer cannot be fetched") from error
        self._remember(serial, certificate)

    def _remember(self, serial: str, certificate: Certificate | None) -> None:
        self._downloaded.pop(serial, None)
        self._downloaded[serial] = _Download(certificate, self._now() + RETRY_AFTER)
        while len(self._downloaded) > MAX_DOWNLOADED:
            del self._downloaded[next(iter(self._downloaded))]

    def _accept(self, serial: str, pem: str) -> Certificate | None:
        # Whoever could forge the answer could forge the download, so the certificate counts only if its chain leads to
        # a configured root. Merchants' certificates lead to the same root: the issuer must be that of alipay_cert, too.
        try:
            certificate, *issuers = load_certificates(pem)
            certificate.public_key()
        except ValueError:
            return None
        is_alipays = get_serial(certificate) == serial and certificate.issuer_text == self._configured.issuer_text
        is_chained = is_alipays and certificate.chains_to(self._roots, [*self._issuers, *issuers], self._time())
        return certificate if is_chained else None

    def _time(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)


def get_serial(certificate: Certificate) -> str:
    """Return what Alipay calls a certificate's serial: MD5 over its issuer (RFC 2253) and its serial number in decimal.

    The result is 32 hexadecimal digits. https://opendocs.alipay.com/common/02mse7
    """
    return md5_hex(f"{certificate.issuer_text}{certificate.serial_number}")


def get_root_serials(roots: Sequence[Certificate]) -> str:
    """Return the serials of the roots that are signed with RSA, in file order, joined by `_`.

    The kind of the root's own key does not matter, only the algorithm of its signature.
    """
    return "_".join(get_serial(root) for root in roots if root.signature_oid.startswith(RSA_SIGNATURES))
