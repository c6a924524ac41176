"""Whose signature on an answer is believed: Alipay's public key, or certificates below the configured root.

Never touches the wire: a certificate that is not known yet is asked for through a function that the gateway hands in.
Certificate mode: https://opendocs.alipay.com/common/02mse7
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
    ProviderFault,
    ProviderUnsigned,
    RsaPublicKey,
    load_certificates,
    md5_hex,
)

RSA_SIGNATURES = "1.2.840.113549.1.1"
KEPT = 8
RETRY_AFTER = 30.0
_SERIAL = re.compile("[0-9a-f]{32}")

FetchCertificate = Callable[[str], Awaitable[str]]
"""Takes a certificate's serial, answers PEM text: the certificate first, then what stands between it and the root."""


class SignatureTrust(Protocol):
    """What both key modes offer. The serials are those that requests carry, empty in key mode."""

    app_serial: str
    root_serials: str

    def find_own_key(self) -> RsaPublicKey | None:
        """Return the configured key of Alipay, None when its certificate is not valid now."""

    def find_key(self, serial: str) -> RsaPublicKey | None:
        """Return the key that an answer naming the certificate `serial` must be signed by, None when unknown."""

    async def fetch_key(self, serial: str, fetch: FetchCertificate) -> RsaPublicKey | None:
        """Return the same, asking `fetch` once for a certificate not seen before. Raises `ProviderUnsigned`."""


class PublicKeyTrust:
    """Key mode: one key, whatever certificate an answer names."""

    app_serial = root_serials = ""

    def __init__(self, key: RsaPublicKey) -> None:
        self._key = key

    def find_own_key(self) -> RsaPublicKey | None:
        """Return the key."""
        return self._key

    def find_key(self, serial: str) -> RsaPublicKey | None:
        """Return the key."""
        return self._key

    async def fetch_key(self, serial: str, fetch: FetchCertificate) -> RsaPublicKey | None:
        """Return the key."""
        return self._key


@dataclass(frozen=True, slots=True)
class _Known:
    certificate: Certificate | None
    ask_again: float


class CertificateTrust:
    """Certificate mode: the configured certificate, and those Alipay offers later that lead to the configured roots."""

    def __init__(
        self,
        app: Certificate,
        alipay: Sequence[Certificate],
        roots: Sequence[Certificate],
        now: Callable[[], float] = time.time,
    ) -> None:
        """`alipay`: Alipay's own certificate first, then its issuers. `now` answers seconds since the epoch."""
        self.app_serial = get_serial(app)
        self.root_serials = get_root_serials(roots)
        self._own, *self._issuers = alipay
        self._own_serial = get_serial(self._own)
        self._roots = roots
        self._now = now
        self._known: dict[str, _Known] = {}
        self._one_download = asyncio.Lock()

    def find_own_key(self) -> RsaPublicKey | None:
        """Return the key of `alipay_cert`, None when that is not valid now."""
        return self.find_key(self._own_serial)

    def find_key(self, serial: str) -> RsaPublicKey | None:
        """Return the key of the certificate `serial` if it is known and valid now."""
        known = self._known.get(serial)
        certificate = self._own if serial == self._own_serial else known and known.certificate
        return certificate.public_key() if certificate and certificate.is_valid_at(self._time()) else None

    async def fetch_key(self, serial: str, fetch: FetchCertificate) -> RsaPublicKey | None:
        """Return the key of the certificate `serial`, downloaded once; a failure is not tried again for 30 seconds.

        Raises `ProviderUnsigned` when the download fails.
        """
        if self._is_missing(serial):
            async with self._one_download:
                if self._is_missing(serial):
                    await self._download(serial, fetch)
        return self.find_key(serial)

    def _is_missing(self, serial: str) -> bool:
        if serial == self._own_serial or not _SERIAL.fullmatch(serial):
            return False
        known = self._known.get(serial)
        return known is None or (known.certificate is None and self._now() >= known.ask_again)

    async def _download(self, serial: str, fetch: FetchCertificate) -> None:
        try:
            certificate = self._accept(serial, await fetch(serial))
        except (ProviderFault, ValueError) as error:
            self._remember(serial, None)
            raise ProviderUnsigned("the certificate that signed the answer cannot be fetched") from error
        self._remember(serial, certificate)

    def _remember(self, serial: str, certificate: Certificate | None) -> None:
        self._known.pop(serial, None)
        self._known[serial] = _Known(certificate, self._now() + RETRY_AFTER)
        while len(self._known) > KEPT:
            del self._known[next(iter(self._known))]

    def _accept(self, serial: str, pem: str) -> Certificate | None:
        """The chain is the proof; the download's own answer proves nothing, whoever speaks for the gateway wrote it.

        Merchants' certificates lead to the same root, so the issuer must be the one of `alipay_cert` too.
        """
        try:
            certificate, *issuers = load_certificates(pem)
            certificate.public_key()
        except ValueError:
            return None
        is_alipays = get_serial(certificate) == serial and certificate.issuer_text == self._own.issuer_text
        is_chained = is_alipays and certificate.chains_to(self._roots, [*self._issuers, *issuers], self._time())
        return certificate if is_chained else None

    def _time(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)


def get_serial(certificate: Certificate) -> str:
    """Return Alipay's name for a certificate: MD5 over its issuer (RFC 2253) and its serial number in decimal."""
    return md5_hex(f"{certificate.issuer_text}{certificate.serial_number}")


def get_root_serials(roots: Sequence[Certificate]) -> str:
    """Return the names of the roots that are signed with RSA, in file order; whose key it is does not matter."""
    return "_".join(get_serial(root) for root in roots if root.signature_oid.startswith(RSA_SIGNATURES))
