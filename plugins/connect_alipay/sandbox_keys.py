"""The sandbox's keys and certificates: made on first use, shared by all sandboxes of a process, never stored.

The certificate authorities are built like Alipay's: a root, an intermediate that certifies merchants (class 1), one
that certifies Alipay (class 2), and a bundle of roots that has an elliptic-curve root too. A *role* names the owner of
a key. Valid roles: `app` (the shop), `alipay`, and `alipay-1`, `alipay-2` … after rotations. Roles that a provider has
to reject: `stranger` (no certificate), `merchant` (another shop, certified by class 1), `expired`, and `rogue`
(certified by another authority with the same name).
"""

from datetime import UTC, datetime, timedelta
from functools import cache

from connect_alipay.trust import get_serial
from connect_core.crypto.minting import new_authority, new_certificate, new_ec_authority
from connect_core.plugin import Certificate, RsaPrivateKey


@cache
def get_key(role: str) -> RsaPrivateKey:
    """Return the private key of `role`."""
    return RsaPrivateKey.generate()


@cache
def get_chain(role: str) -> tuple[Certificate, Certificate]:
    """Return the certificate of `role` and that of its issuer, in the order of `alipayCertPublicKey_RSA2.crt`."""
    issuer_name = {"app": "class 1", "merchant": "class 1", "rogue": "rogue"}.get(role, "class 2")
    issuer_key, issuer = _issuer(issuer_name)
    not_after = datetime.now(UTC) - timedelta(days=2) if role == "expired" else None
    return new_certificate(role, get_key(role).public_key(), issuer_key, issuer, not_after=not_after), issuer


@cache
def get_roots() -> tuple[Certificate, ...]:
    """Return the roots in the order of `alipayRootCert.crt`."""
    return new_ec_authority("Sandbox Root E1"), _root("sandbox")[1]


def get_serial_of(role: str) -> str:
    """Return the serial of the certificate of `role`."""
    return get_serial(get_chain(role)[0])


def join_pem(certificates: tuple[Certificate, ...]) -> str:
    """Return the certificates as one PEM text."""
    return "\n".join(certificate.pem() for certificate in certificates)


@cache
def _root(authority: str) -> tuple[RsaPrivateKey, Certificate]:
    return new_authority("Sandbox Root R1")


@cache
def _issuer(name: str) -> tuple[RsaPrivateKey, Certificate]:
    root_key, root = _root("rogue" if name == "rogue" else "sandbox")
    key = get_key(f"authority {name}")
    common_name = "Sandbox Class 1 R1" if name == "class 1" else "Sandbox Class 2 R1"
    return key, new_certificate(common_name, key.public_key(), root_key, root, is_authority=True)
