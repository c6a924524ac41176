"""Digests: plain ones for random tokens, keyed ones for values that could be guessed, and those of vendor protocols."""

import base64
import hashlib
import hmac
from collections.abc import Iterable


def token_hash(token: str) -> str:
    """Return the SHA-256 of a random token in hex, as the database stores it. Use `keyed_hash` for guessable values."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def keyed_hash(key: bytes, label: str, value: str) -> str:
    """Return the HMAC-SHA-256 in hex of a guessable value (an id, a phone number).

    Equal values with different `label`s have different hashes, so that two purposes cannot be compared.
    """
    return hmac.digest(key, f"{label}\0{value}".encode("utf-8", "surrogatepass"), "sha256").hex()


def sha1_hex(text: str) -> str:
    """Return the SHA-1 in hex, for vendors whose protocol signs a text with it and a shared key; for nothing else."""
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def md5_hex(text: str) -> str:
    """Return the MD5 in hex, for vendors whose protocol identifies certificates by it; never for secrets."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def sign_webhook(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature` of Standard Webhooks: a signature `v1,…` for each secret, in this order.

    A secret is `whsec_` and base64; `timestamp` is that of the attempt, in epoch seconds.
    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    signatures = [base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys]
    return " ".join(f"v1,{signature}" for signature in signatures)
