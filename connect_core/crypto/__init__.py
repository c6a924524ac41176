"""Cryptography: keys, certificates, signatures, sealing and digests. Load a key once and keep it: parsing is slow.

Nothing else imports `cryptography`, `joserfc` or `argon2`. No function here logs, and no error text contains a key.
"""

from connect_core.crypto.aes import decrypt_aes_cbc, decrypt_aes_frame, encrypt_aes_cbc
from connect_core.crypto.certificates import Certificate, load_certificates
from connect_core.crypto.digests import keyed_hash, md5_hex, sha1_hex, sign_webhook, token_hash
from connect_core.crypto.jose import (
    SECRET_BYTES,
    Algorithm,
    SecretKey,
    SigningKey,
    VerificationKey,
    Verifier,
    encode_part,
)
from connect_core.crypto.passwords import hash_password, is_password
from connect_core.crypto.rsa import RsaPrivateKey, RsaPublicKey, load_private_key, load_public_key
from connect_core.crypto.sealing import Sealer, SealError
from connect_core.crypto.tokens import AccessTokens

__all__ = [
    "SECRET_BYTES",
    "AccessTokens",
    "Algorithm",
    "Certificate",
    "RsaPrivateKey",
    "RsaPublicKey",
    "SealError",
    "Sealer",
    "SecretKey",
    "SigningKey",
    "VerificationKey",
    "Verifier",
    "decrypt_aes_cbc",
    "decrypt_aes_frame",
    "encode_part",
    "encrypt_aes_cbc",
    "hash_password",
    "is_password",
    "keyed_hash",
    "load_certificates",
    "load_private_key",
    "load_public_key",
    "md5_hex",
    "sha1_hex",
    "sign_webhook",
    "token_hash",
]
