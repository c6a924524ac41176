"""RSA keys that sign and verify with RSASSA-PKCS1-v1_5 and SHA-256 (RFC 8017 section 8.2), and open what a vendor sent.

The digest is always SHA-256, never the one that a signature names. Refuses keys under 2048 bits (NIST SP 800-131A).
"""

from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from connect_core.crypto.pem import pem_or_bare

MIN_BITS = 2048


class RsaPublicKey:
    """A public key that verifies signatures and encrypts. Two keys are equal when modulus and exponent are equal."""

    __slots__ = ("_key",)

    def __init__(self, key: object) -> None:
        """`key` is the `cryptography` package's. Raises `ValueError` unless it is a public RSA key of 2048+ bits."""
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < MIN_BITS:
            raise ValueError(f"not an RSA public key of at least {MIN_BITS} bits")
        self._key = key

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Tell whether `signature` is this key's over `data` with SHA-256."""
        try:
            self._key.verify(signature, data, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True

    def encrypt(self, data: bytes) -> bytes:
        """Return `data` encrypted with RSAES-PKCS1-v1_5, as `RsaPrivateKey.decrypt` opens it. For sandboxes."""
        return self._key.encrypt(data, PKCS1v15())

    def spki_pem(self) -> str:
        """Return the key as PEM, `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7)."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, RsaPublicKey) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key.public_numbers())

    def __repr__(self) -> str:
        return f"<RsaPublicKey {self._key.key_size} bits>"


class RsaPrivateKey:
    """A private key that signs and decrypts. Its `repr` shows nothing but the size."""

    __slots__ = ("_key",)

    def __init__(self, key: object) -> None:
        """`key` is the `cryptography` package's. Raises `ValueError` unless it is a private RSA key of 2048+ bits."""
        if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < MIN_BITS:
            raise ValueError(f"not an RSA private key of at least {MIN_BITS} bits")
        self._key = key

    @classmethod
    def generate(cls, bits: int = MIN_BITS) -> Self:
        """Return a new key of `bits` with the exponent 65537."""
        return cls(rsa.generate_private_key(65537, bits))

    def sign(self, data: bytes) -> bytes:
        """Return the signature over `data` with SHA-256; it has as many bytes as the modulus."""
        return self._key.sign(data, PKCS1v15(), SHA256())

    def decrypt(self, data: bytes) -> bytes:
        """Return what was encrypted with RSAES-PKCS1-v1_5 (RFC 8017 section 7.2). Raises `ValueError`.

        Only for what the vendor itself answered over TLS: whoever can have texts of their own decrypted, and learns
        which of them fail, can find out a message (section 7.2 there).
        """
        return self._key.decrypt(data, PKCS1v15())

    def public_key(self) -> RsaPublicKey:
        """Return the public key."""
        return RsaPublicKey(self._key.public_key())

    def pkcs8_pem(self) -> str:
        """Return the key as PEM, PKCS#8 (RFC 5958), not encrypted."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def pkcs1_pem(self) -> str:
        """Return the key as PEM, PKCS#1 (RFC 8017 appendix A.1.2), not encrypted."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()

    def __repr__(self) -> str:
        return f"<RsaPrivateKey {self._key.key_size} bits>"


def load_private_key(text: str) -> RsaPrivateKey:
    """Return the private key in `text`: PKCS#1 or PKCS#8, as PEM or bare base64, with any line breaks.

    Raises `ValueError`, which never quotes the text, when it is no RSA key, encrypted, damaged, or under 2048 bits.
    """
    content = pem_or_bare(text, "PRIVATE KEY")
    try:
        key = load_der_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("not an RSA private key in PKCS#1 or PKCS#8 without a password") from None
    return RsaPrivateKey(key)


def load_public_key(text: str) -> RsaPublicKey:
    """Return the public key in `text`: SPKI or PKCS#1, as PEM or bare base64, with any line breaks.

    Raises `ValueError`, which never quotes the text, when it is no public RSA key, damaged, or under 2048 bits.
    """
    content = pem_or_bare(text, "PUBLIC KEY")
    try:
        key = load_der_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("not an RSA public key in SPKI or PKCS#1") from None
    return RsaPublicKey(key)
