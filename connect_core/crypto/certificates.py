"""X.509 certificates (RFC 5280): parses bundles, formats issuer names as Java does, and checks chains up to a root.

A chain is trusted only if it ends at one of the roots that the caller passes. Never uses the system's certificates,
revocation lists or the network.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding

from connect_core.crypto.pem import pem_blocks
from connect_core.crypto.rsa import RsaPublicKey

MAX_INTERMEDIATES = 8
_DIGESTS = (SHA256, SHA384, SHA512)
_UNUSABLE = (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.DuplicateExtension)


class Certificate:
    """One certificate. Its key is parsed when `public_key` is called, so a bundle may contain keys of other types.

    `issuer_text` is the issuer's name as RFC 2253 text, RDNs in reverse order of the DER and no blank after commas, as
    Java's `X500Principal.getName()` prints it. The two differ for attributes that RFC 2253 does not name, and for `=`
    or an inner `#` in a value. `serial_number` is an integer of any size, `signature_oid` the dotted OID of the
    algorithm that the issuer signed with. It is valid from `valid_from` to `valid_until`, both included, in UTC.
    """

    __slots__ = (
        "_certificate",
        "_public_key",
        "issuer_text",
        "serial_number",
        "signature_oid",
        "valid_from",
        "valid_until",
    )

    def __init__(self, der: bytes) -> None:
        """Parse a certificate in DER. Raises `ValueError` when it cannot be parsed."""
        self._certificate = x509.load_der_x509_certificate(der)
        self._public_key: RsaPublicKey | None = None
        self.issuer_text = self._certificate.issuer.rfc4514_string()
        self.serial_number = self._certificate.serial_number
        self.signature_oid = self._certificate.signature_algorithm_oid.dotted_string
        self.valid_from = self._certificate.not_valid_before_utc
        self.valid_until = self._certificate.not_valid_after_utc

    def public_key(self) -> RsaPublicKey:
        """Return the certificate's key, parsed once. Raises `ValueError` unless it is RSA with 2048 bits or more."""
        if self._public_key is None:
            try:
                self._public_key = RsaPublicKey(self._certificate.public_key())
            except UnsupportedAlgorithm:
                raise ValueError("not an RSA public key") from None
        return self._public_key

    def is_valid_at(self, at: datetime) -> bool:
        """Tell whether `at` (with a time zone) lies within the certificate's validity, both ends included."""
        return self.valid_from <= at <= self.valid_until

    def chains_to(self, roots: Sequence["Certificate"], intermediates: Sequence["Certificate"], at: datetime) -> bool:
        """Tell whether a chain of certificates, all valid `at` (with a time zone), leads from this one to a root.

        Checks each link as RFC 5280 section 6.1 asks: names, signature (SHA-2 only), the issuer's basic constraints
        (CA, path length) and key usage. Uses the first 8 `intermediates` alone, so that a bundle from an unknown sender
        costs little CPU.
        """
        reached, unused = [self], list(intermediates[:MAX_INTERMEDIATES])
        for below in range(len(unused) + 1):
            reached = [certificate for certificate in reached if certificate.is_valid_at(at)]
            if any(root.is_valid_at(at) for root in _issuers(reached, roots, below)):
                return True
            reached = _issuers(reached, unused, below)
            unused = [certificate for certificate in unused if certificate not in reached]
        return False

    def pem(self) -> str:
        """Return the certificate as one PEM block."""
        return self._certificate.public_bytes(Encoding.PEM).decode()

    def _is_issued_by(self, issuer: "Certificate", below: int) -> bool:
        """`below` is the number of intermediates between the issuer and the chain's first certificate."""
        try:
            if not isinstance(self._certificate.signature_hash_algorithm, _DIGESTS) or not issuer._may_issue(below):
                return False
            self._certificate.verify_directly_issued_by(issuer._certificate)
        except _UNUSABLE:
            return False
        return True

    def _may_issue(self, below: int) -> bool:
        extensions = {extension.oid: extension.value for extension in self._certificate.extensions}
        constraints = extensions.get(x509.BasicConstraints.oid)
        usage = extensions.get(x509.KeyUsage.oid)
        if not isinstance(constraints, x509.BasicConstraints) or not constraints.ca:
            return False
        if constraints.path_length is not None and constraints.path_length < below:
            return False
        return not isinstance(usage, x509.KeyUsage) or usage.key_cert_sign

    def __eq__(self, other: object) -> bool:
        return self._certificate == other._certificate if isinstance(other, Certificate) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._certificate)

    def __repr__(self) -> str:
        return f"<Certificate {self.serial_number:x} issued by {self.issuer_text}>"


def load_certificates(pem: str) -> tuple[Certificate, ...]:
    """Return the certificates in a PEM bundle, in file order; skips blocks that cannot be parsed.

    Raises `ValueError` when none remain.
    """
    certificates = tuple(_readable(pem))
    if not certificates:
        raise ValueError("no PEM block CERTIFICATE that can be read")
    return certificates


def _readable(pem: str) -> Iterator[Certificate]:
    for content in pem_blocks(pem, "CERTIFICATE"):
        try:
            yield Certificate(content)
        except _UNUSABLE:
            continue


def _issuers(certificates: Sequence[Certificate], candidates: Sequence[Certificate], below: int) -> list[Certificate]:
    return [issuer for issuer in candidates if any(subject._is_issued_by(issuer, below) for subject in certificates)]
