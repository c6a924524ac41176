"""Digests: of tokens that carry their own entropy, of values that do not, and those a vendor's protocol asks for."""

import hashlib
import hmac


def token_hash(token: str) -> str:
    """SHA-256 in hex of a high-entropy token, as the database keeps it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def keyed_hash(key: bytes, label: str, value: str) -> str:
    """HMAC-SHA-256 in hex of a guessable value (an id, a phone number), separated by `label`."""
    return hmac.digest(key, f"{label}\0{value}".encode("utf-8", "surrogatepass"), "sha256").hex()


def sha1_hex(text: str) -> str:
    """SHA-1 in hex, for vendors whose protocol proves a text by it and a shared key. Never for our own proofs."""
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def md5_hex(text: str) -> str:
    """MD5 in hex, for vendors whose protocol names a certificate by it. Never for secrets."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
