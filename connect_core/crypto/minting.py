"""Creates certificate authorities, certificates and weak signatures, for tests and sandboxes only.

Nothing that verifies a certificate or a signature imports this module.
"""

import base64
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes, CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, load_pem_public_key
from cryptography.x509.oid import NameOID

from connect_core.crypto.certificates import Certificate
from connect_core.crypto.rsa import RsaPrivateKey, RsaPublicKey

_DAY = timedelta(days=1)
_VALIDITY = timedelta(days=3650)
_DN = (
    (NameOID.COUNTRY_NAME, "CN"),
    (NameOID.ORGANIZATION_NAME, "Sandbox"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
)


def new_authority(common_name: str) -> tuple[RsaPrivateKey, Certificate]:
    """Return a new RSA key and its self-signed CA certificate, valid from yesterday for ten years."""
    key = RsaPrivateKey.generate()
    name = _name(common_name)
    builder = _builder(name, name, _public(key.public_key()), is_authority=True)
    return key, _signed(builder, _private(key))


def new_ec_authority(common_name: str) -> Certificate:
    """Return a self-signed CA certificate with a P-256 key and an ECDSA signature: RSA code has to skip such a root."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name)
    return _signed(_builder(name, name, key.public_key(), is_authority=True), key)


class CertificateOptions(TypedDict, total=False):
    """What else a new certificate may have.

    By default it is valid from yesterday for ten years (`not_before` and `not_after` need a time zone) and has a random
    `serial_number`. `is_authority` makes it an intermediate CA.
    """

    serial_number: int | None
    not_before: datetime | None
    not_after: datetime | None
    is_authority: bool


def new_certificate(
    common_name: str,
    public_key: RsaPublicKey,
    issuer_key: RsaPrivateKey,
    issuer: Certificate,
    **options: Unpack[CertificateOptions],
) -> Certificate:
    """Return a certificate for `public_key`, issued by `issuer` and signed with `issuer_key`."""
    subject = x509.load_pem_x509_certificate(issuer.pem().encode()).subject
    builder = _builder(
        _name(common_name),
        subject,
        _public(public_key),
        serial_number=options.get("serial_number"),
        validity=(options.get("not_before"), options.get("not_after")),
        is_authority=options.get("is_authority", False),
    )
    return _signed(builder, _private(issuer_key))


def sign_with_sha1(key: RsaPrivateKey, data: bytes) -> str:
    """Return a signature over `data` with SHA-1, as base64: a verifier that accepts SHA-256 alone has to refuse it."""
    return base64.b64encode(_private(key).sign(data, PKCS1v15(), SHA1())).decode()  # noqa: S303  # weak on purpose


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: CertificatePublicKeyTypes,
    *,
    is_authority: bool,
    serial_number: int | None = None,
    validity: tuple[datetime | None, datetime | None] = (None, None),
) -> x509.CertificateBuilder:
    not_before, not_after = validity
    start = not_before or min(datetime.now(UTC), not_after or datetime.max.replace(tzinfo=UTC)) - _DAY
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number() if serial_number is None else serial_number)
        .not_valid_before(start)
        .not_valid_after(not_after or start + _VALIDITY)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )


def _signed(builder: x509.CertificateBuilder, key: CertificateIssuerPrivateKeyTypes) -> Certificate:
    return Certificate(builder.sign(key, SHA256()).public_bytes(Encoding.DER))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in (*_DN, (NameOID.COMMON_NAME, common_name))])


def _private(key: RsaPrivateKey) -> rsa.RSAPrivateKey:
    parsed = load_pem_private_key(key.pkcs8_pem().encode(), None, unsafe_skip_rsa_key_validation=True)
    return parsed  # type: ignore[return-value]  # it was an RSA key before


def _public(key: RsaPublicKey) -> CertificatePublicKeyTypes:
    return load_pem_public_key(key.spki_pem().encode())  # type: ignore[return-value]  # it was an RSA key before
