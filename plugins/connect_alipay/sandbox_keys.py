"""The loopback double's keys and certificates: made on first use, shared by all doubles of a process, never stored.

The authorities are built as Alipay's are: a root, one intermediate that certifies merchants (class 1) and one that
certifies Alipay (class 2), and a bundle of roots that holds an elliptic one too. A role is the name of a key's owner:
`app` (the shop), `alipay` and `alipay-1`, `alipay-2` … after rotations; and those that nobody may believe: `stranger`,
`merchant` (another shop, certified by class 1), `expired`, `rogue` (certified by an authority of the same name).
"""

from datetime import UTC, datetime, timedelta
from functools import cache

from connect_alipay.trust import get_serial
from connect_core.crypto.minting import new_authority, new_certificate, new_ec_authority
from connect_core.plugin import Certificate, RsaPrivateKey


@cache
def key_of(role: str) -> RsaPrivateKey:
    """Return the private key of `role`."""
    return RsaPrivateKey.generate()


@cache
def chain_of(role: str) -> tuple[Certificate, Certificate]:
    """Return the certificate of `role` and its issuer's, as `alipayCertPublicKey_RSA2.crt` holds them."""
    issuer_name = {"app": "class 1", "merchant": "class 1", "rogue": "rogue"}.get(role, "class 2")
    issuer_key, issuer = _issuer(issuer_name)
    not_after = datetime.now(UTC) - timedelta(days=2) if role == "expired" else None
    return new_certificate(role, key_of(role).public_key(), issuer_key, issuer, not_after=not_after), issuer


@cache
def root_bundle() -> tuple[Certificate, ...]:
    """Return the roots in file order, as `alipayRootCert.crt` holds them."""
    return new_ec_authority("Sandbox Root E1"), _root("sandbox")[1]


def sn_of(role: str) -> str:
    """Return the number of the certificate of `role`."""
    return get_serial(chain_of(role)[0])


def bundle_text(certificates: tuple[Certificate, ...]) -> str:
    """Return the certificates as one PEM text."""
    return "\n".join(one.pem() for one in certificates)


@cache
def _root(authority: str) -> tuple[RsaPrivateKey, Certificate]:
    return new_authority("Sandbox Root R1")


@cache
def _issuer(name: str) -> tuple[RsaPrivateKey, Certificate]:
    root_key, root = _root("rogue" if name == "rogue" else "sandbox")
    key = key_of(f"authority {name}")
    common_name = "Sandbox Class 1 R1" if name == "class 1" else "Sandbox Class 2 R1"
    return key, new_certificate(common_name, key.public_key(), root_key, root, is_authority=True)
